//! The lab around the trials: what it counts, whom it works for, and how it ends what does not end.

use iolab::trace::{End, Purpose};
use iolab::trials::TRIALS;
use nix::libc;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::program::{io_uring_allowed, iolab};
use super::told::{watched, watched_by};

/// The gate's own calls are in neither count: so both say the same of a trial that is told whole.
#[test]
fn what_is_counted_and_what_is_told_is_the_trial_and_nothing_else() {
    for name in ["edge-stall", "ghost-event"] {
        let told = watched(name);
        assert_eq!(told.metric("syscalls"), told.calls().len() as u64, "{name}");
        assert!(told.calls().iter().all(|call| call.args[0] != 3 || call.name == "fcntl"), "{name}");
        assert_eq!(told.end(Purpose::Measure), &End::Done);
        assert_eq!(told.end(Purpose::Window), &End::Done);
        assert_eq!(told.document["requests"], 0);
        assert!(told.document["metrics"].get("syscalls_per_request").is_none());
    }
}

#[test]
fn a_trial_alone_prints_nothing_and_ends_well() {
    for trial in TRIALS.iter().filter(|trial| io_uring_allowed() || !trial.io_uring) {
        let name = trial.name;
        let said = iolab("trial").with(name).run();
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""), "{name}");
    }
}

#[test]
fn a_mistyped_name_is_answered_with_the_nearest() {
    let said = iolab("trial gost-event").run();
    let complaint = said.complaint(2);
    assert!(complaint.contains("did you mean ghost-event?"), "{complaint}");
    let help = iolab("trial --help").run();
    assert!(TRIALS.iter().all(|trial| help.stdout.contains(trial.name)), "{help:?}");
    assert!(iolab("lab getppid").run().complaint(2).contains("no such server"));
}

#[test]
fn nobody_needs_privileges() {
    let program = iolab("trial ghost-event --watch --format json").without_privileges();
    let told = watched_by(program, 0);
    assert_eq!(told.results("epoll_wait"), [1, 1]);
    assert_eq!(told.metric("voluntary_switches"), 0);
    assert_eq!(told.metric("syscalls"), told.calls().len() as u64);
}

/// Where nothing counts at full speed, the story does, if it was told to its end.
#[test]
fn without_counters_a_story_told_whole_stands_in() {
    let without_perf = |name: &str| {
        let program = iolab(&format!("trial {name} --watch --format json"));
        watched_by(program.where_refused(&[libc::SYS_perf_event_open], libc::EPERM), 0)
    };
    let told = without_perf("ghost-event");
    assert_eq!(told.document["metrics"]["syscalls"]["rung"], "ptrace");
    assert_eq!(told.metric("syscalls"), told.calls().len() as u64);
    let told = without_perf("getppid");
    let calls = &told.document["metrics"]["syscalls"];
    assert_eq!(calls["value"], Value::Null, "400 of 300 000 are not all");
    assert!(calls["why"].as_str().unwrap().contains("only the first 400"), "{calls}");
    assert_eq!(told.metric("voluntary_switches"), 0);
}

#[test]
fn one_processor_is_enough() {
    let program = iolab("trial edge-stall --watch --format json").on_one_processor();
    let told = watched_by(program, 0);
    assert_eq!(told.results("epoll_wait"), [1, 0]);
}

/// A trial that hangs is ended, and the end says so.
#[test]
fn a_trial_that_does_not_end_is_ended() {
    let mut lab = iolab("trial getppid --watch --probe proc --patience 1 --format json").start();
    let trial = lab.child("trial getppid --gate", 0);
    trial.signal(Signal::SIGSTOP);
    let document = lab.end().document(1);
    let says = document["servers"][0]["troubles"][0]["says"].as_str().unwrap();
    assert!(says.contains("ended: after 1 s"), "{says}");
    assert!(trial.ends());
}

#[test]
fn a_trial_that_is_killed_is_gone() {
    let mut lab = iolab("trial getppid --watch --probe proc --format json").start();
    let trial = lab.child("trial getppid --gate", 0);
    trial.signal(Signal::SIGKILL);
    let document = lab.end().document(1);
    let says = document["servers"][0]["troubles"][0]["says"].as_str().unwrap();
    assert!(says.contains("killed by SIGKILL"), "{says}");
}

/// Killed itself, the lab leaves nobody behind.
#[test]
fn a_trial_dies_with_the_lab() {
    let mut lab = iolab("trial getppid --watch --probe proc --patience 60").start();
    let trial = lab.child("trial getppid --gate", 0);
    trial.signal(Signal::SIGSTOP);
    lab.signal(Signal::SIGKILL);
    assert!(trial.ends());
}

#[test]
fn the_plain_face_tells_the_story_and_no_load() {
    let said = iolab("trial ghost-event --watch").run();
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in ["syscalls in all", "no longer watch fd", "EBADF", "the last system calls in order"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    for words in ["load ", "per echo", "connections"] {
        assert!(!said.stdout.contains(words), "{words}: {}", said.stdout);
    }
}
