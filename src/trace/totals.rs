//! Totals: cumulative counters of a process, every 20 ms, and of its client, every 50 ms. Metrics come from differences
//! of two of these, so a lost record costs resolution, never truth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rung::Rung;

/// Samples counted by value: how often each depth was seen, how often each latency was measured.
/// Cumulative in memory; in a trace each record holds what came since the last one, as pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Counts(pub BTreeMap<u64, u64>);

impl From<Vec<(u64, u64)>> for Counts {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        let mut counts = Self::default();
        pairs.into_iter().for_each(|(value, times)| counts.add(value, times));
        counts
    }
}

impl From<Counts> for Vec<(u64, u64)> {
    fn from(counts: Counts) -> Self {
        counts.0.into_iter().collect()
    }
}

impl Counts {
    /// Counts one more of `value`.
    pub fn add(&mut self, value: u64, times: u64) {
        let count = self.0.entry(value).or_default();
        *count = count.saturating_add(times);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&value, &times) in &other.0 {
            self.add(value, times);
        }
    }

    /// How many samples there are.
    pub fn samples(&self) -> u64 {
        self.0.values().fold(0, |sum, times| sum.saturating_add(*times))
    }

    /// The largest value seen.
    pub fn max(&self) -> Option<u64> {
        self.0.keys().next_back().copied()
    }

    /// The smallest value that at least `share` (0 to 1) of all samples do not exceed.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let wanted = (self.samples() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0_u64;
        self.0.iter().find_map(|(&value, &times)| {
            seen = seen.saturating_add(times);
            (seen >= wanted).then_some(value)
        })
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Counts a name so many times more.
pub fn add_name(counts: &mut BTreeMap<String, u64>, name: &str, times: u64) {
    match counts.get_mut(name) {
        Some(count) => *count = count.saturating_add(times),
        None => {
            counts.insert(name.to_owned(), times);
        }
    }
}

/// What the probes know of one process at one instant, cumulative since it started unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessTotals {
    /// Its threads, kernel helpers (`iou-sqp-PID`, `iou-wrk-PID`) among them. Threads that ended keep
    /// their last counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<ThreadTotals>,
    /// User time of the whole process, ended threads and kernel helpers included, nanoseconds (`/proc/PID/stat`:
    /// one sum, rounded down to a tick of 10 ms once and not in each thread). 0 where it was not read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub user_ns: u64,
    /// Kernel time of the whole process, nanoseconds (likewise).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kernel_ns: u64,
    /// Its io_uring rings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rings: Vec<RingTotals>,
    /// Its system calls, where a counting rung is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syscalls: Option<SyscallTotals>,
    /// Processor time that the probes themselves have used for this process, nanoseconds.
    #[serde(default)]
    pub probe_cpu_ns: u64,
}

/// One thread (`/proc/PID/task/TID`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadTotals {
    /// Thread id.
    pub tid: u32,
    /// Its name: that of the program, or `iou-sqp-PID`, `iou-wrk-PID`.
    pub comm: String,
    /// Time on a processor, nanoseconds (`schedstat`, exact).
    pub cpu_ns: u64,
    /// User time, nanoseconds (`stat`: counted in ticks of 10 ms, so ± one tick).
    pub user_ns: u64,
    /// Kernel time, nanoseconds (likewise).
    pub kernel_ns: u64,
    /// Voluntary context switches (it went to sleep).
    pub voluntary_switches: u64,
    /// Involuntary context switches (it was put aside).
    pub involuntary_switches: u64,
    /// Whether it still exists.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub alive: bool,
}

/// One io_uring ring, read through a read-only mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingTotals {
    /// Its descriptor in the process; −1 for one that is registered only, and has none.
    pub fd: i32,
    /// The inode behind it, which tells rings apart that had one descriptor after the other; 0 where it is not
    /// known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub id: u64,
    /// Slots of the submission queue.
    pub sq_entries: u32,
    /// Slots of the completion queue.
    pub cq_entries: u32,
    /// SQEs ever published by the program: the free-running u32 tail, carried on to 64 bits.
    pub sq_tail: u64,
    /// SQEs ever taken by the kernel (likewise the head).
    pub sq_head: u64,
    /// CQEs ever published by the kernel.
    pub cq_tail: u64,
    /// CQEs ever taken by the program.
    pub cq_head: u64,
    /// SQEs the kernel dropped as invalid.
    #[serde(default)]
    pub sq_dropped: u32,
    /// The `overflow` counter of the CQ (stays 0 on kernels with NODROP; see the flag).
    #[serde(default)]
    pub cq_overflow: u32,
    /// How often a sample saw IORING_SQ_CQ_OVERFLOW set.
    #[serde(default)]
    pub overflow_seen: u64,
    /// Flags of the SQ ring at this instant, by name: `NEED_WAKEUP`, `CQ_OVERFLOW`, `TASKRUN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sq_flags: Vec<String>,
    /// How often a sample saw NEED_WAKEUP: the SQPOLL thread asleep.
    #[serde(default)]
    pub asleep_seen: u64,
    /// The most totals in a row that found entries queued and the SQPOLL thread asleep, and nothing moved meanwhile.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stranded: u64,
    /// The most totals in a row that found completions which only a call would bring (TASKRUN), and none brought.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncollected: u64,
    /// Set-up flags by name (`SQPOLL`, `DEFER_TASKRUN`, …) as far as they can be known from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup_flags: Vec<String>,
    /// Submission queue depth (tail − head) at each sample since the last record.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub sq_depth: Counts,
    /// Completion queue depth at each sample since the last record.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub cq_depth: Counts,
    /// How many of the CQEs that passed were read, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
    /// Whether the program has closed it: these are its last counts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub closed: bool,
    /// Whether it may have done more than is told here: its memory is out of reach, and what the kernel says
    /// of it was read a little before its end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_least: bool,
}

/// Entries that passed through a queue while they were being read, cumulative since that began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Those that were read before their slot can have been written again.
    pub seen: u64,
    /// All of them.
    pub passed: u64,
}

impl Contents {
    /// The share that was seen, 0 to 1; `None` while nothing has passed.
    pub fn share(self) -> Option<f64> {
        (self.passed > 0).then(|| self.seen as f64 / self.passed as f64)
    }
}

impl RingTotals {
    /// Whether two readings are of one ring.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.fd, self.id) == (other.fd, other.id)
    }
}

/// System calls of a process, all its threads, as one rung counts them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyscallTotals {
    /// Who counted.
    pub rung: Rung,
    /// All of them (`perf-user`: the sum over the names it has counters for).
    pub total: u64,
    /// By name, where the rung can tell; names that were never called are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_name: BTreeMap<String, u64>,
}

/// The client of one server at one instant, cumulative since the run's zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientTotals {
    /// Requests sent in full.
    pub sent: u64,
    /// Requests answered in full, every byte compared.
    pub answered: u64,
    /// Connections refused, reset or closed before their answer.
    #[serde(default)]
    pub errors: u64,
    /// Bytes that came back different from what was sent.
    #[serde(default)]
    pub bytes_wrong: u64,
    /// Requests that were due but not yet sent (paced loads): the client fell behind.
    #[serde(default)]
    pub late: u64,
    /// Requests of a paced load that the client came to so late that the next one of the same connection was due
    /// as well: the two go out together, and may share what would else be done for each. They were sent, or will
    /// be.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delayed: u64,
    /// Connections open.
    pub open: u32,
    /// Processor time of the client, nanoseconds (CLOCK_PROCESS_CPUTIME_ID).
    pub cpu_ns: u64,
    /// Latencies in nanoseconds since the last record, each counted at the upper edge of its HDR bucket
    /// (2 significant digits).
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub latency_ns: Counts,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}
