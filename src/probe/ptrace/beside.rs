//! A tracer beside its tracee: both on one processor, or apart on purpose. Each stop wakes the tracer, and waking an idle
//! processor costs twenty times as much as switching on a busy one (78 µs against 3.7).

use std::collections::BTreeMap;
use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::super::proc::tids;

/// The calling thread.
const THIS: Pid = Pid::from_raw(0);

/// Which processor a tracer runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// The tracee's.
    Beside,
    /// Another one: what that costs is what somebody wants to see.
    Apart,
}

/// Keeps the calling thread on one processor for as long as it lives, and with it the process it traces: else
/// the scheduler, which sees two busy threads on one processor, soon moves a server that never sleeps away.
#[derive(Debug)]
pub(super) struct Beside {
    before: CpuSet,
    /// Where the threads of a process of ours might run before.
    tracees: BTreeMap<i32, CpuSet>,
    pid: i32,
}

impl Beside {
    /// Moves the calling thread to the processor that most of `tids` ran on last, or away from it, and keeps them
    /// there if the process is `ours`; `None` where it may not go there, which costs speed and nothing else.
    pub(super) fn threads(
        pid: i32,
        tids: impl Iterator<Item = i32> + Clone,
        ours: bool,
        seat: Seat,
    ) -> Option<Self> {
        let mut times = BTreeMap::new();
        for processor in tids.clone().filter_map(|tid| last_processor(pid, tid)) {
            *times.entry(processor).or_insert(0) += 1;
        }
        let (processor, _) = times.into_iter().max_by_key(|&(_, threads)| threads)?;
        let before = sched_getaffinity(THIS).ok()?;
        let mut one = CpuSet::new();
        one.set(processor).ok()?;
        match seat {
            Seat::Beside => sched_setaffinity(THIS, &one).ok()?,
            Seat::Apart => {
                let mut others = before;
                others.unset(processor).ok()?;
                sched_setaffinity(THIS, &others).ok()?;
            }
        }
        let keep = |tid| {
            let before = sched_getaffinity(Pid::from_raw(tid)).ok()?;
            sched_setaffinity(Pid::from_raw(tid), &one).ok()?;
            Some((tid, before))
        };
        let tracees = if ours { tids.filter_map(keep).collect() } else { BTreeMap::new() };
        Some(Self { before, tracees, pid })
    }
}

/// Puts the calling thread and process `pid`, which has one thread, on one processor for good, and with them all
/// that the process will start. Where that is not allowed it costs speed and nothing else.
pub(super) fn settle(pid: i32) {
    // Nothing is put back.
    std::mem::forget(Beside::threads(pid, std::iter::once(pid), true, Seat::Beside));
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = sched_setaffinity(THIS, &self.before);
        // Threads made meanwhile were born on that one processor; they may go where the others may.
        let Some(others) = self.tracees.values().next() else { return };
        for tid in tids(&format!("/proc/{}/task", self.pid)).unwrap_or_default() {
            let before = self.tracees.get(&(tid as i32)).unwrap_or(others);
            // Fails for a thread that has just ended, and for the kernel's helpers, which were never moved.
            let _ = sched_setaffinity(Pid::from_raw(tid as i32), before);
        }
    }
}

/// Field 39 of proc_pid_stat(5); the name in field 2 may hold anything and ends at the last parenthesis.
fn last_processor(pid: i32, tid: i32) -> Option<usize> {
    let text = fs::read(format!("/proc/{pid}/task/{tid}/stat")).ok()?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace().nth(36)?.parse().ok()
}
