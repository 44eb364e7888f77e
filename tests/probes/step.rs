//! Stepping: a process that stands still at each edge of a call until it is let go, and is none the worse for it.

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use iolab::probe::ptrace::{Halt, Met, Stepper};
use iolab::probe::source::{SourceLines, Unknown};
use iolab::trace::{Edge, Layer};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::child::Kid;

/// Steps through `kid` from edge to edge while `inside` goes on, and lets it go: what ended it, and all edges.
fn stepped(kid: &mut Kid, inside: impl FnOnce(&mut Kid)) -> (Met, Vec<Halt>) {
    let (pid, stop) = (kid.pid(), EventFd::new().unwrap());
    let (attached, is_attached) = mpsc::channel();
    std::thread::scope(|scope| {
        let stop = &stop;
        let tracer = scope.spawn(move || {
            let mut stepper = Stepper::attach(pid).unwrap();
            attached.send(()).unwrap();
            let mut edges = Vec::new();
            loop {
                match stepper.wait(stop.as_fd()).unwrap() {
                    Met::Edge => {}
                    end => return (end, edges),
                }
                while let Some(halt) = stepper.held().cloned() {
                    edges.push(halt);
                    stepper.let_go().unwrap();
                }
            }
        });
        is_attached.recv().unwrap();
        inside(kid);
        stop.write(1).unwrap();
        tracer.join().unwrap()
    })
}

fn count(edges: &[Halt], wanted: &str, exits: bool) -> usize {
    let is_it = |halt: &&Halt| halt.name == wanted && matches!(halt.edge, Edge::Exit { .. }) == exits;
    edges.iter().filter(is_it).count()
}

fn is_untouched(kid: &mut Kid) {
    assert_eq!(kid.tracer(), 0);
    assert_eq!(kid.ask("getppid 3"), "done");
}

#[test]
fn each_call_has_two_edges_in_order() {
    let mut kid = Kid::start("plain");
    let (end, edges) = stepped(&mut kid, |kid| {
        kid.ask("lseek 50");
    });
    assert_eq!(end, Met::Rang);
    let seeks: Vec<_> = edges.iter().filter(|halt| halt.name == "lseek").collect();
    assert_eq!(seeks.len(), 100);
    for (n, pair) in (0..).zip(seeks.chunks(2)) {
        assert_eq!((pair[0].edge, pair[0].args[1]), (Edge::Entry, n));
        assert_eq!((pair[1].edge, pair[1].args[1]), (Edge::Exit { result: -i64::from(libc::ESPIPE) }, n));
        assert!(pair[0].at_ns <= pair[1].at_ns);
    }
    is_untouched(&mut kid);
}

#[test]
fn a_thread_that_is_held_when_the_stepper_is_dropped_goes_on() {
    let mut kid = Kid::start("plain");
    let (pid, never) = (kid.pid(), EventFd::new().unwrap());
    let (attached, is_attached) = mpsc::channel();
    let tracer = std::thread::spawn(move || {
        let mut stepper = Stepper::attach(pid).unwrap();
        attached.send(()).unwrap();
        for _ in 0..5 {
            assert_eq!(stepper.wait(never.as_fd()).unwrap(), Met::Edge);
            stepper.let_go().unwrap();
        }
        assert_eq!(stepper.wait(never.as_fd()).unwrap(), Met::Edge);
        assert!(stepper.held().is_some());
    });
    is_attached.recv().unwrap();
    kid.tell("getppid 1000");
    tracer.join().unwrap();
    assert_eq!(kid.hear(), "done");
    is_untouched(&mut kid);
}

#[test]
fn threads_that_start_meanwhile_are_stepped_through_too() {
    let mut kid = Kid::start("plain");
    let (_, edges) = stepped(&mut kid, |kid| {
        for _ in 0..5 {
            kid.ask("thread 10");
        }
    });
    assert_eq!((count(&edges, "getppid", false), count(&edges, "getppid", true)), (50, 50));
    is_untouched(&mut kid);
}

#[test]
fn exec_is_followed_and_the_end_is_left_to_the_parent() {
    let mut kid = Kid::start("plain");
    kid.ask("threads 2");
    let (end, edges) = stepped(&mut kid, |kid| {
        kid.tell("exec");
        kid.until_ended();
    });
    assert_eq!(end, Met::Ended);
    assert!(kid.process.wait().unwrap().success());
    assert_eq!(count(&edges, "exit_group", false), 1, "the new program is seen to its end");
}

#[test]
fn a_process_may_be_killed_while_it_is_held() {
    let mut kid = Kid::start("plain");
    let (pid, never) = (kid.pid(), EventFd::new().unwrap());
    let (held, is_held) = mpsc::channel();
    let tracer = std::thread::spawn(move || {
        let mut stepper = Stepper::attach(pid).unwrap();
        assert_eq!(stepper.wait(never.as_fd()).unwrap(), Met::Edge);
        held.send(()).unwrap();
        let end = stepper.wait(never.as_fd()).unwrap();
        (end, stepper.held().is_some())
    });
    is_held.recv().unwrap();
    kid.process.kill().unwrap();
    assert_eq!(tracer.join().unwrap(), (Met::Ended, false), "heard while nobody asked it to go on");
    assert_eq!(kid.process.wait().unwrap().signal(), Some(libc::SIGKILL));
    assert_eq!(Stepper::attach(pid).unwrap_err().layer, Layer::Process);
}

#[test]
fn signals_and_job_control_pass_through() {
    let mut kid = Kid::start("plain");
    let pid = Pid::from_raw(kid.pid().cast_signed());
    stepped(&mut kid, |kid| {
        kill(pid, Signal::SIGSTOP).unwrap();
        kid.until(|state| state == 't' || state == 'T');
        kill(pid, Signal::SIGCONT).unwrap();
        assert_eq!(kid.ask("getppid 5"), "done");
    });
    is_untouched(&mut kid);
    let (end, _) = stepped(&mut kid, |kid| {
        kill(pid, Signal::SIGTERM).unwrap();
        kid.until_ended();
    });
    assert_eq!(end, Met::Ended);
    assert_eq!(kid.process.wait().unwrap().signal(), Some(libc::SIGTERM));
}

#[test]
fn a_program_without_line_tables_is_said_to_have_none() {
    let mut sleep = Command::new("sleep").arg("100").stdin(Stdio::null()).spawn().unwrap();
    let kid = Kid::start("plain");
    let lines = [sleep.id(), kid.pid()].map(|pid| SourceLines::of(pid, |_| true).map(drop));
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    let Err(Unknown(why)) = &lines[0] else { panic!("distributions strip their programs") };
    assert!(why.contains("no line tables"), "{why}");
    assert_eq!(lines[1], Ok(()), "this very program has some");
}
