//! Nothing of a program outlives iolab, and iolab waits for nobody whom it cannot end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::family::descendant;
use super::program::{Running, iolab, open_folder};
use super::{processes, remarks, script, wild};

/// Whether a process is there and has not ended.
fn lives(pid: &serde_json::Value) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Until the program has started one of that name.
fn until_it_has(running: &Running, comm: &str) -> u32 {
    loop {
        if let Some(pid) = descendant(running.pid(), comm) {
            return pid;
        }
        std::thread::yield_now();
    }
}

/// One of the programs in this binary.
fn own(name: &str) -> String {
    format!("{} --exact wild::{name} --ignored", std::env::current_exe().unwrap().display())
}

#[test]
fn a_process_whose_name_is_no_text_is_found_and_ended() {
    let said =
        iolab("observe --format json --duration 1 --").and(&own("a_child_with_a_name_of_any_bytes")).run();
    let document = said.document(0);
    let name = wild::NAME.to_string_lossy();
    let named = processes(&document).iter().find(|process| process["comm"] == *name);
    let named = named.unwrap_or_else(|| panic!("no {name}: {document}"));
    assert_eq!(named["end"]["signal"], 15, "{named}");
    assert!(!lives(&named["pid"]));
}

#[test]
fn a_process_that_nobody_collects_is_told_once() {
    let document =
        iolab("observe --format json --").and(&own("a_child_that_nobody_collects")).run().document(0);
    let mut pids: Vec<u64> = processes(&document).iter().filter_map(|one| one["pid"].as_u64()).collect();
    assert!((2..=9).contains(&pids.len()), "{document}");
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), processes(&document).len(), "{document}");
    assert!(!remarks(&processes(&document)[0]).contains("more processes"), "{document}");
}

/// Each starts the next one and ends: who is killed is long gone.
#[test]
fn a_program_that_runs_away_is_caught() {
    let (_folder, path) = open_folder();
    let (begun, mark) = (path.join("begun"), path.join("done"));
    let text = format!(
        "trap '' TERM; hop() {{ sleep 0.005; [ $1 = 20 ] && echo > {}; \
         if [ $1 -lt 400 ]; then hop $(($1+1)) & else echo > {}; fi; }}; hop 0 & exit 0",
        begun.display(),
        mark.display()
    );
    let running = script(&text).start();
    while !begun.exists() {
        assert!(lives(&running.pid().into()), "all of it was waited for");
        std::thread::yield_now();
    }
    running.signal(Signal::SIGTERM);
    running.signal(Signal::SIGINT);
    let document = running.end().document(0);
    assert!(!mark.exists(), "{document}");
    assert!(processes(&document).iter().all(|process| !lives(&process["pid"])));
}

/// More than are looked at one by one: the others are waited for, and their orphans collected.
#[test]
fn of_many_processes_each_is_waited_for() {
    let (_folder, path) = open_folder();
    let mark = path.join("done");
    let text = format!(
        "i=0; while [ $i -lt 80 ]; do sleep 1 & i=$((i+1)); done; (sleep 2; echo done > {}) & exit 6",
        mark.display()
    );
    let document = script(&text).run().document(6);
    assert_eq!(fs::read_to_string(&mark).unwrap(), "done\n", "{document}");
    assert!(remarks(&processes(&document)[0]).contains("more processes"), "{document}");
}

#[test]
fn of_many_processes_each_is_ended() {
    let running =
        script("i=0; while [ $i -lt 80 ]; do sleep 987 & i=$((i+1)); done; sleep 986; wait").start();
    until_it_has(&running, "sleep");
    while descendants(running.pid(), "sleep 986").is_empty() {
        std::thread::yield_now();
    }
    let all = descendants(running.pid(), "sleep 98");
    running.signal(Signal::SIGTERM);
    running.end().document(143);
    assert!(all.len() >= 81 && all.iter().all(|pid| !lives(&(*pid).into())), "{all:?}");
}

/// Processes that come of `root` whose command line begins so.
fn descendants(root: u32, line: &str) -> Vec<u32> {
    let begins = |pid: &u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).replace('\0', " ").starts_with(line)
    };
    super::family::all_of(root).into_iter().filter(begins).collect()
}

/// A set-uid program may take the rights of its owner for good: no user may end it then.
#[test]
fn a_program_that_may_not_be_ended_is_left_with_a_word() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let (_folder, path) = open_folder();
    let file = path.join("set-uid");
    fs::copy(std::env::current_exe().unwrap(), &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4755)).unwrap();
    // What it prints goes to a file: it would hold the pipes of this test open.
    let program = iolab("observe --format json --probe proc --keep-output").with(path.join("printed"));
    let program = program.and("--").with(&file).and("--exact wild::one_that_changes_its_user --ignored");
    let running = program.without_privileges().start();
    let pid = until_it_has(&running, "set-uid");
    while !ignores_sigterm(pid) {
        std::thread::yield_now();
    }
    running.signal(Signal::SIGTERM);
    running.signal(Signal::SIGINT);
    let document = running.end().document(1);
    let said = remarks(&processes(&document)[0]);
    let goes_on = lives(&pid.into());
    kill(Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
    assert!(goes_on && said.contains("has the rights of user 0 and could not be ended"), "{document}");
}

fn ignores_sigterm(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    u64::from_str_radix(ignored, 16).unwrap() & (1 << (Signal::SIGTERM as u64 - 1)) != 0
}

/// As nohup(1) and the background of a script have it: what is ignored is ignored by the program, too, and ends nothing.
#[test]
fn a_signal_that_iolab_was_started_to_ignore_is_ignored() {
    let (_folder, path) = open_folder();
    let line = format!(
        "trap '' HUP; exec {} observe --probe proc --format json --output {} -- sh -c \
         'kill -HUP $PPID; kill -HUP $$; sleep 0.2; exit 5'",
        env!("CARGO_BIN_EXE_iolab"),
        path.join("result.json").display()
    );
    let status = std::process::Command::new("sh").args(["-c", &line]).status().unwrap();
    assert_eq!(status.code(), Some(5), "{status}");
}
