//! The story at full speed: told in order, whole, and with what was lost.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use iolab::probe::perf::stream::{Events, Options, Stream, Woken};
use iolab::probe::perf::tracefs::Tracefs;
use iolab::probe::perf::{Counters, Kind};
use iolab::probe::tracepoint_ids::{self, TracepointIds};
use iolab::trace::{Layer, Rung, Story};

use super::child::{Kid, NOBODY, is_root};

/// What each order costs beside the calls that it asks for: the answer's write, and the next read.
const OVERHEAD: u64 = 2;

/// A stream of a child at rest; `None` where this machine refuses it, which must say who did.
fn stream(kid: &Kid, options: Options) -> Option<Stream> {
    kid.settle();
    match Stream::open(kid.pid(), &options) {
        Ok(stream) => Some(stream),
        Err(refusal) => {
            assert!(!is_root() || refusal.layer != Layer::Sysctl, "root is not bound by it: {refusal:?}");
            assert!(!refusal.says.is_empty() && !refusal.try_this.is_empty(), "{refusal:?}");
            None
        }
    }
}

/// What a child does for an order, from rest to rest.
fn told(kid: &mut Kid, stream: &mut Stream, order: &str) -> Vec<(u64, Story)> {
    stream.enable().unwrap();
    kid.ask(order);
    kid.settle();
    stream.disable().unwrap();
    let mut story = Vec::new();
    stream.finish(&mut |at_ns, event| story.push((at_ns, event)));
    story
}

fn count(story: &[(u64, Story)], is: impl Fn(&Story) -> bool) -> u64 {
    story.iter().filter(|(_, event)| is(event)).count() as u64
}

fn enters(story: &[(u64, Story)]) -> u64 {
    count(story, |event| matches!(event, Story::Enter { .. }))
}

fn exits(story: &[(u64, Story)]) -> u64 {
    count(story, |event| matches!(event, Story::Exit { .. }))
}

#[test]
fn a_stream_tells_as_many_calls_as_a_counter_counts() {
    let mut kid = Kid::start("plain");
    let Some(mut stream) = stream(&kid, Options::default()) else { return };
    let mut counters = Counters::open(kid.pid(), Kind::Perf).unwrap();
    assert_eq!(stream.rung(), Rung::Perf);
    for calls in [0, 1, 5_000] {
        let before = counters.totals().unwrap().total;
        let story = told(&mut kid, &mut stream, &format!("getppid {calls}"));
        let counted = counters.totals().unwrap().total - before;
        assert_eq!((enters(&story), exits(&story)), (counted, calls + OVERHEAD));
        let named = count(&story, |event| matches!(event, Story::Enter { name, .. } if name == "getppid"));
        assert_eq!(named, calls);
        kid.ask("getppid 3");
        kid.settle();
    }
    assert_eq!(stream.lost(), 0, "and nothing of what came while it was off");
}

#[test]
fn arguments_and_results_are_those_of_the_calls() {
    let mut kid = Kid::start("plain");
    let Some(mut stream) = stream(&kid, Options::default()) else { return };
    let story = told(&mut kid, &mut stream, "lseek 3");
    let offsets: Vec<u64> = story
        .iter()
        .filter_map(|(_, event)| match event {
            Story::Enter { name, args, .. } if name == "lseek" => Some(args[1]),
            _ => None,
        })
        .collect();
    assert_eq!(offsets, [0, 1, 2]);
    let espipe =
        count(&story, |event| matches!(event, Story::Exit { name, result: -29, .. } if name == "lseek"));
    assert_eq!(espipe, 3, "its standard input is a socket");
}

#[test]
fn the_story_of_each_thread_is_in_order() {
    let mut kid = Kid::start("plain");
    let Some(mut stream) = stream(&kid, Options::default()) else { return };
    let story = told(&mut kid, &mut stream, "thread 3000");
    assert!(story.is_sorted_by_key(|(at_ns, _)| *at_ns));
    let mut inside: BTreeMap<u32, bool> = BTreeMap::new();
    let mut running: BTreeMap<u32, bool> = BTreeMap::new();
    let mut threads = BTreeMap::new();
    for (_, event) in &story {
        match event {
            Story::Enter { tid, name, .. } => {
                *threads.entry(*tid).or_insert(0) += u64::from(name == "getppid");
                assert!(!inside.insert(*tid, true).unwrap_or(false), "{name} inside a call");
            }
            Story::Exit { tid, .. } => {
                inside.insert(*tid, false);
            }
            Story::On { tid, .. } => assert_ne!(running.insert(*tid, true), Some(true), "on twice"),
            Story::Off { tid, .. } => assert_ne!(running.insert(*tid, false), Some(false), "off twice"),
            _ => {}
        }
    }
    assert!(threads.values().any(|calls| *calls == 3000), "a thread that began later is in it: {threads:?}");
    assert!(threads.len() >= 2 && !running.is_empty());
}

#[test]
fn entries_of_a_ring_are_told_as_the_kernel_takes_and_completes_them() {
    if iolab::probe::ring::Rings::open(std::process::id()).is_err() {
        return;
    }
    let mut kid = Kid::start("ring");
    let Some(mut stream) = stream(&kid, Options::default()) else { return };
    stream.only_ring(Some(5));
    let story = told(&mut kid, &mut stream, "nops 32");
    let taken = count(
        &story,
        |event| matches!(event, Story::Sqe { ring: 5, operation, tid: Some(_), .. } if operation == "NOP"),
    );
    let done = count(&story, |event| matches!(event, Story::Cqe { ring: 5, result: 0, tid: Some(_), .. }));
    assert_eq!((taken, done), (32, 32));
}

#[test]
fn what_finds_no_room_is_counted() {
    let mut kid = Kid::start("plain");
    let options = Options { events: Events::Calls, buffer_bytes: 1, ..Options::default() };
    let Some(mut stream) = stream(&kid, options) else { return };
    assert!(stream.buffer_bytes() <= 64 << 10, "a page");
    let story = told(&mut kid, &mut stream, "getppid 20000");
    let seen = enters(&story) + exits(&story);
    assert!(stream.lost() > 0);
    assert_eq!(seen + stream.lost(), 2 * (20_000 + OVERHEAD));
}

#[test]
fn whoever_drains_meanwhile_hears_all_of_it_once() {
    let mut kid = Kid::start("plain");
    let options = Options { wakeup_bytes: 64 << 10, ..Options::default() };
    let Some(mut stream) = stream(&kid, options) else { return };
    stream.enable().unwrap();
    kid.tell("getppid 60000");
    let (mut story, mut until_ns) = (Vec::new(), 0);
    while enters(&story) < 50_000 {
        assert_ne!(stream.wait(Duration::from_secs(10)).unwrap(), Woken::Ended);
        let told_ns = stream.drain(&mut |at_ns, event| {
            assert!(at_ns >= until_ns, "told in order, over all drains");
            story.push((at_ns, event));
        });
        assert!(story.last().is_none_or(|(at_ns, _)| *at_ns < told_ns));
        until_ns = told_ns;
    }
    assert_eq!(kid.hear(), "done");
    kid.settle();
    stream.disable().unwrap();
    stream.finish(&mut |at_ns, event| story.push((at_ns, event)));
    assert_eq!((enters(&story), stream.lost()), (60_000 + OVERHEAD, 0));
}

#[test]
fn a_process_that_ends_ends_its_stream() {
    let mut kid = Kid::start("plain");
    let Some(mut stream) = stream(&kid, Options::default()) else { return };
    stream.enable().unwrap();
    kid.tell("exit 0");
    kid.until_ended();
    let _ = kid.process.wait();
    while stream.wait(Duration::from_secs(10)).unwrap() != Woken::Ended {
        stream.fetch();
    }
    let mut last = None;
    stream.finish(&mut |_, event| {
        if let Story::Enter { name, .. } = event {
            last = Some(name);
        }
    });
    assert_eq!(last.as_deref(), Some("exit_group"));
    let gone = Stream::open(kid.pid(), &Options::default()).unwrap_err();
    assert_eq!(gone.layer, Layer::Process, "{gone:?}");
}

/// Part of a child: hears the story of its own calls, by the numbers that were shared in `folder`.
pub fn stream_as_child(folder: &str) -> String {
    let known = match tracepoint_ids::load_from(Path::new(folder)) {
        Ok(Some(known)) => known,
        other => return format!("{other:?}"),
    };
    let options = Options { buffer_bytes: 256 << 10, ..Options::default() };
    let mut stream = match Stream::open_by_name(std::process::id(), &known, &options) {
        Ok(stream) => stream,
        Err(refusal) => return format!("{refusal:?}"),
    };
    stream.enable().unwrap();
    for _ in 0..321 {
        nix::sched::sched_yield().unwrap();
    }
    let ready = nix::poll::poll(&mut [] as &mut [nix::poll::PollFd<'_>], 1u8).unwrap();
    stream.disable().unwrap();
    let mut story = Vec::new();
    stream.finish(&mut |at_ns, event| story.push((at_ns, event)));
    let yields = |is_enter: bool| {
        count(&story, |event| match event {
            Story::Enter { name, .. } => is_enter && name == "sched_yield",
            Story::Exit { name, result, .. } => !is_enter && name == "sched_yield" && *result == 0,
            _ => false,
        })
    };
    let polled = count(
        &story,
        |event| matches!(event, Story::Enter { name, args, .. } if name == "poll" && args[1..] == [0, 1, 0, 0, 0]),
    );
    let slept = count(&story, |event| matches!(event, Story::Off { preempted: false, .. }));
    format!("{} {} {polled} {ready} {} {}", yields(true), yields(false), slept.min(1), stream.lost())
}

#[test]
fn shared_numbers_let_an_ordinary_user_hear_the_story() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let Ok(tracefs) = Tracefs::open() else { return };
    let ids = TracepointIds::from_tracefs(&tracefs).unwrap();
    assert!(ids.records.is_some(), "formats are as they have always been");
    tracepoint_ids::share_in(folder.path(), &ids).unwrap();
    let mut kid = Kid::start_as("plain", Some(NOBODY));
    let said = kid.ask(&format!("stream-user {}", folder.path().display()));
    match iolab::probe::perf::paranoid() {
        Some(..=2) => assert_eq!(said, "321 321 1 0 1 0"),
        _ => assert!(said.contains("perf_event_paranoid"), "{said}"),
    }
    let older = TracepointIds { records: None, ..ids };
    let refusal = Stream::open_by_name(kid.pid(), &older, &Options::default()).unwrap_err();
    assert!(refusal.try_this.contains("--share-ids"), "{refusal:?}");
}
