//! Looking at a program between two steps: threads, descriptors, interest lists, rings.

use std::collections::BTreeMap;
use std::fs;

use crate::exercise::seen::{Snapshot, is_helper};
use crate::probe::epoll_set::EpollSets;
use crate::probe::proc::{Threads, asleep};
use crate::probe::ring::Rings;
use crate::probe::text::text;

/// What looks at one process.
pub(super) struct Look {
    pid: u32,
    threads: Option<Threads>,
    sets: Option<EpollSets>,
    rings: Option<Rings>,
    overflow_seen: bool,
}

/// What is compared to find out whether a program moves: processor time of its own threads, and their calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pulse {
    pub(super) asleep: bool,
    pub(super) cpu_ns: u64,
}

impl Pulse {
    /// Whether all threads slept at both moments and did nothing in between.
    pub(super) fn rested_since(self, before: Self) -> bool {
        self.asleep && before.asleep && self.cpu_ns == before.cpu_ns
    }
}

impl Look {
    /// Gets ready to look at process `pid`.
    pub(super) fn at(pid: u32) -> Self {
        Self { pid, threads: None, sets: None, rings: None, overflow_seen: false }
    }

    /// The program as it is now.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let (pid, alive) = (self.pid, self.is_alive());
        if self.threads.is_none() {
            self.threads = Threads::open(pid).ok();
        }
        if self.sets.is_none() {
            self.sets = EpollSets::open(pid).ok();
        }
        let threads = self.threads.as_mut().and_then(|threads| threads.sample_all().ok().map(<[_]>::to_vec));
        let epoll_sets = self.sets.as_mut().and_then(|sets| sets.read().ok()).unwrap_or_default();
        Snapshot {
            alive,
            threads: threads.unwrap_or_default(),
            descriptors: descriptors(pid),
            epoll_sets,
            rings: self.rings(),
            overflow_seen: self.overflow_seen,
            memory_kib: memory_kib(pid),
        }
    }

    fn rings(&mut self) -> Vec<crate::trace::RingTotals> {
        match &mut self.rings {
            Some(rings) => drop(rings.rescan()),
            None => self.rings = Rings::open(self.pid).ok(),
        }
        self.sample();
        let rings = self.rings.as_mut().map(Rings::totals).unwrap_or_default();
        self.overflow_seen |= rings.iter().any(|ring| ring.overflow_seen > 0 || ring.cq_overflow > 0);
        rings
    }

    /// A look at the rings only, between two snapshots.
    pub(super) fn sample(&mut self) {
        if let Some(rings) = &mut self.rings {
            rings.sample();
        }
    }

    /// The overflow flag was seen by somebody else.
    pub(super) fn note_overflow(&mut self, seen: bool) {
        self.overflow_seen |= seen;
    }

    /// How far the queues of all rings have come.
    pub(super) fn tails(&mut self) -> u64 {
        self.sample();
        let rings = self.rings.as_mut().map(Rings::totals).unwrap_or_default();
        self.overflow_seen |= rings.iter().any(|ring| ring.overflow_seen > 0);
        rings.iter().map(|ring| ring.cq_tail.saturating_add(ring.sq_tail)).fold(0, u64::saturating_add)
    }

    /// How many descriptors it has open; `None` where the kernel (before 6.2) does not say.
    pub(super) fn descriptors(&self) -> Option<u64> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(format!("/proc/{}/fd", self.pid)).ok().map(|folder| folder.size())
    }

    /// Whether the program moves.
    pub(super) fn pulse(&mut self) -> Pulse {
        if self.threads.is_none() {
            self.threads = Threads::open(self.pid).ok();
        }
        let threads = self.threads.as_mut().and_then(|threads| threads.sample().ok()).unwrap_or_default();
        let own = threads.iter().filter(|thread| !is_helper(&thread.comm));
        Pulse {
            asleep: asleep(self.pid),
            cpu_ns: own.map(|thread| thread.cpu_ns).fold(0, u64::saturating_add),
        }
    }

    fn is_alive(&self) -> bool {
        let stat = text(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
        state.is_some_and(|state| !matches!(state, "Z" | "X"))
    }
}

/// The descriptors of a process and what each stands for.
fn descriptors(pid: u32) -> BTreeMap<i32, String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeMap::new() };
    let one = |entry: fs::DirEntry| {
        let link = fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, link.to_string_lossy().into_owned()))
    };
    entries.flatten().filter_map(one).collect()
}

/// VmHWM, proc_pid_status(5).
fn memory_kib(pid: u32) -> u64 {
    let status = text(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
