//! Processes that come of a program: found by themselves, counted, and ended with it.

use std::fs;

use nix::sys::signal::Signal;

use super::program::{iolab, open_folder};
use super::{processes, script};

/// A shell forks; its child executes something else.
#[test]
fn children_are_found_with_their_names_and_told_who_counts_their_calls() {
    let document = script("sh -c 'sleep 0.4; true' & sleep 0.3; wait").run().document(0);
    let all = processes(&document);
    let named = |comm: &str| all.iter().filter(|process| process["comm"] == comm).collect::<Vec<_>>();
    assert_eq!(all[0]["parent"], serde_json::Value::Null, "{document}");
    assert!(named("sh").len() >= 2, "{document}");
    for sleep in named("sleep") {
        assert!(sleep["exe"].as_str().unwrap().contains('/'), "{sleep}");
        assert_eq!(sleep["from_birth"], true);
    }
    assert_eq!(named("sleep").len(), 2, "{document}");
    let root = all[0]["pid"].as_u64().unwrap();
    if all[0]["syscalls"]["value"].is_u64() {
        let also = all[0]["syscalls_count_also"].as_array().unwrap();
        for child in &all[1..] {
            assert!(also.contains(&child["pid"]), "{document}");
            assert_eq!(child["syscalls_counted_with"], root);
            assert!(child["syscalls"]["why"].as_str().unwrap().contains(&root.to_string()), "{child}");
        }
    }
}

/// What was asked for is over, what it has started goes on: iolab stays with that, and keeps the exit status.
#[test]
fn a_daemon_is_followed_to_its_end() {
    let (_folder, path) = open_folder();
    let mark = path.join("done");
    let text = format!("setsid sh -c 'sleep 0.5; echo done > {}' & exit 9", mark.display());
    let document = script(&text).run().document(9);
    assert_eq!(fs::read_to_string(&mark).unwrap(), "done\n", "it was waited for: {document}");
    assert!(processes(&document).len() >= 2, "{document}");
}

#[test]
fn a_program_that_does_not_want_to_go_is_ended_with_all_that_it_started() {
    let text = "trap '' TERM INT HUP; (trap '' TERM; setsid sleep 1000) & while :; do sleep 1000; done";
    let running = script(text).start();
    let sleeper = loop {
        // The shell has set its traps before it starts anything.
        if let Some(pid) = descendant(running.pid(), "sleep") {
            break iolab::probe::pidfd::open(pid).unwrap();
        }
        std::thread::yield_now();
    };
    // Asked once, it is given some seconds, and killed then.
    running.signal(Signal::SIGTERM);
    let said = running.end();
    let document = said.document(137);
    assert_eq!(processes(&document)[0]["end"]["signal"], 9, "{document}");
    let mut ended =
        [nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(&sleeper), nix::poll::PollFlags::POLLIN)];
    assert_eq!(nix::poll::poll(&mut ended, 60_000_u16), Ok(1), "nothing of it is left");
}

/// A process of that name that comes of `root`.
pub fn descendant(root: u32, comm: &str) -> Option<u32> {
    let named =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == comm);
    all_of(root).into_iter().find(named)
}

/// The processes that come of `root`.
pub fn all_of(root: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |pid: u32| {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let comes_of = |pid: &u32| {
        let mut pid = *pid;
        while let Some(next) = parent(pid) {
            if next == root {
                return true;
            }
            pid = next;
        }
        false
    };
    pids.filter(comes_of).collect()
}

/// As nobody: no privileges are needed for a program that iolab starts.
#[test]
fn without_privileges_it_is_the_same_but_for_what_is_said_to_be_refused() {
    let document = script("sleep 0.2; exit 5").without_privileges().run().document(5);
    let root = &processes(&document)[0];
    assert_eq!(root["user"], 65_534, "{root}");
    assert!(root["voluntary_switches"]["value"].as_u64().unwrap() > 0, "{root}");
    let syscalls = &root["syscalls"];
    let known = syscalls["value"].as_u64().is_some_and(|calls| calls > 0);
    let is_told = syscalls["why"].as_str().is_some_and(|why| !why.is_empty());
    assert!(known || is_told, "a number or a reason: {syscalls}");
}

#[test]
fn a_process_that_runs_goes_on_afterwards() {
    let mut sleeper = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = sleeper.id();
    let document =
        iolab("observe --format json --duration 0.3").with(format!("--pid={pid}")).run().document(0);
    let process = &processes(&document)[0];
    assert_eq!((&process["comm"], &process["from_birth"]), (&"sleep".into(), &false.into()), "{process}");
    assert_eq!(process["end"]["how"], "stopped", "{process}");
    assert_eq!(sleeper.try_wait().unwrap(), None, "it was left alone");
    let mut running = iolab("observe --format json").with(format!("--pid={pid}")).start();
    wait_for_reader(&mut running);
    running.signal(Signal::SIGTERM);
    running.end().document(0);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("TracerPid:\t0"), "{status}");
    assert_eq!(sleeper.try_wait().unwrap(), None, "the signal ends the looking");
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

/// Until iolab listens for signals: it has installed a handler for SIGTERM by then.
fn wait_for_reader(running: &mut super::program::Running) {
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap();
        if u64::from_str_radix(caught, 16).unwrap() & (1 << (Signal::SIGTERM as u64 - 1)) != 0 {
            return;
        }
        std::thread::yield_now();
    }
}
