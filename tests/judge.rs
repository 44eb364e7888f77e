//! The judge on runs that were written down: each kind of criterion passes, fails, and says what was seen.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::collections::BTreeMap;

use iolab::exercise::judge::{judge, judge_so_far, skipped};
use iolab::exercise::manifest::Manifest;
use iolab::exercise::seen::{RunSeen, Snapshot, StepSeen, Trouble};
use iolab::exercise::{Judged, State, Verdict};
use iolab::trace::{EpollSet, Interest, Layer, Refusal, RingTotals, ThreadTotals};

/// An exercise with one run of two steps, and a criterion for each.
fn exercise(watch: &str, first: &str, second: &str) -> Manifest {
    let criterion = |id: &str, at: &str, expect: &str| {
        format!(
            "[[criterion]]\nid = \"{id}\"\npoints = 2\nrun = \"one\"\nat = \"{at}\"\nwhat = \"it is so\"\n\
             expect = {{ {expect} }}\nwhy = \"it matters\"\nnext = \"look there\"\nhint = [\"why?\", \"there\", \"so\"]\n"
        )
    };
    let text = format!(
        "title = \"T\"\nlesson = 2\nkind = \"server\"\nminutes = 12\npoints = 4\nteaches = \"t\"\n\
         starter_fails = [\"a\"]\n[[run]]\nid = \"one\"\nwatch = \"{watch}\"\nsteps = [{{ do = \"echo\", rounds = 1, \
         bytes = 1 }}, {{ do = \"rest\", ms = 100 }}]\n{}{}",
        criterion("a", "echo", first),
        criterion("b", "rest", second)
    );
    let manifest = Manifest::read(&text).unwrap();
    assert_eq!(manifest.mistakes(), Vec::<String>::new());
    manifest
}

/// Two steps: 100 echoes, then a rest.
fn seen(echo: StepSeen, rest: StepSeen) -> RunSeen {
    RunSeen { start: program(4), steps: vec![StepSeen { echoes: 100, ..echo }, rest], ..RunSeen::default() }
}

/// A program with so many descriptors, the fourth of them the listener.
fn program(descriptors: i32) -> Snapshot {
    let link = |fd| (fd, if fd < 3 { "/dev/null".to_owned() } else { format!("socket:[{fd}]") });
    Snapshot { alive: true, descriptors: (0..descriptors).map(link).collect(), ..Snapshot::default() }
}

fn step(after: Snapshot) -> StepSeen {
    StepSeen { after, calls: Some(BTreeMap::new()), ms: 100, ..StepSeen::default() }
}

fn calls(calls: &[(&str, u64)]) -> StepSeen {
    let calls = calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    StepSeen { calls: Some(calls), ..step(program(4)) }
}

/// The second criterion of a run whose rest was seen so.
#[track_caller]
fn rest(watch: &str, expect: &str, rest: StepSeen) -> Judged {
    let manifest = exercise(watch, "alive = true", expect);
    let judged = judge(&manifest, "one", &seen(step(program(4)), rest));
    assert_eq!(judged[0].state, State::Pass, "{judged:?}");
    judged[1].clone()
}

/// Asserts state and words of a criterion at rest.
#[track_caller]
fn at_rest(watch: &str, expect: &str, seen: StepSeen, state: State, words: &str) {
    let judged = rest(watch, expect, seen);
    assert_eq!(judged.state, state, "{judged:?}");
    assert!(judged.seen.contains(words), "{judged:?}");
    assert_eq!(judged.why.is_empty(), state == State::Pass, "what passed is not explained");
    assert_eq!(judged.points, if state == State::Pass { 2 } else { 0 });
}

#[test]
fn calls_are_counted_in_all_and_by_name() {
    let few = || calls(&[("epoll_wait", 2)]);
    let many = || calls(&[("epoll_wait", 300), ("recvfrom", 301)]);
    at_rest("calls", "calls = \"<= 5\"", few(), State::Pass, "2 system calls: epoll_wait 2");
    at_rest(
        "calls",
        "calls = \"<= 5\"",
        many(),
        State::Fail,
        "601 system calls: recvfrom 301, epoll_wait 300",
    );
    at_rest("calls", "call = { recvfrom = \"<= 5\" }", few(), State::Pass, "0 calls of recvfrom");
    at_rest("calls", "call = { recvfrom = \"<= 5\" }", many(), State::Fail, "301 calls of recvfrom");
    let again = || StepSeen { answered: [("EAGAIN".to_owned(), 7)].into(), ..few() };
    at_rest("calls", "answered = { EAGAIN = \">= 1\" }", again(), State::Pass, "7 answers of EAGAIN");
    at_rest("calls", "answered = { EAGAIN = \">= 1\" }", few(), State::Fail, "0 answers of EAGAIN");
    let mut batched = few();
    batched.batches.add(1, 3);
    batched.batches.add(32, 40);
    at_rest("calls", "batch = \">= 16\"", batched, State::Pass, "32 SQEs in the usual io_uring_enter");
    at_rest("calls", "batch = \">= 16\"", few(), State::Fail, "0 SQEs");
}

#[test]
fn calls_and_entries_are_divided_by_echoes() {
    let judged = |expect: &str, echo: StepSeen| {
        let manifest = exercise("calls", expect, "alive = true");
        judge(&manifest, "one", &seen(echo, step(program(4))))[0].clone()
    };
    let enters = calls(&[("io_uring_enter", 20)]);
    assert_eq!(judged("call_per_echo = { io_uring_enter = \"<= 0.2\" }", enters.clone()).state, State::Pass);
    let strict = judged("call_per_echo = { io_uring_enter = \"<= 0.1\" }", enters);
    assert_eq!(
        (strict.state, strict.expected.as_str()),
        (State::Fail, "at most 0.1 calls of io_uring_enter for each echo")
    );
    assert_eq!(strict.seen, "0.2 calls of io_uring_enter for each echo: 20 for 100 echoes");
    let ring = RingTotals { sq_tail: 200, cq_tail: 210, ..RingTotals::default() };
    let with_ring = step(Snapshot { rings: vec![ring], ..program(4) });
    assert_eq!(
        judged("sqes_per_echo = \"= 2\", cqes_per_echo = \"<= 2.1\"", with_ring.clone()).state,
        State::Pass
    );
    assert_eq!(judged("sqes = \"= 100\"", with_ring).state, State::Fail);
}

#[test]
fn threads_switches_and_processor_time_are_differences() {
    let thread = |comm: &str, switches, cpu_ns| ThreadTotals {
        comm: comm.into(),
        voluntary_switches: switches,
        involuntary_switches: 1,
        cpu_ns,
        alive: true,
        ..ThreadTotals::default()
    };
    let busy = || StepSeen {
        before: Snapshot { threads: vec![thread("a", 100, 1_000_000)], ..program(4) },
        ..step(Snapshot {
            threads: vec![thread("a", 103, 51_000_000), thread("iou-sqp-7", 0, 0)],
            ..program(4)
        })
    };
    at_rest("freely", "voluntary_switches = \"<= 3\"", busy(), State::Pass, "3 voluntary");
    at_rest("freely", "involuntary_switches = \"<= 0\"", busy(), State::Fail, "1 involuntary");
    at_rest("freely", "cpu_ms = \"<= 10\"", busy(), State::Fail, "50 ms of processor time in 100 ms");
    at_rest("freely", "threads = \"= 1\"", busy(), State::Pass, "1 threads");
    at_rest("freely", "helpers = { iou-sqp = \"= 1\" }", busy(), State::Pass, "1 threads of the kernel");
    at_rest("freely", "helpers = { iou-wrk = \"= 1\" }", busy(), State::Fail, "0 threads of the kernel");
}

#[test]
fn descriptors_are_compared_with_the_beginning() {
    at_rest("calls", "descriptors_more = \"<= 2\"", step(program(6)), State::Pass, "2 descriptors more");
    at_rest("calls", "descriptors_more = \"<= 2\"", step(program(9)), State::Fail, "beginning: socket 5");
    at_rest("calls", "sockets = \"= 1\"", step(program(4)), State::Pass, "1 open sockets");
}

#[test]
fn bits_are_those_of_connections_and_not_of_the_listener() {
    const EDGE: u32 = Interest::IN | Interest::ET;
    let watches = |entries: &[(i32, u32)]| {
        let interest = entries.iter().map(|(fd, events)| Interest { fd: *fd, events: *events }).collect();
        step(Snapshot { epoll_sets: vec![EpollSet { fd: 9, interest }], ..program(7) })
    };
    let mixed = || watches(&[(3, Interest::IN), (4, EDGE), (5, EDGE)]);
    at_rest("calls", "bits = { ET = \"all\" }", mixed(), State::Pass, "EPOLLET on 2 of 2 watched");
    at_rest("calls", "bits = { OUT = \"none\" }", mixed(), State::Pass, "EPOLLOUT on 0 of 2");
    at_rest("calls", "bits = { OUT = \"some\" }", mixed(), State::Fail, "EPOLLOUT on 0 of 2");
    at_rest("calls", "bits = { ET = \"all\" }", watches(&[(3, EDGE)]), State::Fail, "0 of 0");
    at_rest(
        "calls",
        "watched = \"<= 1\"",
        mixed(),
        State::Fail,
        "3 entries in the interest list: IN 1, IN|ET 2",
    );
    // A number that is closed is watched still: what it stood for lives on elsewhere.
    let ghost = watches(&[(3, Interest::IN), (77, Interest::IN)]);
    at_rest("calls", "bits = { IN = \"none\" }", ghost, State::Fail, "EPOLLIN on 1 of 1");
}

#[test]
fn rings_tell_their_flags_and_their_overflow() {
    let ring = |setup: &[&str], flags: &[&str]| RingTotals {
        setup_flags: setup.iter().map(|flag| (*flag).to_owned()).collect(),
        sq_flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        ..RingTotals::default()
    };
    let with = |ring: RingTotals| step(Snapshot { rings: vec![ring], ..program(4) });
    let poller = || with(ring(&["SQPOLL"], &["NEED_WAKEUP"]));
    at_rest("calls", "ring_flags = [\"SQPOLL\"]", poller(), State::Pass, "rings with SQPOLL");
    at_rest("calls", "ring_flags = [\"SQPOLL\"]", with(ring(&[], &[])), State::Fail, "rings with no flag");
    at_rest("calls", "asleep = true", poller(), State::Pass, "sleeps");
    at_rest("calls", "asleep = true", with(ring(&["SQPOLL"], &[])), State::Fail, "is awake");
    at_rest("calls", "asleep = false", step(program(4)), State::Fail, "no ring");
    at_rest("calls", "cq_overflow = false", poller(), State::Pass, "no overflow");
    let over = step(Snapshot { overflow_seen: true, ..program(4) });
    at_rest("calls", "cq_overflow = false", over, State::Fail, "an overflow of the CQ");
}

#[test]
fn bytes_ends_answers_and_memory_are_judged_by_what_came() {
    let wrong = || StepSeen { wrong: vec!["byte 7 differs".into()], ..step(program(4)) };
    at_rest("calls", "echoed = \"all\"", wrong(), State::Fail, "byte 7 differs");
    at_rest("calls", "fin = \"all\"", wrong(), State::Fail, "byte 7 differs");
    at_rest("calls", "fin = \"all\"", step(program(4)), State::Pass, "FIN on every connection");
    let dead = step(Snapshot { alive: false, ..program(4) });
    at_rest("calls", "alive = true", dead, State::Fail, "has ended");
    let said = |answer: &str| StepSeen { answer: Some(answer.into()), exit: Some(1), ..step(program(4)) };
    at_rest(
        "calls",
        "numbers = [\"<= 5\", \"900..1100\"]",
        said("predict 0 1000"),
        State::Pass,
        "predict 0 1000",
    );
    at_rest("calls", "numbers = [\"<= 5\", \"900..1100\"]", said("predict 0"), State::Fail, "it said");
    at_rest("calls", "exit = 0", said("x"), State::Fail, "exit status 1");
    let fat = step(Snapshot { memory_kib: 96 << 10, ..program(4) });
    at_rest("calls", "memory_mb = \"<= 64\"", fat, State::Fail, "96 MiB of memory");
}

#[test]
fn trouble_is_told_once_and_earlier_steps_stand() {
    let manifest = exercise("calls", "calls = \"<= 5\"", "calls = \"<= 5\"");
    let quiet = || calls(&[("read", 1)]);
    let hung = |steps| RunSeen {
        start: program(4),
        steps,
        trouble: Some(Trouble::Hung("it sleeps in read(0: its standard input)".into())),
        ..RunSeen::default()
    };
    let late = judge(&manifest, "one", &hung(vec![quiet(), quiet()]));
    assert_eq!([late[0].state, late[1].state], [State::Pass, State::Hung]);
    assert_eq!(late[1].seen, "it sleeps in read(0: its standard input)");
    assert_eq!(late[1].expected, "at most 5 system calls", "what was expected is said all the same");
    let early = judge(&manifest, "one", &hung(vec![quiet()]));
    assert_eq!([early[0].state, early[1].state], [State::Hung, State::Hung]);
    assert_eq!(early[1].seen, "not reached: see a");
    let under_way = RunSeen { trouble: None, ..hung(vec![quiet()]) };
    let so_far = judge_so_far(&manifest, "one", &under_way);
    assert_eq!(
        so_far.iter().map(|judged| (judged.id.as_str(), judged.state)).collect::<Vec<_>>(),
        [("a", State::Pass)]
    );
    let crashed = RunSeen { trouble: Some(Trouble::Crashed("with status 101".into())), ..RunSeen::default() };
    assert_eq!(judge(&manifest, "one", &crashed)[0].state, State::Crashed, "before any step");
}

#[test]
fn what_a_machine_does_not_allow_is_skipped_and_costs_nothing() {
    let manifest = exercise("calls", "echoed = \"all\"", "calls = \"<= 5\"");
    let refusal = || Refusal {
        layer: Layer::Seccomp,
        says: "PTRACE_SEIZE: EPERM".into(),
        try_this: "elsewhere".into(),
    };
    let untraced = RunSeen { untraced: Some(refusal()), ..seen(step(program(4)), step(program(4))) };
    let verdict = Verdict::of("x", judge(&manifest, "one", &untraced));
    assert_eq!(verdict.criteria[0].state, State::Pass, "bytes need no tracer");
    assert_eq!(verdict.criteria[1].state, State::Skipped);
    assert_eq!(verdict.criteria[1].seen, "not judged: PTRACE_SEIZE: EPERM");
    assert_eq!((verdict.points, verdict.points_max), (2, 2));
    assert!(verdict.is_passed() && !verdict.is_skipped());
    let nothing = Verdict::of("x", skipped(&manifest, &refusal()));
    assert_eq!((nothing.points, nothing.points_max), (0, 0));
    assert!(nothing.is_skipped() && !nothing.is_passed(), "what was not judged is not passed either");
}
