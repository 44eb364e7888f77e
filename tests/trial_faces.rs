//! A lab of trials on every face: what it says of them, and what it must not say, since they have no load and
//! answer no requests. Traces are made by hand, so this needs no kernel.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/fixture.rs"]
mod fixture;

use iolab::lesson::{Lesson, Source};
use iolab::screen::{Frame, Input, Key, Run, Stage, State, Theme, View, frame, receipt, update};
use iolab::trace::{
    End, Entry, Load, Note, ProcessTotals, Purpose, Record, Refusal, Rung, Start, Story, SyscallTotals,
    ThreadTotals, Trace, Window,
};
use iolab::world::{MetricId, World};
use iolab::{export, plain};
use ratatui::layout::Size;

const TEXT: &str = "+++\nnumber = 1\nname = \"demo\"\ntitle = \"Demo\"\nminutes = 20\nservers = [\"epoll\"]\n+++\n\
    # Demo\n\n## One\n\nText.\n\n\
    ```predict\nid = \"calls\"\nask = \"How many?\"\nserver = \"ghost-event\"\nmetric = \"syscalls\"\n\
    because = \"So it is.\"\n```\n\n\
    ```lab\ntrials = [\"ghost-event\"]\nshow = [\"metrics\", \"names\", \"story\"]\n\
    metrics = [\"syscalls\", \"voluntary_switches\", \"cpu_ns\"]\nwhy = \"See it.\"\n```\n\n\
    ## Two\n\n```lab\ntrials = [\"getppid\", \"turns\"]\nshow = [\"metrics\", \"names\", \"story\"]\n\
    metrics = [\"syscalls\", \"voluntary_switches\"]\nwhy = \"See them.\"\n```\n";

fn lesson() -> Lesson {
    Source { folder: "01-demo", text: TEXT, recordings: &[] }.read().unwrap()
}

/// The records of one trial: measured, then told; cut if there is more than that.
fn trial(trace: &mut Trace, server: u32, calls: u64, counted: bool, cut: bool) {
    let mut run = |purpose, records: Vec<(u64, Record)>| {
        let id = trace.runs().len() as u32;
        let start = Start { server, round: 0, purpose, pid: 4711, load: None };
        trace.push(Entry { run: Some(id), t_ns: 0, record: Record::Start(start) }).unwrap();
        for (t_ns, record) in records {
            trace.push(Entry { run: Some(id), t_ns, record }).unwrap();
        }
    };
    let totals = |calls, cpu_ns| {
        let thread =
            ThreadTotals { tid: 4711, comm: "trial".into(), cpu_ns, alive: true, ..Default::default() };
        let syscalls = SyscallTotals { rung: Rung::Perf, total: calls, by_name: Default::default() };
        Record::Process(ProcessTotals {
            threads: vec![thread],
            syscalls: counted.then_some(syscalls),
            ..Default::default()
        })
    };
    let end = || Record::End { end: End::Done };
    run(
        Purpose::Measure,
        vec![(0, totals(100, 5000)), (90_000, totals(100 + calls, 65_000)), (90_000, end())],
    );
    let told = if cut { 400 } else { calls };
    let mut story = Vec::new();
    for index in 0..told {
        let t_ns = 1000 * index;
        let args = [4, 2, 7, 0, 0, 0];
        let (name, result) = if index + 1 == told { ("epoll_ctl", -9) } else { ("getppid", 17) };
        story.push((t_ns, Record::Story(Story::Enter { tid: 4711, name: name.into(), args })));
        story.push((t_ns, Record::Story(Story::Exit { tid: 4711, name: name.into(), result })));
    }
    let window = Window { rung: Rung::Ptrace, lost: 0, requests: 0, syscalls: told };
    story.extend(cut.then_some((500_000, Record::Note(Note::Cut { calls: told }))));
    story.push((500_000, Record::Window { duration_ns: 500_000, window }));
    story.push((500_000, end()));
    run(Purpose::Window, story);
}

fn trace(names: &[&str]) -> Trace {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    Trace::new(fixture::header(&names, &Load::default()))
}

fn ghost() -> Trace {
    let mut trace = trace(&["ghost-event"]);
    trial(&mut trace, 0, 11, true, false);
    trace
}

/// A screen whose lab has run.
fn screen(step: usize, trace: &Trace, size: (u16, u16), keys: &[Key]) -> String {
    let lesson = lesson();
    let mut view = View::new(step);
    for prediction in lesson.steps[step].predictions() {
        view.answers.insert(prediction.id.clone(), "11".into());
    }
    view.run = Run::Some { step, state: State::Running, recorded: None };
    let size = Size::new(size.0, size.1);
    for input in [Input::Over].into_iter().chain(keys.iter().copied().map(Input::Key)) {
        update(&mut view, &Stage { lesson: &lesson, trace: Some(trace), size }, input);
    }
    let world = World::at(trace, u64::MAX);
    text(&frame(Some(&world), &view, &lesson, size, Theme::DEFAULT))
}

fn text(frame: &Frame) -> String {
    let area = frame.buffer.area;
    let row = |y| (0..area.width).map(|x| frame.buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn says(text: &str, wanted: &[&str]) {
    wanted.iter().for_each(|words| assert!(text.contains(words), "{words:?} is missing:\n{text}"));
}

/// Nothing of servers, clients and their load.
#[track_caller]
fn says_nothing_of_a_load(text: &str) {
    for words in ["per echo", "connections", "as fast as it goes", "side by side"] {
        assert!(!text.contains(words), "{words:?}:\n{text}");
    }
}

#[test]
fn before_it_runs_the_screen_says_what_it_does() {
    let lesson = lesson();
    for (step, wanted) in [
        (0, ["one small program, watched", "ghost-event", "a closed descriptor"]),
        (1, ["2 small programs, one after another", "turns", "300 000 system calls"]),
    ] {
        let screen = frame(None, &View::new(step), &lesson, Size::new(120, 36), Theme::DEFAULT);
        let screen = text(&screen);
        says(&screen, &wanted);
        says_nothing_of_a_load(&screen);
    }
}

#[test]
fn totals_and_the_story_are_shown() {
    let screen = screen(0, &ghost(), (160, 36), &[]);
    says(&screen, &["in all", "syscalls", "11", "CPU", "60.00", "You said 11, the kernel says 11"]);
    says(&screen, &["which process is my parent?", "(10 times)", "no longer watch fd 7", "EBADF"]);
    says_nothing_of_a_load(&screen);
}

#[test]
fn every_size_is_drawn() {
    for size in [(20, 6), (40, 12), (80, 24), (200, 60)] {
        let drawn = screen(0, &ghost(), size, &[]);
        assert_eq!(drawn.lines().count(), usize::from(size.1));
    }
}

#[test]
fn a_number_can_be_checked_by_running_the_trial_again() {
    let screen = screen(0, &ghost(), (120, 36), &[Key::Char('i')]);
    says(&screen, &["syscalls, in all", "check it", "strace -f -c iolab trial ghost-event"]);
}

#[test]
fn a_story_that_was_cut_does_not_stand_for_the_whole() {
    let mut trace = trace(&["getppid", "turns"]);
    trial(&mut trace, 0, 300_000, true, true);
    trial(&mut trace, 1, 40_000, false, true);
    let world = World::at(&trace, u64::MAX);
    let (counted, uncounted) = (world.server("getppid").unwrap(), world.server("turns").unwrap());
    assert_eq!(counted.metric(MetricId::Syscalls).unwrap().value(), Some(300_000.0));
    assert_eq!(uncounted.metric(MetricId::Syscalls).unwrap().value(), None, "400 are not all");
    let screen = screen(1, &trace, (120, 40), &[]);
    says(&screen, &["300 000", "of the first 400", "not known"]);
    let plain = plain::lab(&world);
    says(&plain, &["300 000", "the first 400 system calls by name", "only the first 400 were told"]);
}

#[test]
fn without_a_counter_a_whole_story_counts() {
    let mut trace = trace(&["ghost-event"]);
    trial(&mut trace, 0, 11, false, false);
    let world = World::at(&trace, u64::MAX);
    let calls = world.server("ghost-event").unwrap().metric(MetricId::Syscalls).unwrap();
    assert_eq!((calls.value(), calls.rung()), (Some(11.0), Some(Rung::Ptrace)));
}

#[test]
fn metrics_of_servers_do_not_apply_to_trials_nor_the_other_way_round() {
    let (trials, servers) = (ghost(), fixture::trace(&["epoll".to_owned()], &Load::default(), 10));
    let of = |trace: &Trace, id: MetricId| World::at(trace, u64::MAX).servers()[0].metric(id);
    for metric in iolab::world::METRICS {
        // Of a trial the entries of its rings are told one by one; only observed programs have their sum.
        let of_programs = matches!(metric.id, MetricId::Sqes | MetricId::Cqes);
        let is_total = metric.unit.ends_with("in all") && !of_programs;
        assert_eq!(of(&trials, metric.id).is_some(), is_total, "{}", metric.key);
        assert!(!is_total || of(&servers, metric.id).is_none(), "{}", metric.key);
    }
}

#[test]
fn plain_text_and_documents_say_the_same() {
    let trace = ghost();
    let world = World::at(&trace, u64::MAX);
    let plain = plain::lab(&world);
    says(&plain, &["syscalls in all", "the last system calls in order", "(10 times)", "EBADF"]);
    says_nothing_of_a_load(&plain);
    let lesson = lesson();
    let running = plain::lesson::running(lesson.steps[1].lab().unwrap(), None);
    says(&running, &["Trials: getppid, turns, 2 small programs, one after another.", "See them."]);
    says_nothing_of_a_load(&running);
    let views = world.servers();
    let document = serde_json::to_value(export::json::lab(&world, &views)).unwrap();
    let server = &document["servers"][0];
    assert_eq!(server["metrics"]["syscalls"]["value"], 11.0);
    assert_eq!(server["syscalls_by_name"]["getppid"]["value"], 10.0);
    assert!(server["metrics"].get("syscalls_per_request").is_none());
    let mut view = View::new(0);
    view.run = Run::Some { step: 0, state: State::Over, recorded: None };
    view.answers.insert("calls".into(), "11".into());
    let lines = receipt(Some(&world), &view, &lesson).join("\n");
    says(&lines, &["the last run: trials", "ghost-event: 11"]);
    says_nothing_of_a_load(&lines);
}

#[test]
fn a_refused_trial_names_the_layer() {
    let mut trace = trace(&["ghost-event"]);
    let start = Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 0, load: None };
    let refusal = Refusal {
        layer: iolab::trace::Layer::Seccomp,
        says: "io_uring_setup: EPERM (a seccomp filter)".into(),
        try_this: "outside the container".into(),
    };
    for record in [Record::Start(start), Record::End { end: End::Refused { refusal } }] {
        trace.push(Entry { run: Some(0), t_ns: 0, record }).unwrap();
    }
    let screen = screen(0, &trace, (120, 36), &[]);
    says(&screen, &["ghost-event was refused", "seccomp", "outside the container", "not known"]);
}

/// A trace may come from anywhere.
#[test]
fn odd_traces_do_no_harm() {
    let mut trace = trace(&["ghost-event"]);
    let start = Start { server: 0, round: 0, purpose: Purpose::Window, pid: 0, load: None };
    let odd = Story::Sqe {
        ring: -1,
        operation: String::new(),
        fd: i32::MIN,
        len: u32::MAX,
        flags: 255,
        user_data: u64::MAX,
        tid: None,
    };
    let records = [
        Record::Start(start),
        Record::Story(odd),
        Record::Story(Story::Cqe { ring: 0, user_data: 1, result: i32::MIN, flags: 0, tid: None }),
        Record::Story(Story::Exit { tid: 9, name: "read".into(), result: i64::MIN }),
        Record::Note(Note::Cut { calls: u64::MAX }),
    ];
    for record in records {
        trace.push(Entry { run: Some(0), t_ns: u64::MAX, record }).unwrap();
    }
    screen(0, &trace, (80, 24), &[]);
    plain::lab(&World::at(&trace, u64::MAX));
}
