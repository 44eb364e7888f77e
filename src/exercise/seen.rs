//! What a run saw of a program, from outside: plain values that the judge reads and that tests write down.

use std::collections::BTreeMap;

use crate::trace::{Counts, EpollSet, Refusal, RingTotals, ThreadTotals};

/// What was seen of one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSeen {
    /// The program when it was first at rest.
    pub start: Snapshot,
    /// The steps that were begun, in order.
    pub steps: Vec<StepSeen>,
    /// Why no further steps were begun.
    pub trouble: Option<Trouble>,
    /// Why system calls were not watched, where they should have been.
    pub untraced: Option<Refusal>,
}

/// What was seen in one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepSeen {
    /// How long it was, milliseconds.
    pub ms: u64,
    /// Echoes that came back whole.
    pub echoes: u64,
    /// What is wrong with the bytes, or with how connections ended; empty where nothing is.
    pub wrong: Vec<String>,
    /// The line that the program answered.
    pub answer: Option<String>,
    /// What it exited with.
    pub exit: Option<i32>,
    /// System calls entered, by name; `None` where they are not watched.
    pub calls: Option<BTreeMap<String, u64>>,
    /// Errors that calls answered, by name.
    pub answered: BTreeMap<String, u64>,
    /// SQEs handed over by each io_uring_enter(2) that had some.
    pub batches: Counts,
    /// The program before the step.
    pub before: Snapshot,
    /// The program after the step, at rest where it comes to rest.
    pub after: Snapshot,
}

/// A program at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Whether it runs.
    pub alive: bool,
    /// Its threads, ended ones and the kernel's helpers included.
    pub threads: Vec<ThreadTotals>,
    /// Its descriptors and what each stands for: `socket:[17]`.
    pub descriptors: BTreeMap<i32, String>,
    /// Its interest lists.
    pub epoll_sets: Vec<EpollSet>,
    /// Its rings.
    pub rings: Vec<RingTotals>,
    /// Whether the flag IORING_SQ_CQ_OVERFLOW has ever been seen.
    pub overflow_seen: bool,
    /// Resident memory at its peak, KiB.
    pub memory_kib: u64,
}

/// Why a run did not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It waits for something that does not come, or goes round for ever: what it was last seen at.
    Hung(String),
    /// It ended: how, and what it said last.
    Crashed(String),
    /// The run itself could not be made.
    Error(String),
}

impl Snapshot {
    /// Living threads of its own.
    pub fn threads_alive(&self) -> usize {
        self.threads.iter().filter(|thread| thread.alive && !is_helper(&thread.comm)).count()
    }

    /// Living helpers of the kernel whose name begins so.
    pub fn helpers(&self, beginning: &str) -> usize {
        let is_one = |thread: &&ThreadTotals| {
            thread.alive && is_helper(&thread.comm) && thread.comm.starts_with(beginning)
        };
        self.threads.iter().filter(is_one).count()
    }

    /// Open sockets.
    pub fn sockets(&self) -> usize {
        self.descriptors.values().filter(|link| link.starts_with("socket:")).count()
    }

    /// Entries of all interest lists.
    pub fn watched(&self) -> usize {
        self.epoll_sets.iter().map(|set| set.interest.len()).sum()
    }

    /// A sum over all threads.
    pub fn sum(&self, of: impl Fn(&ThreadTotals) -> u64) -> u64 {
        self.threads.iter().map(of).fold(0, u64::saturating_add)
    }

    /// A sum over all rings.
    pub fn sum_rings(&self, of: impl Fn(&RingTotals) -> u64) -> u64 {
        self.rings.iter().map(of).fold(0, u64::saturating_add)
    }
}

/// Whether a thread is one that the kernel made for io_uring (`iou-sqp-PID`, `iou-wrk-PID`).
pub fn is_helper(comm: &str) -> bool {
    comm.starts_with("iou-")
}
