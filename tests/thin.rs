//! Thinning keeps what a trace adds up to.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/fixture.rs"]
mod fixture;

use std::sync::Arc;

use iolab::trace::{Entry, Load, Purpose, Record, Rung, Start, Story, Thinner, Trace, Window};
use iolab::world::World;

fn servers() -> Vec<String> {
    ["epoll", "uring-naive", "uring"].map(String::from).to_vec()
}

/// A world without what thinning is allowed to make coarser.
fn essence(trace: &Trace, t_ns: u64) -> String {
    let mut world = World::at(trace, t_ns);
    for run in world.runs.iter_mut().map(Arc::make_mut) {
        run.idle_epollout = (0, 0);
        if t_ns.saturating_add(1) < trace.end_ns() {
            // Calls are shown one by one at the end only.
            run.window.calls.clear();
        }
        // Times of calls that are shown stay; only the latest are.
        assert!(run.window.calls.len() <= 256);
    }
    format!("{:?}", world.runs)
}

#[test]
fn a_world_after_the_thinned_part_stays_as_it_was() {
    let end_ns = 12_000 * fixture::TICK_NS;
    let whole = fixture::trace(&servers(), &Load::default(), 12_000);
    for share in [0, 1, 3, 7, 9] {
        let before_ns = end_ns / 10 * share;
        let mut thinned = whole.clone();
        thinned.thin(before_ns);
        // "Just now" reaches two seconds back.
        for t_ns in [end_ns, end_ns - 1, before_ns + 2_000_000_000, u64::MAX] {
            let same = essence(&thinned, t_ns) == essence(&whole, t_ns);
            assert!(same, "thinned before {before_ns}, another world at {t_ns}");
        }
        assert_eq!(thinned.entries().count(), thinned.len());
    }
}

#[test]
fn thinning_again_and_again_as_a_live_run_does_adds_nothing_up_wrongly() {
    let servers = servers();
    let mut live = Trace::new(fixture::header(&servers, &Load::default()));
    let mut longest = 0;
    let mut thinner = Thinner::default();
    for entry in fixture::entries(&servers, 30_000) {
        live.push(entry).unwrap();
        longest = longest.max(live.len());
        thinner.thin(&mut live);
    }
    let whole = fixture::trace(&servers, &Load::default(), 30_000);
    assert!(essence(&live, u64::MAX) == essence(&whole, u64::MAX), "another world at the end");
    assert!(longest < 20_000, "ten minutes keep {longest} entries of {}", whole.len());
}

/// A window of `echoes` requests, told by a stream: it opens and closes in the middle of a wait.
fn window(t_ns: u64, echoes: u64) -> Vec<(u64, Story)> {
    let tid = 7;
    let wait = || "epoll_wait".to_owned();
    let mut story =
        vec![(t_ns, Story::On { tid, cpu: 0 }), (t_ns, Story::Exit { tid, name: wait(), result: 1 })];
    for n in 0..echoes {
        let at_ns = t_ns + n * 1_000;
        for (name, result) in [("recvfrom", 64), ("recvfrom", -11), ("sendto", 64)] {
            let name = name.to_owned();
            story.push((at_ns, Story::Enter { tid, name: name.clone(), args: [5, 0, 64, 0, 0, 0] }));
            story.push((at_ns, Story::Exit { tid, name, result }));
        }
        story.push((at_ns, Story::Enter { tid, name: wait(), args: [3, 0, 64, u64::MAX, 0, 0] }));
        story.push((at_ns, Story::Off { tid, cpu: 0, preempted: false }));
        if n + 1 < echoes {
            story.push((at_ns, Story::On { tid, cpu: 1 }));
            story.push((at_ns, Story::Exit { tid, name: wait(), result: 1 }));
        }
    }
    story
}

#[test]
fn windows_that_open_and_close_in_the_middle_of_calls_leave_nothing_behind() {
    let start = Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 7, load: None };
    let header = || fixture::header(&servers(), &Load::default());
    let (mut live, mut whole) = (Trace::new(header()), Trace::new(header()));
    let (mut thinner, mut longest) = (Thinner::default(), 0);
    let mut push = |t_ns, record: Record| {
        let entry = Entry { run: Some(0), t_ns, record };
        whole.push(entry.clone()).unwrap();
        live.push(entry).unwrap();
        thinner.thin(&mut live);
        longest = longest.max(live.len());
    };
    push(0, Record::Start(start));
    let seconds = 600;
    for second in 0..seconds {
        let t_ns = second * 1_000_000_000;
        window(t_ns, 100).into_iter().for_each(|(t_ns, story)| push(t_ns, Record::Story(story)));
        let window = Window { rung: Rung::Perf, lost: 1, requests: 100, syscalls: 400 };
        push(t_ns + 200_000_000, Record::Window { duration_ns: 200_000_000, window });
    }
    let view = |trace: &Trace| World::at(trace, u64::MAX).runs[0].window.clone();
    let (thinned, all) = (view(&live), view(&whole));
    assert_eq!(thinned, all);
    assert_eq!((all.by_name["epoll_wait"], all.eagain), (100 * seconds, 100 * seconds));
    assert_eq!((all.requests, all.lost), (100 * seconds, seconds));
    assert_eq!(all.calls.len(), 256, "of the last window");
    // Twenty seconds of story, and of what lies before a window a second.
    assert!(longest < 60_000, "{longest} entries of {}", whole.len());
}

#[test]
fn a_story_takes_no_more_memory_than_it_may() {
    let start = Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 7, load: None };
    let mut live = Trace::new(fixture::header(&servers(), &Load::default()));
    let mut thinner = Thinner::default();
    live.push(Entry { run: Some(0), t_ns: 0, record: Record::Start(start) }).unwrap();
    let bytes = size_of::<(u64, Record)>();
    let mut longest = 0;
    // All of it in one second: none is old.
    for n in 0..400 {
        for (t_ns, story) in window(n * 1_000_000, 100) {
            live.push(Entry { run: Some(0), t_ns, record: Record::Story(story) }).unwrap();
            thinner.thin(&mut live);
            longest = longest.max(live.len());
        }
    }
    // A quarter more may come before it is thinned again.
    assert!(longest * bytes < 22 << 20, "{longest} entries of {bytes} bytes");
    let window = World::at(&live, u64::MAX).runs[0].window.clone();
    assert_eq!(window.by_name["sendto"], 40_000, "what was let go of is still counted");
}
