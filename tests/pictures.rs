//! The pictures of crossings: lanes, the receipt of one echo, interest list and ready list, from stories made by
//! hand.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/fixture.rs"]
#[allow(dead_code, reason = "only its header and its machine are needed here")]
mod fixture;

use iolab::lesson::{self, Block, Lesson, Show};
use iolab::plain;
use iolab::screen::{Palette, Pane, Run, State, Theme, View, frame};
use iolab::trace::{
    Entry, EpollSet, Interest, Load, ProcessTotals, Purpose, Record, Rung, Socket, Start, Story,
    ThreadTotals, Trace, Window,
};
use iolab::world::World;
use ratatui::layout::Size;
use ratatui::style::Color;

/// The step of lesson 3 that asks how many system calls `uring` makes for each echo.
const BATCHING: usize = 7;

/// Between two echoes of a slow load.
const PAUSE_NS: u64 = 100_000_000;

/// The lesson with a lab that shows the pictures at this step.
fn lesson(show: &[Show]) -> Lesson {
    let mut lesson = lesson::find("3").unwrap().read().unwrap();
    for block in &mut lesson.steps[BATCHING].blocks {
        if let Block::Lab(lab) = block {
            lab.show = show.to_vec();
            lab.servers = SERVERS.map(String::from).to_vec();
        }
    }
    lesson
}

const SERVERS: [&str; 4] = ["epoll", "uring-naive", "uring", "sqpoll"];
const ALL: [Show; 3] = [Show::Lanes, Show::Receipt, Show::Interest];

/// A story in the making: each call takes 20 µs.
struct Teller {
    run: u32,
    tid: u32,
    t_ns: u64,
    entries: Vec<Entry>,
}

impl Teller {
    fn tell(&mut self, record: Record) {
        self.entries.push(Entry { run: Some(self.run), t_ns: self.t_ns, record });
    }

    fn enter(&mut self, name: &str, args: [u64; 6]) {
        self.t_ns += 10_000;
        self.tell(Record::Story(Story::Enter { tid: self.tid, name: name.into(), args }));
    }

    fn exit(&mut self, name: &str, result: i64) {
        self.t_ns += 20_000;
        self.tell(Record::Story(Story::Exit { tid: self.tid, name: name.into(), result }));
    }

    fn call(&mut self, name: &str, args: [u64; 6], result: i64) {
        self.enter(name, args);
        self.exit(name, result);
    }

    /// The call that waits for the next request, and what the server does then.
    fn wait(&mut self, server: &str) {
        match server {
            "epoll" => self.enter("epoll_wait", [4, 0, 64, u64::MAX, 0, 0]),
            "uring-naive" => self.enter("io_uring_enter", [4, 0, 1, 1, 0, 128]),
            "uring" => self.enter("io_uring_enter", [4, 1, 1, 1, 0, 128]),
            _ => {}
        }
    }

    fn serve(&mut self, server: &str) {
        match server {
            "epoll" => {
                self.exit("epoll_wait", 1);
                self.call("recvfrom", [5, 0, 65_536, 0, 0, 0], 64);
                self.call("sendto", [5, 0, 64, 0x4000, 0, 0], 64);
            }
            "uring-naive" => {
                self.exit("io_uring_enter", 0);
                self.call("io_uring_enter", [4, 1, 0, 0, 0, 128], 1);
                self.call("io_uring_enter", [4, 1, 0, 0, 0, 128], 1);
            }
            "uring" => {
                self.exit("io_uring_enter", 1);
                self.call("io_uring_enter", [4, 1, 1, 1, 0, 128], 1);
            }
            _ => {}
        }
    }
}

/// A window of a server under a slow load, then the beginning of its measured run.
fn story(server: u32, name: &str, echoes: u64) -> [Vec<Entry>; 2] {
    let run = |run, purpose| {
        let start = Start { server, round: 0, purpose, pid: 4711 + server, load: None };
        let entries = vec![Entry { run: Some(run), t_ns: 0, record: Record::Start(start) }];
        Teller { run, tid: 4711 + server, t_ns: 0, entries }
    };
    let mut window = run(server, Purpose::Window);
    window.wait(name);
    for ordinal in 0..echoes {
        window.t_ns += PAUSE_NS;
        window.tell(Record::Story(Story::Sent { port: 40_000, ordinal }));
        window.serve(name);
        window.tell(Record::Story(Story::Answered { port: 40_000, ordinal }));
        window.wait(name);
    }
    let entered = |entry: &&Entry| matches!(entry.record, Record::Story(Story::Enter { .. }));
    // The last wait is for a request that does not come.
    let syscalls = (window.entries.iter().filter(entered).count() as u64).saturating_sub(1);
    let frame = Window { rung: Rung::Ptrace, lost: 0, requests: echoes, syscalls };
    window.tell(Record::Window { duration_ns: window.t_ns, window: frame });
    let mut measured = run(SERVERS.len() as u32 + server, Purpose::Measure);
    measured.entries.extend(state(measured.run, name));
    [window.entries, measured.entries]
}

/// What the probes read of a server that is at rest but for one connection.
fn state(run: u32, name: &str) -> Vec<Entry> {
    let entry = |record| Entry { run: Some(run), t_ns: 0, record };
    let socket = |fd, peer_port, receive_queue_bytes| Socket {
        fd,
        peer_port,
        receive_queue_bytes,
        listening: peer_port == 0,
        ..Socket::default()
    };
    let sockets = vec![socket(3, 0, 0), socket(5, 40_000, 64), socket(6, 40_001, 0)];
    let mut entries = vec![entry(Record::Sockets { sockets })];
    let thread = |comm: &str| ThreadTotals { comm: comm.into(), alive: true, ..ThreadTotals::default() };
    match name {
        "epoll" => {
            let interest = |fd, more| Interest { fd, events: Interest::IN | more };
            let interest = vec![interest(6, Interest::ET), interest(3, 0), interest(5, 0), interest(9, 0)];
            entries.push(entry(Record::EpollSets { sets: vec![EpollSet { fd: 4, interest }] }));
        }
        "sqpoll" => {
            let threads = vec![thread("iolab"), thread("iou-sqp-4714")];
            entries.push(entry(Record::Process(ProcessTotals { threads, ..ProcessTotals::default() })));
        }
        _ => {}
    }
    entries
}

fn trace(echoes: u64) -> Trace {
    let servers = SERVERS.map(String::from);
    let mut trace = Trace::new(fixture::header(&servers, &Load::default()));
    let stories = (0..).zip(SERVERS).map(|(index, name)| story(index, name, echoes));
    let (windows, measured): (Vec<_>, Vec<_>) = stories.map(|[one, other]| (one, other)).unzip();
    for entry in windows.into_iter().chain(measured).flatten() {
        trace.push(entry).unwrap();
    }
    trace
}

/// Once the prediction was made.
fn view() -> View {
    let mut view = View::new(BATCHING);
    view.answers.insert("batched".into(), "1.5".into());
    view.pane = Pane::Lab;
    view.run = Run::Some { step: BATCHING, state: State::Running, recorded: None };
    view
}

fn drawn(
    trace: &Trace,
    show: &[Show],
    view: &View,
    size: (u16, u16),
    theme: Theme,
) -> ratatui::buffer::Buffer {
    let world = World::at(trace, u64::MAX);
    frame(Some(&world), view, &lesson(show), Size::new(size.0, size.1), theme).buffer
}

fn text(buffer: &ratatui::buffer::Buffer) -> String {
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn screen(show: &[Show], view: &View, size: (u16, u16)) -> String {
    text(&drawn(&trace(5), show, view, size, Theme::DEFAULT))
}

/// The row that begins with a name, and the one below it.
fn rows_of(screen: &str, name: &str) -> [String; 2] {
    let mut lines = screen.lines().skip_while(|line| line.split_whitespace().next() != Some(name));
    [lines.next(), lines.next()].map(|line| line.unwrap_or_default().to_owned())
}

#[test]
fn every_turn_begins_in_all_lanes_at_the_same_column() {
    let screen = screen(&[Show::Lanes], &view(), (80, 24));
    let [above, below] = rows_of(&screen, "epoll");
    assert_eq!(above.matches('┐').count(), 1 + 3, "it wakes, makes two calls, and waits again: {screen}");
    assert_eq!(below.matches('┘').count(), 3, "the last wait is not over: {screen}");
    assert!(above.ends_with("3.00") && below.contains("┘ └recvfrom┘ └sendto┘ └·"), "{screen}");
    let wakes = ["epoll", "uring-naive", "uring"].map(|name| {
        let [above, _] = rows_of(&screen, name);
        above.chars().position(|c| c == '┌').unwrap()
    });
    assert_eq!(wakes, [wakes[0]; 3], "{screen}");
}

#[test]
fn a_server_that_never_enters_the_kernel_has_no_crossing_and_its_poller_is_named() {
    let screen = screen(&[Show::Lanes], &view(), (80, 24));
    let [above, below] = rows_of(&screen, "sqpoll");
    assert!(above.contains("─────") && above.ends_with("0.00") && below.contains("no crossing"), "{screen}");
    assert!(screen.contains("iou-sqp-4714: a thread of the kernel, no crossing"), "{screen}");
}

#[test]
fn a_receipt_lists_the_calls_of_one_echo_and_what_the_learner_said() {
    let screen = screen(&[Show::Receipt], &view(), (80, 24));
    for (name, sum, calls) in [
        ("epoll", "3 crossings", "epoll_wait → recvfrom → sendto"),
        ("uring-naive", "3 crossings", "io_uring_enter(waits) → io_uring_enter(1 SQE) ×2"),
        ("uring", "2 crossings  you said 1.5", "io_uring_enter(1 SQE, waits) ×2"),
        ("sqpoll", "0 crossings", "no call at all"),
    ] {
        let [head, below] = rows_of(&screen, name);
        assert!(head.ends_with(sum) && below.trim() == calls, "{name}: {screen}");
    }
    assert!(screen.contains("the middle one of 5 requests in the window"), "{screen}");
}

#[test]
fn neither_picture_gives_a_prediction_away() {
    let mut view = view();
    view.answers.clear();
    let screen = screen(&[Show::Lanes, Show::Receipt], &view, (120, 40));
    let rows: Vec<_> = screen.lines().filter(|line| line.contains("yours?")).collect();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.contains("uring  ")), "{screen}");
    assert!(!screen.contains("2 crossings") && !screen.contains("2.00"), "{screen}");
}

#[test]
fn interest_is_in_order_and_ready_says_that_it_is_derived() {
    let screen = screen(&[Show::Interest], &view(), (80, 24));
    let [interest, ready] = rows_of(&screen, "interest").map(|row| row.trim().to_owned());
    assert_eq!(interest, "interest  fd3 IN     fd5 IN     fd6 IN|ET  fd9 IN     4 fds (fdinfo)");
    assert_eq!(ready, "ready     fd5 64 B  1 of 4, 1 not known (derived)");
}

#[test]
fn plain_text_tells_what_the_pictures_show() {
    let trace = trace(5);
    let text = plain::lab(&World::at(&trace, u64::MAX)).replace("\n    ", " ");
    for fact in [
        "waits in epoll_wait, then recvfrom, sendto; waits in epoll_wait now",
        "own code and kernel (ptrace): no crossing",
        "iou-sqp-4714: a thread of the kernel, no crossing",
        "the receipt of one echo (ptrace): the middle one of 5 requests in the window, by crossings: 3 crossings: \
         epoll_wait → recvfrom → sendto",
        "by crossings: 2 crossings: io_uring_enter(1 SQE, waits) ×2",
        "ready list (derived from the sockets' queues): 1 of 4, 1 not known: fd 5 with 64 bytes",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
}

#[test]
fn any_size_is_drawn_in_any_look() {
    let traces = [trace(0), trace(1), trace(40)];
    let mono = Theme { palette: Palette::Mono, ascii: true };
    let sizes = [1, 2, 3, 5, 9, 17, 20, 29, 30, 31, 40, 55, 56, 60, 79, 80, 100, 133, 200];
    let heights = [1, 2, 3, 4, 5, 7, 10, 12, 16, 24, 37, 60];
    let lesson = lesson(&ALL);
    for trace in &traces {
        let world = World::at(trace, u64::MAX);
        for (width, height) in sizes.iter().flat_map(|width| heights.map(|height| (*width, height))) {
            let drawn = frame(Some(&world), &view(), &lesson, Size::new(width, height), mono).buffer;
            assert_eq!(drawn.area.as_size(), Size::new(width, height));
            assert!(drawn.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
            let strange: String = text(&drawn).chars().filter(|c| !c.is_ascii()).collect();
            assert!(strange.is_empty(), "{width}x{height}: {strange}");
        }
    }
}

#[test]
fn no_foreign_story_is_too_strange_to_be_drawn() {
    let ends = [0, 1, 7, u64::MAX / 2, u64::MAX];
    let names =
        ["epoll_wait", "recvfrom", "sendto", "io_uring_enter", "", "a_call_with_a_name_that_goes_on_and_on"];
    for seed in 0..12_usize {
        let mut trace = trace(2);
        for step in 0..120_usize {
            let number = ends[(step * 7 + seed * 3) % ends.len()];
            let (name, tid) = (names[(step + seed) % names.len()].to_owned(), (step % 3) as u32);
            let (port, ordinal) = ((step % 5) as u16, number);
            let story = match (step * step + seed) % 5 {
                0 => Story::Sent { port, ordinal },
                1 => Story::Answered { port, ordinal },
                2 => Story::Exit { tid, name, result: number as i64 },
                _ => Story::Enter { tid, name, args: [number; 6] },
            };
            let run = Some(((step + seed) % (2 * SERVERS.len())) as u32);
            trace.push(Entry { run, t_ns: number, record: Record::Story(story) }).unwrap();
        }
        for size in [(1, 1), (20, 6), (40, 12), (80, 24), (200, 60)] {
            let drawn = drawn(&trace, &ALL, &view(), size, Theme::DEFAULT);
            assert_eq!(drawn.area.as_size(), Size::new(size.0, size.1));
        }
        let told = plain::lab(&World::at(&trace, u64::MAX));
        assert!(SERVERS.iter().all(|name| told.contains(name)));
    }
}
