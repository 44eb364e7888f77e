//! Counting with one stop a call: exact by name, whatever the program does, and nothing of it is left behind.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use iolab::probe::pidfd;
use iolab::probe::ptrace::count::{Count, ProcessCount, Processors, total};
use iolab::trace::{Layer, Rung};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::child::{Kid, Line, NOBODY, in_role, is_root, until_all, until_ended};
use super::counted::launch;

/// A child whose calls are counted.
struct Counted {
    pid: u32,
    count: Count,
    line: Line,
}

impl Counted {
    fn start(role: &str) -> Self {
        Self::start_as(role, None)
    }

    fn start_as(role: &str, uid: Option<u32>) -> Self {
        let (command, mut line) = in_role(role, uid);
        let (pid, count) = launch(command, Processors::Shared).map_err(|(error, _)| error).unwrap();
        assert_eq!(line.hear(), "ready");
        Self { pid, count, line }
    }

    /// Waits until every thread waits for something.
    fn settle(&self) {
        until_all(self.pid, |state| state == 'S');
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid as i32), signal).unwrap();
    }

    /// The calls that the orders make, all processes together.
    fn calls_of(&mut self, orders: &[&str]) -> BTreeMap<String, u64> {
        self.settle();
        let before = total(&self.count.totals());
        for order in orders {
            self.line.ask(order);
        }
        self.settle();
        let after = total(&self.count.totals());
        assert_eq!(after.total, after.by_name.values().sum::<u64>());
        let since = |(name, count): (String, u64)| {
            let earlier = before.by_name.get(&name).copied().unwrap_or(0);
            (count > earlier).then(|| (name, count - earlier))
        };
        after.by_name.into_iter().filter_map(since).collect()
    }

    fn status(&self, field: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim().to_owned()
    }
}

fn named(calls: &[(&str, u64)]) -> BTreeMap<String, u64> {
    calls.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
}

fn row(rows: &[ProcessCount], pid: u32) -> &ProcessCount {
    rows.iter().find(|row| row.pid == pid).unwrap()
}

/// What a program's life comes to.
fn life_of(command: Command) -> (BTreeMap<String, u64>, Option<i32>) {
    let (_, count) = launch(command, Processors::AsTheyAre).map_err(|(error, _)| error).unwrap();
    let counted = count.wait();
    assert_eq!((counted.processes.len(), counted.trouble.as_deref()), (1, None));
    assert_eq!(counted.total().rung, Rung::Ptrace);
    (counted.total().by_name, counted.end.unwrap().code())
}

#[test]
fn a_script_of_calls_is_counted_exactly() {
    let mut counted = Counted::start("plain");
    let calls = counted.calls_of(&["getppid 250", "lseek 500", "sched_yield 40"]);
    // An order is received by one call and answered by another.
    let expected = [("getppid", 250), ("lseek", 500), ("recvfrom", 3), ("sched_yield", 40), ("sendto", 3)];
    assert_eq!(calls, named(&expected));
}

#[test]
fn a_whole_life_is_counted_from_the_exec_that_succeeds_to_the_end() {
    let alone = life_of(Command::new("/bin/true"));
    assert_eq!((alone.0["execve"], alone.0["exit_group"], alone.1), (1, 1, Some(0)));
    let mut searched = Command::new("true");
    searched.env("PATH", "/nonexistent:/nowhere:/bin");
    let searched = life_of(searched);
    assert_eq!(searched, alone, "what was tried before belongs to nobody");
    assert_eq!(life_of(Command::new("/bin/false")).1, Some(1));
}

#[test]
fn threads_are_counted_each_and_with_their_process() {
    let mut counted = Counted::start("plain");
    let calls = counted.calls_of(&["thread 20"; 10]);
    assert_eq!(calls["getppid"], 200);
    counted.line.ask("threads 3");
    counted.settle();
    let rows = counted.count.totals();
    let [process] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((process.pid, process.alive, process.processes), (counted.pid, true, 1));
    // The test harness has a thread of its own for a test.
    assert!(process.threads_ended >= 10 && process.threads.len() >= 4, "{process:?}");
    let living: u64 = process.threads.iter().map(|thread| thread.calls).sum();
    assert!(living <= process.syscalls.total - 200);
}

#[test]
fn children_are_counted_each_by_itself() {
    let mut counted = Counted::start("plain");
    let child: u32 = counted.line.ask("fork 20").parse().unwrap();
    let rows = counted.count.totals();
    let forked = row(&rows, child);
    assert_eq!(forked.syscalls.by_name, named(&[("getppid", 20), ("exit_group", 1)]));
    assert_eq!((forked.parent, forked.alive), (counted.pid, false));
    assert_eq!(forked.program, row(&rows, counted.pid).program);

    // By clone with CLONE_VFORK, and then another program.
    assert_eq!(counted.line.ask("run /bin/true"), "Some(0)");
    let rows = counted.count.totals();
    let ran = rows.iter().find(|row| row.program == "true").unwrap();
    let life = life_of(Command::new("/bin/true")).0;
    for (name, count) in &life {
        assert!(ran.syscalls.by_name[name] >= *count, "{name}: {ran:?}");
    }
    assert_eq!((ran.alive, ran.syscalls.by_name["execve"]), (false, 1));
}

#[test]
fn a_thread_that_is_not_the_first_may_exec() {
    let mut counted = Counted::start("plain");
    counted.line.ask("threads 2");
    counted.line.tell("exec-from-thread");
    let pid = counted.pid;
    let end = counted.count.wait();
    assert_eq!((end.end.unwrap().code(), end.trouble), (Some(0), None));
    let [process] = &end.processes[..] else { panic!("{:?}", end.processes) };
    assert_eq!((process.pid, process.program.as_str(), process.alive), (pid, "true", false));
    assert_eq!((process.syscalls.by_name["execve"], process.syscalls.by_name["exit_group"]), (2, 1));
}

#[test]
fn signals_are_passed_on_and_job_control_works() {
    let mut counted = Counted::start("plain");
    let calls = counted.calls_of(&["signals 5"]);
    assert_eq!((calls["tgkill"], calls["rt_sigreturn"]), (5, 5));
    for _ in 0..3 {
        counted.signal(Signal::SIGSTOP);
        until_all(counted.pid, |state| state == 't' || state == 'T');
        counted.signal(Signal::SIGCONT);
        assert_eq!(counted.line.ask("getppid 5"), "done");
    }
    counted.signal(Signal::SIGTERM);
    until_ended(&counted.count.process());
    let end = counted.count.wait();
    assert_eq!(end.end.unwrap().signal(), Some(libc::SIGTERM));
}

#[test]
fn a_stopped_program_can_be_ended() {
    let counted = Counted::start("plain");
    let process = pidfd::open(counted.pid).unwrap();
    counted.signal(Signal::SIGSTOP);
    until_all(counted.pid, |state| state == 't' || state == 'T');
    let end = counted.count.end();
    until_ended(&process);
    assert_eq!(end.end.unwrap().signal(), Some(libc::SIGKILL));
}

#[test]
fn what_outlives_the_program_is_counted_on_and_ends_with_the_count() {
    let mut counted = Counted::start("plain");
    let daemon: u32 = counted.line.ask("daemon").parse().unwrap();
    let daemon_process = pidfd::open(daemon).unwrap();
    until_all(daemon, |state| state == 'S');
    assert_eq!(counted.count.end_of_program(), None);
    counted.line.tell("exit 7");
    while counted.count.end_of_program().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(counted.count.end_of_program().unwrap().code(), Some(7));
    let rows = counted.count.totals();
    assert!(!row(&rows, counted.pid).alive && row(&rows, daemon).alive && !counted.count.is_over());
    let end = counted.count.end();
    assert_eq!(end.end.unwrap().code(), Some(7));
    assert!(end.processes.iter().all(|process| !process.alive));
    assert_eq!(row(&end.processes, daemon).syscalls.by_name, named(&[("pause", 1), ("setsid", 1)]));
    until_ended(&daemon_process);
}

/// Starts a counted program in the child that is asked for it, and says its number.
pub fn count_as_child(program: &str) -> String {
    let mut command = Command::new(program);
    command.arg("1000");
    let (pid, count) = launch(command, Processors::Shared).map_err(|(error, _)| error).unwrap();
    std::mem::forget(count);
    pid.to_string()
}

#[test]
fn a_program_dies_with_its_tracer() {
    let mut tracer = Kid::start("plain");
    let pid: u32 = tracer.ask("count sleep").parse().unwrap();
    let process: OwnedFd = pidfd::open(pid).unwrap();
    tracer.process.kill().unwrap();
    until_ended(&process);
}

#[test]
fn it_takes_no_privileges_but_gives_up_gaining_them() {
    let mut counted = Counted::start_as("plain", Some(NOBODY));
    assert_eq!(counted.status("NoNewPrivs:"), "1");
    assert_eq!(counted.calls_of(&["getppid 100"])["getppid"], 100);
    if is_root() {
        assert_eq!(Counted::start("plain").status("NoNewPrivs:"), "0", "root keeps what it could gain");
    }
}

#[test]
fn a_program_that_is_not_there_is_an_error_and_nothing_stays() {
    for path in ["/nonexistent/program", "/etc/passwd"] {
        let (error, count) = launch(Command::new(path), Processors::Shared).unwrap_err();
        assert!(matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EACCES)), "{error}");
        let pid = count.totals().first().map(|row| row.pid);
        let end = count.wait();
        assert_eq!((end.end, end.trouble), (None, None));
        let process = format!("/proc/{}", pid.unwrap());
        assert!(!std::path::Path::new(&process).exists(), "it was collected");
    }
}

#[test]
fn who_cannot_be_traced_is_refused_with_the_reason() {
    let counted = Counted::start("plain");
    let refusal = Count::start(counted.pid, Processors::AsTheyAre).unwrap_err();
    assert_eq!(refusal.layer, Layer::Process);
    assert!(refusal.says.contains("is traced by"), "{refusal}");
    let pid = counted.pid;
    drop(counted);
    let refusal = Count::start(pid, Processors::AsTheyAre).unwrap_err();
    assert_eq!(refusal.layer, Layer::Process, "{refusal}");
}

#[test]
fn program_and_tracer_share_one_processor_unless_told_otherwise() {
    let counted = Counted::start("plain");
    let list = counted.status("Cpus_allowed_list:");
    assert!(list.parse::<u32>().is_ok(), "one processor: {list}");
}
