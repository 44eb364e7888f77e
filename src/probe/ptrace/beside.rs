//! A tracer beside its tracee: both on one processor. Each stop wakes the tracer, and waking an idle
//! processor costs twenty times as much as switching on a busy one (78 µs against 3.7).

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread.
const THIS: Pid = Pid::from_raw(0);

/// Keeps the calling thread on one processor for as long as it lives.
#[derive(Debug)]
pub(super) struct Beside {
    before: CpuSet,
}

impl Beside {
    /// Moves the calling thread to the processor that most of `tids` ran on last; `None` where it may not go
    /// there, which costs speed and nothing else.
    pub(super) fn threads(pid: i32, tids: impl Iterator<Item = i32>) -> Option<Self> {
        let mut times = std::collections::BTreeMap::new();
        for processor in tids.filter_map(|tid| last_processor(pid, tid)) {
            *times.entry(processor).or_insert(0) += 1;
        }
        let (processor, _) = times.into_iter().max_by_key(|&(_, threads)| threads)?;
        let before = sched_getaffinity(THIS).ok()?;
        let mut one = CpuSet::new();
        one.set(processor).ok()?;
        sched_setaffinity(THIS, &one).ok()?;
        Some(Self { before })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = sched_setaffinity(THIS, &self.before);
    }
}

/// Field 39 of proc_pid_stat(5); the name in field 2 may hold anything and ends at the last parenthesis.
fn last_processor(pid: i32, tid: i32) -> Option<usize> {
    let text = fs::read(format!("/proc/{pid}/task/{tid}/stat")).ok()?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace().nth(36)?.parse().ok()
}
