//! Seeking in a long trace: that it comes out right, and how long it takes.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "common/fixture.rs"]
#[allow(dead_code, reason = "only its header is needed here")]
mod fixture;

use std::time::{Duration, Instant};

use iolab::lesson;
use iolab::screen::{Pane, Playhead, Run, State, Theme, View, frame};
use iolab::trace::{
    ClientTotals, Counts, Entry, Load, ProcessTotals, Purpose, Record, Rung, Start, Story, ThreadTotals,
    Trace, Window,
};
use iolab::world::spot::request_number;
use iolab::world::trigger::by_id;
use iolab::world::{Cursor, World};
use ratatui::layout::Size;

/// An echo server over 64 connections in one long window: `records` records.
fn trace(records: u64) -> Trace {
    let mut trace = Trace::new(fixture::header(&["epoll".to_owned()], &Load::default()));
    let start = Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 7, load: None };
    trace.push(Entry { run: Some(0), t_ns: 0, record: Record::Start(start) }).unwrap();
    let mut push = |t_ns, record| trace.push(Entry { run: Some(0), t_ns, record }).unwrap();
    for n in 0..records {
        let (echo, t_ns) = (n / 8, n * 1_000);
        let (port, ordinal, fd) = (40_000 + (echo % 64) as u16, echo / 64, 5 + echo % 64);
        let record = match n % 8 {
            0 => Record::Story(Story::Sent { port, ordinal }),
            1 => Record::Story(Story::On { tid: 7, cpu: 0 }),
            2 => Record::Story(Story::Enter { tid: 7, name: "recvfrom".into(), args: [fd, 0, 64, 0, 0, 0] }),
            3 => Record::Story(Story::Exit { tid: 7, name: "recvfrom".into(), result: 64 }),
            4 => Record::Story(Story::Enter { tid: 7, name: "sendto".into(), args: [fd, 0, 64, 0, 0, 0] }),
            5 => Record::Story(Story::Exit { tid: 7, name: "sendto".into(), result: 64 }),
            6 => Record::Story(Story::Answered { port, ordinal }),
            _ if echo % 2500 == 0 => Record::Process(ProcessTotals {
                threads: vec![ThreadTotals { tid: 7, comm: "epoll".into(), ..ThreadTotals::default() }],
                ..ProcessTotals::default()
            }),
            _ if echo % 2500 == 1 => {
                let latency_ns = Counts([(8_000 + echo % 977, 2_500)].into());
                Record::Client(ClientTotals { answered: echo, latency_ns, ..ClientTotals::default() })
            }
            _ => Record::Story(Story::Off { tid: 7, cpu: 0, preempted: echo % 5_000 == 0 }),
        };
        push(t_ns, record);
    }
    let window = Window { rung: Rung::Perf, lost: 0, requests: records / 8, syscalls: records / 4 };
    push(records * 1_000, Record::Window { duration_ns: records * 1_000, window });
    trace
}

#[test]
fn a_cursor_with_bounded_checkpoints_sees_what_a_fold_from_zero_sees() {
    let trace = trace(700_000);
    let mut cursor = Cursor::new();
    // To the end first, so that checkpoints were thinned out.
    for t_ns in [700_000_000, 3_000, 690_123_000, 345_678_000, 345_679_000, 12_000_000] {
        assert_eq!(cursor.world(&trace, t_ns), World::at(&trace, t_ns), "{t_ns}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let result = what();
    (begin.elapsed(), result)
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what}: p50 {:?}, p90 {:?}, p99 {:?}, most {:?}", at(50), at(90), at(99), at(100));
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// `cargo test --release --test seek -- --ignored --nocapture`
#[test]
#[ignore = "a benchmark: prints times, asserts none"]
fn how_long_a_seek_takes_in_a_million_records() {
    let before_kib = resident_kib();
    let trace = trace(1_000_000);
    let with_trace_kib = resident_kib();
    let mut cursor = Cursor::new();
    let (first, _) = timed(|| cursor.world(&trace, u64::MAX).end_ns());
    println!("the trace: {} MiB; folding all of it once: {first:?}", (with_trace_kib - before_kib) / 1024);
    println!("its checkpoints: {} MiB", (resident_kib() - with_trace_kib) / 1024);
    let mut dice = 88_172_645_463_325_252_u64;
    let mut roll = || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % 1_000_000_000
    };
    let (mut seeks, mut frames) = (Vec::new(), Vec::new());
    let lesson = lesson::recording("long", trace.header(), vec!["syscalls_per_request".into()]);
    let size = Size { width: 120, height: 36 };
    for n in 0..400 {
        let t_ns = roll();
        let (time, world) = timed(|| cursor.world(&trace, t_ns));
        seeks.push(time);
        let mut view = View::new(0);
        view.pane = Pane::Lab;
        view.run = Run::Some { step: 0, state: State::Over, recorded: Some("made".into()) };
        view.playhead = Playhead::Frozen(t_ns);
        view.cell_ns = Some([20_000, 1_000_000, 100_000_000][n % 3]);
        view.spot = request_number(&trace, 0, t_ns / 8_000 + 1);
        let (time, _) = timed(|| frame(Some(&world), &view, &lesson, size, Theme::DEFAULT));
        frames.push(time);
    }
    print("a random seek", seeks);
    print("a frame with lanes in time and a request followed", frames);
    let trigger = by_id("aside").unwrap();
    let finds = (0..50).map(|_| timed(|| trigger.next(&trace, roll())).0).collect();
    print("the next event", finds);
    let none = (0..20).map(|_| timed(|| by_id("overflow").unwrap().next(&trace, 0)).0).collect();
    print("an event that never comes", none);
}
