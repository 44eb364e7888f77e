//! The map of switches, the costs and the strips as they are drawn.

use iolab::lesson::{self, Block, Lesson, Show};
use iolab::screen::{Palette, Pane, Run, State, Theme, View, frame};
use iolab::trace::{
    ClientTotals, Entry, Load, ProcessTotals, Purpose, Record, RingTotals, Start, ThreadTotals, Trace,
};
use iolab::world::World;
use ratatui::layout::Size;
use ratatui::style::Color;

use crate::fixture;

const PARTS: [Show; 3] = [Show::Switches, Show::Cost, Show::Poller];

const ASCII: Theme = Theme { palette: Palette::Ansi, ascii: true };
const MONO: Theme = Theme { palette: Palette::Mono, ascii: false };

/// The lesson, its first lab showing these parts of these servers, on the screen alone.
fn lab(servers: &[String], show: &[Show]) -> (Lesson, View) {
    let mut lesson = lesson::find("3").unwrap().read().unwrap();
    let step = lesson.steps.iter().position(|step| step.lab().is_some()).unwrap();
    for block in &mut lesson.steps[step].blocks {
        if let Block::Lab(lab) = block {
            (lab.servers, lab.show) = (servers.to_vec(), show.to_vec());
        }
    }
    let mut view = View::new(step);
    view.pane = Pane::Lab;
    view.run = Run::Some { step, state: State::Running, recorded: None };
    (lesson, view)
}

fn text(trace: &Trace, show: &[Show], size: (u16, u16), theme: Theme) -> String {
    let (lesson, view) = lab(&trace.header().servers, show);
    let world = World::at(trace, u64::MAX);
    let buffer = frame(Some(&world), &view, &lesson, Size::from(size), theme).buffer;
    assert!(buffer.content.iter().all(|cell| cell.bg == Color::Reset), "a background was set");
    if theme == MONO {
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset), "a colour was set");
    }
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn push(trace: &mut Trace, run: u32, t_ns: u64, record: Record) {
    trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
}

fn start(server: u32, load: Option<Load>) -> Record {
    Record::Start(Start { server, round: 0, purpose: Purpose::Measure, pid: 100, load })
}

fn thread(tid: u32, comm: &str, cpu_ns: u64, switches: (u64, u64)) -> ThreadTotals {
    let (voluntary_switches, involuntary_switches) = switches;
    let comm = comm.to_owned();
    ThreadTotals { tid, comm, cpu_ns, voluntary_switches, involuntary_switches, ..ThreadTotals::default() }
}

/// A second of a thread per connection beside a polled ring: what the threads did until each tick.
fn contrast() -> Trace {
    let mut trace = Trace::new(fixture::header(&names(&["threads", "sqpoll"]), &Load::default()));
    push(&mut trace, 0, 0, start(0, None));
    push(&mut trace, 1, 0, start(1, None));
    for tick in 0..=50_u64 {
        let t_ns = tick * fixture::TICK_NS;
        let threads = (0..65).map(|n| thread(200 + n, "threads", tick * 9_000, (tick, tick / 20))).collect();
        push(&mut trace, 0, t_ns, Record::Process(ProcessTotals { threads, ..Default::default() }));
        // It spins for four fifths of the second, then sleeps.
        let spun_ns = tick.min(40) * fixture::TICK_NS;
        let mut ring = RingTotals { fd: 4, asleep_seen: tick.saturating_sub(40) * 5, ..Default::default() };
        ring.sq_depth.add(0, 5);
        let threads = vec![
            thread(300, "sqpoll", tick * 100_000, (tick * 3, 0)),
            thread(301, "iou-sqp-300", spun_ns, (0, tick)),
        ];
        let process = ProcessTotals { threads, rings: vec![ring], ..Default::default() };
        push(&mut trace, 1, t_ns, Record::Process(process));
        for run in 0..2 {
            let client = ClientTotals { answered: tick * 40, ..Default::default() };
            push(&mut trace, run, t_ns, Record::Client(client));
        }
    }
    trace
}

#[test]
fn threads_stand_beside_each_other_and_the_rest_is_summed() {
    let says = text(&contrast(), &[Show::Switches], (100, 24), Theme::DEFAULT);
    let row =
        |start: &str| says.lines().find(|line| line.contains(start)).unwrap_or_else(|| panic!("{says}"));
    assert!(row("per echo").contains("1.625 !0.065"), "65 threads, each once a tick of 40 echoes: {says}");
    // Ten ticks in a row of the map: 8 to 15 is the fourth step of the scale.
    assert!(row("0.4 s").contains("▄ ▄ ▄ ▄") && row("0.2 s").contains("▄!▄!▄!"), "{says}");
    assert!(row("0.2 s").contains("▅ 30"), "{says}");
    assert!(row("thread ").contains(" more") && row("thread ").contains("kernel poller"), "{says}");
    assert!(row("0.2 s").contains("·       !10"), "a poller never waits, it is put aside: {says}");
    let dense = text(&contrast(), &[Show::Switches], (100, 24), ASCII);
    assert!(dense.contains("+ + + +") && dense.is_ascii(), "{dense}");
}

#[test]
fn a_poller_that_spins_and_one_that_sleeps_look_different_without_colour() {
    for (theme, spins, sleeps) in [(MONO, "██████", "zzzzzzzzzz"), (ASCII, "@@@@@@", "zzzzzzzzzz")]
    {
        let says = text(&contrast(), &[Show::Poller], (100, 24), theme);
        let row =
            |start: &str| says.lines().find(|line| line.contains(start)).unwrap_or_else(|| panic!("{says}"));
        assert!(row("iou-sqp").contains(&format!("{spins}{sleeps}")), "{says}");
        let shares: Vec<_> = row("iou-sqp").split_whitespace().collect();
        assert!(row("iou-sqp").contains("0 %  80 %    20 %"), "now, mean, asleep: {shares:?}");
        assert!(row("1 of 65").contains("<1 %"), "{says}");
        assert!(says.contains("spinning") && says.contains("NEED_WAKEUP"), "{says}");
    }
}

#[test]
fn one_load_asks_for_a_second_one() {
    let servers = names(&["epoll", "uring"]);
    let one = fixture::trace(&servers, &Load::default(), 60);
    let says = text(&one, &[Show::Cost], (100, 24), Theme::DEFAULT);
    assert!(says.contains("▸ 64") && says.contains("change the load to compare"), "{says}");
    let mut two = one;
    push(&mut two, 2, 0, start(0, Some(Load { idle: 1000, ..Load::default() })));
    for answered in [0, 1000] {
        let threads = vec![thread(7, "epoll", answered * 43_000, (0, 0))];
        push(&mut two, 2, answered, Record::Process(ProcessTotals { threads, ..Default::default() }));
        push(&mut two, 2, answered, Record::Client(ClientTotals { answered, ..Default::default() }));
    }
    let says = text(&two, &[Show::Cost], (100, 24), Theme::DEFAULT);
    assert!(!says.contains("change the load"), "{says}");
    let row =
        |start: &str| says.lines().find(|line| line.contains(start)).unwrap_or_else(|| panic!("{says}"));
    assert!(row("64+1000 idle").contains("▸") && row("64+1000 idle").contains("43.00"), "{says}");
    assert!(row("▸ 64 ").contains("4.30"), "both on one scale: {says}");
    let blocks = |line: &str| line.matches('█').count();
    assert!(blocks(row("64+1000 idle")) > 5 * blocks(row("▸ 64 ")).max(1), "{says}");
}

/// A trace that no lab makes: any number anywhere, times and totals going up and down.
fn foreign(seed: u64) -> Trace {
    let mut dice = seed;
    let mut roll = move || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match dice >> 61 {
            0 | 1 => u64::MAX,
            2 => 0,
            3 => u64::MAX / 2,
            4 => dice >> 32,
            _ => dice >> 50,
        }
    };
    let mut trace = Trace::new(fixture::header(&names(&["threads@1", "sqpoll", "nobody"]), &Load::default()));
    for run in 0..6 {
        let load = Load { connections: roll() as u32, idle: roll() as u32, ..Load::default() };
        push(&mut trace, run, 0, start(run % 3, (run > 2).then_some(load)));
    }
    for reading in 0..40_u64 {
        let run = (reading % 6) as u32;
        let comms = ["iou-sqp-1", "iou-wrk-1", "(ended)", "", "a name with ünïcode that is long"];
        let threads = (0..roll() % 90)
            .map(|n| thread(roll() as u32, comms[n as usize % 5], roll(), (roll(), roll())))
            .collect();
        let mut ring = RingTotals { fd: roll() as i32, asleep_seen: roll(), ..Default::default() };
        ring.sq_depth.add(roll(), roll());
        let t_ns = if reading < 20 { roll() % 1_000_000_007 * reading } else { roll() };
        push(
            &mut trace,
            run,
            t_ns,
            Record::Process(ProcessTotals { threads, rings: vec![ring], ..Default::default() }),
        );
        let client = ClientTotals { answered: roll(), ..Default::default() };
        push(&mut trace, run, t_ns, Record::Client(client));
    }
    trace
}

#[test]
fn any_size_and_any_numbers_are_drawn() {
    let widths = [1, 2, 5, 9, 10, 11, 14, 20, 24, 31, 40, 52, 66, 80, 99, 120, 160, 200];
    let heights = [1, 2, 3, 5, 7, 9, 12, 17, 24, 36, 60];
    let servers = names(&["epoll", "uring-naive", "uring"]);
    let empty = fixture::trace(&servers, &Load::default(), 0);
    let mut traces = vec![empty, fixture::trace(&servers, &Load::default(), 120), contrast()];
    traces.extend((0..6).map(foreign));
    for (index, trace) in traces.iter().enumerate() {
        for (size, (width, height)) in
            widths.iter().flat_map(|width| heights.iter().map(move |height| (*width, *height))).enumerate()
        {
            // Each picture alone and all three together, each size in another look.
            let theme = [Theme::DEFAULT, ASCII, MONO][size % 3];
            let show = match (size + index) % 4 {
                3 => &PARTS[..],
                one => &PARTS[one..=one],
            };
            let says = text(trace, show, (width, height), theme);
            assert!(theme != ASCII || says.is_ascii(), "{width}x{height}: {says}");
        }
    }
}
