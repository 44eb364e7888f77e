//! ptrace windows: every system call in order, and a process that is none the worse for it.

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc;

use iolab::probe::ptrace::{Window, WindowEnd};
use iolab::trace::{Layer, Refusal, Story};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::child::Kid;

/// Opens a window on `kid`, does `inside` while it is open, closes it: the end and the story.
fn window(kid: &mut Kid, inside: impl FnOnce(&mut Kid)) -> (WindowEnd, Vec<Story>) {
    let (pid, stop) = (kid.pid(), EventFd::new().unwrap());
    let (attached, is_attached) = mpsc::channel();
    std::thread::scope(|scope| {
        let stop = &stop;
        let tracer = scope.spawn(move || {
            let window = Window::attach(pid).unwrap();
            attached.send(window.threads()).unwrap();
            let mut story = Vec::new();
            let mut last_ns = 0;
            let end = window.run(stop.as_fd(), &mut |at_ns, event| {
                assert!(at_ns >= last_ns, "time goes on");
                last_ns = at_ns;
                story.push(event);
            });
            (end.unwrap(), story)
        });
        is_attached.recv().unwrap();
        inside(kid);
        stop.write(1).unwrap();
        tracer.join().unwrap()
    })
}

/// Arguments and results of the calls with that name, those of one thread in order.
fn calls(story: &[Story], wanted: &str) -> Vec<([u64; 6], i64)> {
    let mut open = std::collections::HashMap::new();
    let mut calls = Vec::new();
    for event in story {
        match event {
            Story::Enter { tid, name, args } if name == wanted => {
                assert_eq!(open.insert(tid, args), None, "entered twice");
            }
            Story::Exit { tid, name, result } if name == wanted => {
                calls.push((*open.remove(tid).expect("left before it was entered"), *result));
            }
            _ => {}
        }
    }
    calls
}

fn is_untouched(kid: &mut Kid) {
    assert_eq!(kid.tracer(), 0);
    assert_eq!(kid.ask("getppid 3"), "done");
}

#[test]
fn every_call_is_seen_with_arguments_and_result() {
    let mut kid = Kid::start("plain");
    let (end, story) = window(&mut kid, |kid| {
        kid.ask("lseek 500");
        kid.ask("getppid 250");
    });
    assert_eq!(end, WindowEnd::Stopped);
    let seeks = calls(&story, "lseek");
    assert_eq!(seeks.len(), 500);
    for (n, (args, result)) in seeks.iter().enumerate() {
        assert_eq!((&args[..3], *result), (&[0, n as u64, 0][..], -i64::from(libc::ESPIPE)));
    }
    let parents = calls(&story, "getppid");
    assert_eq!(parents.len(), 250);
    assert!(parents.iter().all(|&(_, result)| result == i64::from(std::process::id())));
    is_untouched(&mut kid);
}

#[test]
fn threads_that_start_inside_the_window_are_seen() {
    let mut kid = Kid::start("plain");
    kid.ask("threads 3");
    let (_, story) = window(&mut kid, |kid| {
        for _ in 0..10 {
            kid.ask("thread 20");
        }
    });
    assert_eq!(calls(&story, "getppid").len(), 200);
    let tids: std::collections::HashSet<u32> = story
        .iter()
        .filter_map(|event| match event {
            Story::Enter { tid, name, .. } if name == "getppid" => Some(*tid),
            _ => None,
        })
        .collect();
    assert_eq!(tids.len(), 10, "each by its own thread");
    is_untouched(&mut kid);
}

#[test]
fn a_window_on_a_sleeping_process_can_be_stopped() {
    let mut kid = Kid::start("plain");
    for _ in 0..20 {
        let (end, story) = window(&mut kid, |kid| kid.settle());
        assert_eq!(end, WindowEnd::Stopped);
        assert!(story.len() <= 4, "the calls it was waiting in, begun anew: {story:?}");
        assert_eq!(kid.tracer(), 0);
    }
    is_untouched(&mut kid);
}

#[test]
fn the_end_of_a_process_is_left_to_its_parent() {
    let mut kid = Kid::start("plain");
    let (end, story) = window(&mut kid, |kid| {
        kid.tell("exit 7");
        kid.until_ended();
    });
    assert_eq!(end, WindowEnd::ProcessEnded);
    assert_eq!(kid.process.wait().unwrap().code(), Some(7));
    assert!(story.iter().any(|event| matches!(event, Story::Enter { name, .. } if name == "exit_group")));
}

#[test]
fn a_process_may_be_killed_inside_a_window() {
    let mut kid = Kid::start("plain");
    kid.ask("threads 4");
    let (end, _) = window(&mut kid, |kid| {
        kid.process.kill().unwrap();
        kid.until_ended();
    });
    assert_eq!(end, WindowEnd::ProcessEnded);
    assert_eq!(Window::attach(kid.pid()).unwrap_err().layer, Layer::Process, "a zombie has nothing to trace");
    assert_eq!(kid.process.wait().unwrap().signal(), Some(libc::SIGKILL));
    assert_eq!(Window::attach(kid.pid()).unwrap_err().layer, Layer::Process);
}

#[test]
fn exec_is_followed() {
    let mut kid = Kid::start("plain");
    kid.ask("threads 2");
    let (end, story) = window(&mut kid, |kid| {
        kid.tell("exec");
        kid.until_ended();
    });
    assert_eq!(end, WindowEnd::ProcessEnded);
    assert!(kid.process.wait().unwrap().success());
    let at = |wanted: &dyn Fn(&Story) -> bool| story.iter().position(wanted).unwrap();
    let replaced = at(&|event| matches!(event, Story::Exit { name, result: 0, .. } if name == "execve"));
    let left = at(&|event| matches!(event, Story::Enter { name, .. } if name == "exit_group"));
    assert!(replaced < left, "the new program is seen to its end");
}

#[test]
fn job_control_works_through_a_window() {
    let mut kid = Kid::start("plain");
    let pid = Pid::from_raw(kid.pid() as i32);
    window(&mut kid, |kid| {
        kill(pid, Signal::SIGSTOP).unwrap();
        kid.until(|state| state == 't' || state == 'T');
        kill(pid, Signal::SIGCONT).unwrap();
        assert_eq!(kid.ask("getppid 5"), "done");
        kill(pid, Signal::SIGSTOP).unwrap();
        kid.until(|state| state == 't' || state == 'T');
    });
    // Stopped it was, and stopped it is left.
    kid.until(|state| state == 'T');
    assert_eq!(kid.tracer(), 0);
    kill(pid, Signal::SIGCONT).unwrap();
    is_untouched(&mut kid);
}

#[test]
fn the_helpers_of_io_uring_are_left_alone() {
    let mut kid = Kid::start("sqpoll");
    kid.ask("nops 32");
    let (end, story) = window(&mut kid, |kid| {
        kid.ask("nops 320");
    });
    assert_eq!(end, WindowEnd::Stopped);
    assert!(calls(&story, "io_uring_enter").len() <= 20, "at most one wake-up and one wait for each batch");
    is_untouched(&mut kid);
}

#[test]
fn a_second_tracer_is_told_of_the_first() {
    let mut kid = Kid::start("plain");
    let mut refused: Option<Refusal> = None;
    window(&mut kid, |kid| {
        let pid = kid.pid();
        refused = std::thread::spawn(move || Window::attach(pid).err()).join().unwrap();
    });
    let refusal = refused.expect("one tracer at a time");
    assert_eq!(refusal.layer, Layer::Process);
    assert!(
        refusal.says.starts_with("PTRACE_SEIZE: EPERM") && refusal.says.contains("is traced by"),
        "{refusal}"
    );
}

#[test]
fn a_sink_that_panics_does_not_take_the_process_along() {
    let mut kid = Kid::start("plain");
    let pid = kid.pid();
    let stop = EventFd::new().unwrap();
    let tracer = std::thread::spawn(move || {
        let window = Window::attach(pid).unwrap();
        let _ = window.run(stop.as_fd(), &mut |_, _| panic!("the sink is full"));
    });
    assert_eq!(kid.ask("getppid 1"), "done");
    assert!(tracer.join().is_err());
    is_untouched(&mut kid);
}
