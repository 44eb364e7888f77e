//! A live run: frames that go on from the one before, and a clock that goes on from run to run.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // Helpers of tests are tests; this one takes time.

#[path = "common/fixture.rs"]
mod fixture;

use std::sync::Arc;
use std::time::{Duration, Instant};

use iolab::lesson;
use iolab::screen::{Run, State, Theme, View, frame};
use iolab::trace::{End, Entry, Load, Record, RunId, Trace};
use iolab::world::{Cursor, World};
use ratatui::layout::Size;

const SECOND_NS: u64 = 1_000_000_000;

fn servers() -> Vec<String> {
    ["epoll", "uring"].map(String::from).to_vec()
}

fn end(run: RunId, t_ns: u64) -> Entry {
    Entry { run: Some(run), t_ns, record: Record::End { end: End::Frozen } }
}

/// Server `server` runs once more: its start, and the end of that run after so long.
fn again(trace: &mut Trace, run: RunId, server: u32, lasts_ns: u64) {
    let mut start = fixture::start(run, "");
    if let Record::Start(start) = &mut start.record {
        start.server = server;
    }
    trace.push(start).unwrap();
    trace.push(end(run, lasts_ns)).unwrap();
}

#[test]
fn a_run_that_is_over_is_shared_by_all_frames() {
    let mut trace = fixture::trace(&servers(), &Load::default(), 100);
    trace.push(end(0, 2 * SECOND_NS)).unwrap();
    let mut cursor = Cursor::new();
    let before = Arc::clone(&cursor.world(&trace, u64::MAX).runs[0]);
    for entry in fixture::entries(&servers(), 200).into_iter().filter(|entry| entry.run == Some(1)) {
        if entry.t_ns > 2 * SECOND_NS {
            trace.push(entry).unwrap();
        }
    }
    let world = cursor.world(&trace, u64::MAX);
    assert!(Arc::ptr_eq(&before, &world.runs[0]), "nothing came, so nothing is copied");
    assert_eq!(world, World::at(&trace, u64::MAX));
}

#[test]
fn the_clock_of_a_live_trace_goes_on_from_run_to_run() {
    let header = fixture::header(&servers(), &Load::default());
    let mut trace = Trace::in_sequence(header.clone());
    for (run, server, lasts) in [(0, 0, 3), (1, 1, 2), (2, 0, 4)] {
        again(&mut trace, run, server, lasts * SECOND_NS);
    }
    let begun: Vec<_> = trace.runs().iter().map(|run| run.began_ns / SECOND_NS).collect();
    assert_eq!((begun, trace.end_ns() / SECOND_NS), (vec![0, 3, 5], 9));
    // In the middle of the second run the third is not there yet, and the first is over.
    let mut cursor = Cursor::new();
    for seconds in [4, 9, 1, 5] {
        let t_ns = seconds * SECOND_NS;
        let world = cursor.world(&trace, t_ns);
        assert_eq!(world, World::at(&trace, t_ns));
        let ended = world.runs.iter().filter(|run| run.end.is_some()).count();
        let expected = match seconds {
            1 => (1, 0),
            4 => (2, 1),
            5 => (3, 2),
            _ => (3, 3),
        };
        assert_eq!((world.runs.len(), ended), expected, "after {seconds} s");
    }
    let mut file = Trace::new(header);
    again(&mut file, 0, 0, 3 * SECOND_NS);
    again(&mut file, 1, 1, 2 * SECOND_NS);
    assert_eq!(file.end_ns(), 3 * SECOND_NS, "what is read from a file begins at one zero");
}

/// Prints it; times are not asserted.
#[test]
fn what_a_frame_of_a_live_run_costs() {
    const FRAMES: u32 = 300;
    let (lesson, step) = (lesson::find("3").unwrap().read().unwrap(), 7);
    let lab = lesson.steps[step].lab().unwrap();
    let mut view = View::new(step);
    view.run = Run::Some { step, state: State::Running, recorded: None };
    let mut trace = Trace::new(fixture::header(&lab.servers, &lab.load));
    let mut cursor = Cursor::new();
    let (mut folded, mut drawn, mut told) = (Duration::ZERO, Duration::ZERO, 0);
    for entry in fixture::entries(&lab.servers, u64::from(FRAMES) * 5) {
        let t_ns = entry.t_ns;
        trace.push(entry).unwrap();
        if t_ns < told * SECOND_NS / 10 {
            continue;
        }
        told += 1;
        let before = Instant::now();
        let world = cursor.world(&trace, u64::MAX);
        let between = Instant::now();
        frame(Some(&world), &view, &lesson, Size::new(120, 36), Theme::DEFAULT);
        (folded, drawn) = (folded + (between - before), drawn + between.elapsed());
    }
    let each = |all: Duration| all.as_micros() / u128::from(told);
    println!("a frame of a live run at 120x36: {} µs to fold, {} µs to draw", each(folded), each(drawn));
    assert!(told >= u64::from(FRAMES) - 1, "{told} frames");
}
