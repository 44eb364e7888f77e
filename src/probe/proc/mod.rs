//! Threads of a process from `/proc/PID/task/TID`: processor time and context switches, kernel helpers
//! (`iou-sqp-PID`, `iou-wrk-PID`) among them.
//!
//! Three files are read for each thread, and they differ in price: `schedstat` (0.4 µs) says how long it
//! ran, `stat` (1.2 µs) splits that into user and kernel time, `status` (3 µs) counts its switches. A thread
//! whose `schedstat` did not move was not on a processor, so it did not switch either: the dear files are
//! read only for threads that ran. Beyond that a sample keeps to a budget and takes turns.

mod files;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use self::files::{Files, ProcessFile, Reading};
use super::refuse::{errno, looking_into};
use super::text::{is_gone, text};
use crate::trace::{Refusal, ThreadTotals};

/// What a sample may cost unless said otherwise: 1 % of one processor at a sample every 20 ms.
pub const BUDGET: Duration = Duration::from_micros(200);

/// Ended threads that keep an entry of their own; older ones are folded into one.
const ENDED_KEPT: usize = 64;

/// Name of the entry that ended threads are folded into; its thread id is 0.
pub const ENDED: &str = "(ended)";

/// After so many samples (and as many again for every 64 threads, as listing costs 1 µs a thread) the list
/// of threads is read anew even if their number did not change.
const LIST_EVERY: usize = 10;

/// The threads of one process.
#[derive(Debug)]
pub struct Threads {
    pid: u32,
    /// What is known: living threads first, as in `files`, then ended ones, the oldest first.
    totals: Vec<ThreadTotals>,
    /// Open files of the living threads.
    files: Vec<Files>,
    /// The whole process, and its user and kernel time as last read, nanoseconds.
    process: ProcessFile,
    times_ns: (u64, u64),
    budget: Duration,
    /// The living thread whose turn it is.
    turn: usize,
    /// Links of `/proc/PID/task` when its threads were listed last: two, and one a thread.
    links: u64,
    samples: usize,
    buffer: Vec<u8>,
}

impl Threads {
    /// Starts to watch the threads of process `pid` within the usual [`BUDGET`].
    ///
    /// # Errors
    /// The process has ended, or `/proc` hides it (`hidepid`).
    pub fn open(pid: u32) -> Result<Self, Refusal> {
        Self::with_budget(pid, BUDGET)
    }

    /// Starts to watch the threads of process `pid`; a [`sample`](Self::sample) stops after `budget`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_budget(pid: u32, budget: Duration) -> Result<Self, Refusal> {
        let mut threads = Self {
            pid,
            totals: Vec::new(),
            files: Vec::new(),
            process: ProcessFile::open(pid),
            times_ns: (0, 0),
            budget,
            turn: 0,
            links: 0,
            samples: 0,
            buffer: vec![0; files::BUFFER_BYTES],
        };
        let folder = threads.folder();
        if let Err(error) = fs::metadata(&folder) {
            return Err(looking_into(pid, &folder, errno(&error)));
        }
        threads.sample_all().map_err(|error| looking_into(pid, &folder, errno(&error)))?;
        Ok(threads)
    }

    /// A look that keeps to the budget. Threads whose turn did not come keep what was known of them, so
    /// totals may lag behind by some samples; none is ever counted twice. At least one thread is read.
    ///
    /// # Errors
    /// `/proc` could not be read for another reason than that the process ended (then all its threads are
    /// ended ones).
    pub fn sample(&mut self) -> io::Result<&[ThreadTotals]> {
        let start = monotonic()?;
        self.samples = self.samples.wrapping_add(1);
        let links = fs::metadata(self.folder()).map_or(0, |folder| folder.nlink());
        if links != self.links || self.samples.is_multiple_of(LIST_EVERY * (1 + self.files.len() / 64)) {
            self.list()?;
        }
        for _ in 0..self.files.len() {
            if self.files.is_empty() {
                break;
            }
            self.turn %= self.files.len();
            if self.look(self.turn, Reading::IfItRan) {
                self.turn += 1;
            }
            if monotonic()?.saturating_sub(start) >= self.budget {
                break;
            }
        }
        Ok(&self.totals)
    }

    /// Reads everything of every thread whatever it costs (5 µs a thread): for the ends of a measurement,
    /// while the process has nothing to do, when totals have to be exact.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    pub fn sample_all(&mut self) -> io::Result<&[ThreadTotals]> {
        self.list()?;
        let mut at = 0;
        while at < self.files.len() {
            if self.look(at, Reading::All) {
                at += 1;
            }
        }
        Ok(&self.totals)
    }

    /// What is known now, without looking.
    pub fn totals(&self) -> &[ThreadTotals] {
        &self.totals
    }

    /// User and kernel time of the whole process now, nanoseconds: threads that have ended and kernel helpers
    /// are part of the sum. Those of a process that has ended stay what they were.
    ///
    /// A thread's own times are rounded down to ticks of 10 ms, so of many threads that each ran for less hardly
    /// anything is left; this sum is rounded once.
    pub fn times_ns(&mut self) -> (u64, u64) {
        if let Some(times_ns) = self.process.read(&mut self.buffer) {
            self.times_ns = times_ns;
        }
        self.times_ns
    }

    /// Reads living thread number `at`; false when it has ended and another one stands in its place.
    fn look(&mut self, at: usize, reading: Reading) -> bool {
        let alive = self.files[at].read(reading, &mut self.totals[at], &mut self.buffer);
        if !alive {
            self.end(at);
        }
        alive
    }

    /// Brings the list of living threads up to date.
    fn list(&mut self) -> io::Result<()> {
        let folder = self.folder();
        let tids = match tids(&folder) {
            Ok(tids) => tids,
            Err(error) if is_gone(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        for at in (0..self.files.len()).rev() {
            if tids.binary_search(&self.totals[at].tid).is_err() {
                self.end(at);
            }
        }
        let mut known: Vec<u32> = self.totals[..self.files.len()].iter().map(|thread| thread.tid).collect();
        known.sort_unstable();
        for &tid in tids.iter().filter(|tid| known.binary_search(tid).is_err()) {
            let at = self.files.len();
            let mut thread = ThreadTotals { tid, alive: true, ..ThreadTotals::default() };
            let mut files = Files::open(self.pid, tid, at);
            if files.read(Reading::All, &mut thread, &mut self.buffer) {
                self.totals.insert(at, thread);
                self.files.push(files);
            }
        }
        self.links = self.files.len() as u64 + 2;
        Ok(())
    }

    /// Moves living thread number `at` to the ended ones, with its last known counts.
    fn end(&mut self, at: usize) {
        self.files.remove(at);
        // Another may have started in its place: the next sample lists them.
        self.links = 0;
        let mut thread = self.totals.remove(at);
        thread.alive = false;
        self.totals.push(thread);
        let living = self.files.len();
        if self.totals.len() - living > ENDED_KEPT {
            fold_oldest(&mut self.totals[living..]);
            self.totals.remove(living + 1);
        }
    }

    fn folder(&self) -> String {
        format!("/proc/{}/task", self.pid)
    }
}

/// Adds the second of the ended threads to the first, which becomes the entry for all that were folded.
fn fold_oldest(ended: &mut [ThreadTotals]) {
    let [folded, next, ..] = ended else { return };
    folded.tid = 0;
    folded.comm = ENDED.to_owned();
    folded.cpu_ns += next.cpu_ns;
    folded.user_ns += next.user_ns;
    folded.kernel_ns += next.kernel_ns;
    folded.voluntary_switches += next.voluntary_switches;
    folded.involuntary_switches += next.involuntary_switches;
}

/// The thread ids under `/proc/PID/task`, in order.
pub(crate) fn tids(folder: &str) -> io::Result<Vec<u32>> {
    let mut tids = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(tid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            tids.push(tid);
        }
    }
    tids.sort_unstable();
    Ok(tids)
}

/// Whether all threads of a process that run its own program sleep; kernel helpers of io_uring may do what they
/// like. A process that is gone has none that does not.
pub fn asleep(pid: u32) -> bool {
    let folder = format!("/proc/{pid}/task");
    tids(&folder).unwrap_or_default().iter().all(|tid| {
        // "TID (NAME) STATE …": the name may hold anything.
        let stat = text(format!("{folder}/{tid}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
        state.is_none_or(|state| state == "S") || stat.contains("(iou-")
    })
}

fn monotonic() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_the_sums() {
        let thread = |tid, cpu_ns| ThreadTotals { tid, cpu_ns, voluntary_switches: 1, ..Default::default() };
        let mut ended = [thread(5, 10), thread(6, 20), thread(7, 40)];
        fold_oldest(&mut ended);
        assert_eq!((ended[0].tid, ended[0].comm.as_str(), ended[0].cpu_ns), (0, ENDED, 30));
        assert_eq!(ended[0].voluntary_switches, 2);
        assert_eq!(ended[2].tid, 7, "younger ones are left alone");
    }

    #[test]
    fn many_ended_threads_take_a_bounded_place_and_keep_their_sum() {
        let (pid, buffer) = (std::process::id(), vec![0; files::BUFFER_BYTES]);
        let mut threads = Threads {
            pid,
            totals: Vec::new(),
            files: Vec::new(),
            process: ProcessFile::open(pid),
            times_ns: (0, 0),
            budget: BUDGET,
            turn: 0,
            links: 0,
            samples: 0,
            buffer,
        };
        for tid in 1..=1000 {
            threads.totals.insert(0, ThreadTotals { tid, cpu_ns: 1, alive: true, ..Default::default() });
            threads.files.insert(0, Files::open(pid, tid, usize::MAX));
            threads.end(0);
        }
        assert_eq!(threads.totals.len(), ENDED_KEPT);
        assert_eq!(threads.totals.iter().map(|thread| thread.cpu_ns).sum::<u64>(), 1000);
        assert_eq!(threads.totals.last().map(|thread| thread.tid), Some(1000));
    }

    #[test]
    fn a_process_that_is_not_there_is_refused() {
        let refusal = Threads::open(u32::MAX / 2).unwrap_err();
        assert_eq!(refusal.layer, crate::trace::Layer::Process, "{refusal}");
    }
}
