//! The ledger of a count: which processes and threads there are, and how often each entered the kernel. Pure:
//! it is told of stops and ends and asks nothing.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::super::call::{ARCHITECTURE, Call};
use crate::trace::{Rung, SyscallTotals};

/// Numbers with a counter of their own; the kernel gives out numbers below 500 so far.
const NUMBERS: usize = 512;

/// Ended processes that keep a row of their own; those that ended before add up in one.
const ENDED_MAX: usize = 256;

/// The system calls of one process.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessCount {
    /// Its number; of the row in which many ended ones add up, 0.
    pub pid: u32,
    /// The process that started it; 0 where that is not known.
    pub parent: u32,
    /// The name of its program, as the kernel shortens it (`comm`); empty of many.
    pub program: String,
    /// Whether it still exists.
    pub alive: bool,
    /// How many processes this row is: 1, or those that ended long ago.
    pub processes: u64,
    /// Its calls by name, those of threads that ended included.
    pub syscalls: SyscallTotals,
    /// Its threads, while they live.
    pub threads: Vec<ThreadCount>,
    /// Threads of it that have ended.
    pub threads_ended: u64,
}

/// The system calls of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadCount {
    /// Thread id.
    pub tid: u32,
    /// How often it entered the kernel.
    pub calls: u64,
}

#[derive(Debug)]
struct Thread {
    process: i32,
    calls: u64,
}

#[derive(Debug)]
struct Process {
    parent: i32,
    program: String,
    by_number: Box<[u64; NUMBERS]>,
    /// Of other instruction sets, and numbers beyond.
    others: BTreeMap<Call, u64>,
    threads_ended: u64,
}

/// All that is being counted.
#[derive(Debug)]
pub(super) struct Ledger {
    root: i32,
    /// Whether the first program has begun; what its process did before is none of its calls.
    began: bool,
    processes: BTreeMap<i32, Process>,
    threads: HashMap<i32, Thread>,
    /// Processes that have ended, oldest first.
    ended: Vec<ProcessCount>,
    end: Option<ExitStatus>,
    /// Everything is to end.
    pub ending: bool,
}

impl Ledger {
    /// The ledger of process `root`, which waits before its exec.
    pub(super) fn new(root: i32) -> Self {
        let mut ledger = Self {
            root,
            began: false,
            processes: BTreeMap::new(),
            threads: HashMap::new(),
            ended: Vec::new(),
            end: None,
            ending: false,
        };
        ledger.born(root, root, 0);
        ledger
    }

    /// Whether a thread is in it.
    pub(super) fn knows(&self, tid: i32) -> bool {
        self.threads.contains_key(&tid)
    }

    /// Thread `tid` of process `pid` has come to be; if the process is new, `parent` has started it.
    pub(super) fn born(&mut self, tid: i32, pid: i32, parent: i32) {
        if !self.processes.contains_key(&pid) {
            let program = self.processes.get(&parent).map(|parent| parent.program.clone());
            self.processes.insert(pid, Process::new(parent, program.unwrap_or_default()));
        }
        self.threads.entry(tid).or_insert(Thread { process: pid, calls: 0 });
    }

    /// A thread enters the kernel.
    #[inline]
    pub(super) fn call(&mut self, tid: i32, call: Call) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        thread.calls += 1;
        if let Some(process) = self.processes.get_mut(&thread.process) {
            process.call(call);
        }
    }

    /// Process `pid` runs another program now, `program`. Thread `caller` did it; it has the process's number now,
    /// and the process's other threads are gone. The first program's calls begin with the exec that succeeded.
    pub(super) fn executed(&mut self, pid: i32, caller: i32, program: String) {
        let first = pid == self.root && !self.began;
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.program = program;
        let mut calls = self.threads.get(&caller).map_or(0, |thread| thread.calls);
        if first {
            self.began = true;
            process.begin();
            calls = 1;
        }
        let before = self.threads.len();
        self.threads.retain(|_, thread| thread.process != pid);
        process.threads_ended += (before - self.threads.len()).saturating_sub(1) as u64;
        self.threads.insert(pid, Thread { process: pid, calls });
    }

    /// A thread has ended; with a process's first thread, whose end comes last, the process.
    pub(super) fn ended(&mut self, tid: i32, status: i32) {
        if tid == self.root {
            self.end = Some(ExitStatus::from_raw(status));
        }
        let Some(thread) = self.threads.remove(&tid) else { return };
        if let Some(process) = self.processes.get_mut(&thread.process) {
            process.threads_ended += 1;
        }
        if thread.process == tid {
            let row = self.row(tid, false);
            self.threads.retain(|_, thread| thread.process != tid);
            self.processes.remove(&tid);
            self.ended.extend(row);
            self.fold();
        }
    }

    /// How the first program ended, once it has.
    pub(super) fn end(&self) -> Option<ExitStatus> {
        self.end
    }

    /// Whether the first program has begun.
    pub(super) fn began(&self) -> bool {
        self.began
    }

    /// Processes that live.
    pub(super) fn live(&self) -> impl Iterator<Item = i32> {
        self.processes.keys().copied()
    }

    /// All rows: living processes in order of their numbers, then those that have ended.
    pub(super) fn rows(&self) -> Vec<ProcessCount> {
        let living = self.processes.keys().filter_map(|&pid| self.row(pid, true));
        living.chain(self.ended.iter().cloned()).collect()
    }

    fn row(&self, pid: i32, alive: bool) -> Option<ProcessCount> {
        let process = self.processes.get(&pid)?;
        let threads = self.threads.iter().filter(|(_, thread)| thread.process == pid);
        let mut threads: Vec<_> =
            threads.map(|(&tid, thread)| ThreadCount { tid: tid as u32, calls: thread.calls }).collect();
        threads.sort_unstable_by_key(|thread| thread.tid);
        Some(ProcessCount {
            pid: pid as u32,
            parent: process.parent as u32,
            program: process.program.clone(),
            alive,
            processes: 1,
            syscalls: process.totals(),
            threads: if alive { threads } else { Vec::new() },
            threads_ended: process.threads_ended,
        })
    }

    /// Adds the oldest of too many ended processes up in one row.
    fn fold(&mut self) {
        if self.ended.len() <= ENDED_MAX {
            return;
        }
        let next = self.ended.remove(1);
        let sum = &mut self.ended[0];
        (sum.pid, sum.parent) = (0, 0);
        sum.program.clear();
        sum.processes += next.processes;
        sum.threads_ended += next.threads_ended;
        add(&mut sum.syscalls, &next.syscalls);
    }
}

impl Process {
    fn new(parent: i32, program: String) -> Self {
        Self { parent, program, by_number: Box::new([0; NUMBERS]), others: BTreeMap::new(), threads_ended: 0 }
    }

    #[inline]
    fn call(&mut self, call: Call) {
        match self.by_number.get_mut(call.number as usize) {
            Some(count) if call.architecture == ARCHITECTURE => *count += 1,
            _ => *self.others.entry(call).or_default() += 1,
        }
    }

    /// Forgets all but the last exec.
    fn begin(&mut self) {
        let [execve, execveat] = [libc::SYS_execve, libc::SYS_execveat].map(|number| number as usize);
        let by = if self.by_number[execve] == 0 && self.by_number[execveat] > 0 { execveat } else { execve };
        self.by_number.fill(0);
        self.others.clear();
        self.by_number[by] = 1;
    }

    fn totals(&self) -> SyscallTotals {
        let native = (0..).zip(self.by_number.iter()).map(|(number, &count)| (Call::native(number), count));
        let others = self.others.iter().map(|(&call, &count)| (call, count));
        let called = native.chain(others).filter(|&(_, count)| count > 0);
        let by_name: BTreeMap<_, _> = called.map(|(call, count)| (call.name(), count)).collect();
        SyscallTotals { rung: Rung::Ptrace, total: by_name.values().sum(), by_name }
    }
}

/// Adds the calls of `more`.
pub(super) fn add(sum: &mut SyscallTotals, more: &SyscallTotals) {
    sum.total += more.total;
    for (name, &count) in &more.by_name {
        crate::trace::add_name(&mut sum.by_name, name, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execve() -> Call {
        Call::native(libc::SYS_execve as u64)
    }

    fn getppid() -> Call {
        Call::native(libc::SYS_getppid as u64)
    }

    fn begun() -> Ledger {
        let mut ledger = Ledger::new(10);
        ledger.call(10, execve());
        ledger.executed(10, 10, "first".into());
        ledger
    }

    fn by_name(row: &ProcessCount) -> Vec<(&str, u64)> {
        row.syscalls.by_name.iter().map(|(name, count)| (name.as_str(), *count)).collect()
    }

    #[test]
    fn a_count_begins_with_the_exec_that_succeeds() {
        let mut ledger = Ledger::new(10);
        ledger.call(10, execve());
        ledger.call(10, execve());
        ledger.executed(10, 10, "first".into());
        ledger.call(10, getppid());
        let rows = ledger.rows();
        assert_eq!(by_name(&rows[0]), [("execve", 1), ("getppid", 1)]);
        assert_eq!(rows[0].threads, [ThreadCount { tid: 10, calls: 2 }]);
        assert_eq!((rows[0].program.as_str(), ledger.began()), ("first", true));
    }

    #[test]
    fn threads_count_for_their_process_also_when_they_are_gone() {
        let mut ledger = begun();
        ledger.born(11, 10, 0);
        ledger.call(11, getppid());
        ledger.ended(11, 0);
        let rows = ledger.rows();
        assert_eq!(by_name(&rows[0]), [("execve", 1), ("getppid", 1)]);
        assert_eq!((rows[0].threads.len(), rows[0].threads_ended), (1, 1));
    }

    #[test]
    fn a_thread_that_is_not_the_first_may_exec() {
        let mut ledger = begun();
        ledger.born(11, 10, 0);
        ledger.born(12, 10, 0);
        ledger.call(12, execve());
        ledger.executed(10, 12, "second".into());
        ledger.call(10, getppid());
        let rows = ledger.rows();
        assert_eq!(by_name(&rows[0]), [("execve", 2), ("getppid", 1)]);
        assert_eq!(rows[0].threads, [ThreadCount { tid: 10, calls: 2 }]);
        assert_eq!((rows[0].program.as_str(), rows[0].threads_ended), ("second", 2));
    }

    #[test]
    fn a_child_has_a_row_of_its_own_and_its_parents_program_until_it_execs() {
        let mut ledger = begun();
        ledger.born(20, 20, 10);
        ledger.call(20, getppid());
        assert_eq!(ledger.rows()[1].program, "first");
        ledger.ended(20, 0);
        let rows = ledger.rows();
        assert_eq!((rows[1].pid, rows[1].parent, rows[1].alive), (20, 10, false));
        assert_eq!(ledger.end(), None, "that was not the first program");
        ledger.ended(10, 3 << 8);
        assert_eq!(ledger.end().and_then(|end| end.code()), Some(3));
        assert_eq!(ledger.live().count(), 0);
    }

    #[test]
    fn of_very_many_children_the_oldest_add_up() {
        let mut ledger = begun();
        let children = 3 * ENDED_MAX as i32;
        for pid in 100..100 + children {
            ledger.born(pid, pid, 10);
            ledger.call(pid, getppid());
            ledger.ended(pid, 0);
        }
        let rows = ledger.rows();
        assert_eq!(rows.len(), 1 + ENDED_MAX);
        let processes: u64 = rows.iter().map(|row| row.processes).sum();
        assert_eq!(processes, 1 + children as u64);
        let calls: u64 = rows.iter().map(|row| row.syscalls.total).sum();
        assert_eq!(calls, 1 + children as u64);
        assert_eq!((rows[1].pid, rows[1].processes), (0, (children as usize + 1 - ENDED_MAX) as u64));
    }

    #[test]
    fn calls_of_other_instruction_sets_are_not_taken_for_native_ones() {
        let mut ledger = begun();
        ledger.call(10, Call { architecture: 0x4000_0003, number: 1 });
        ledger.call(10, Call::native(0x4000_0001));
        ledger.call(10, Call::native(u64::from(u32::MAX)));
        let rows = ledger.rows();
        let names: Vec<_> = rows[0].syscalls.by_name.keys().map(String::as_str).collect();
        assert_eq!(names, ["execve", "i386_syscall_1", "syscall_4294967295", "x32_syscall_1"]);
    }
}
