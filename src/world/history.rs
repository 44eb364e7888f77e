//! The last readings of a process: what each thread did between two of them.
//!
//! A slice is the difference of two totals, so a reading that was lost or thinned makes a longer slice and
//! never a wrong one. Slices are shared: a copy of a fold costs a few pointers, however many threads there
//! are.

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::trace::{ProcessTotals, RingTotals, ThreadTotals};

/// How far back the history reaches, nanoseconds. As far as "just now" does: what lies further back may have
/// been thinned.
pub const SPAN_NS: u64 = 2_000_000_000;

/// Slices that are kept however long they are: a process with thousands of threads is read seldom.
const KEPT_AT_LEAST: usize = 8;

/// Slices that are kept at most, however short they are.
const KEPT_AT_MOST: usize = 128;

/// What happened between two readings of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Time of the earlier reading, nanoseconds since the run's zero.
    pub from_ns: u64,
    /// Time of the later one.
    pub to_ns: u64,
    /// Threads that ran or switched, in the order of their ids; the others did neither.
    pub threads: Vec<Ran>,
    /// Samples of the process's rings.
    pub looks: u64,
    /// Those of them that saw NEED_WAKEUP: the SQPOLL thread asleep.
    pub asleep: u64,
}

/// What one thread did in a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Which.
    pub tid: u32,
    /// Time on a processor, nanoseconds.
    pub cpu_ns: u64,
    /// How often it went to sleep.
    pub voluntary_switches: u64,
    /// How often it was put aside.
    pub involuntary_switches: u64,
}

/// The last slices of a run, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    slices: VecDeque<Arc<Slice>>,
    /// Time of the last reading.
    until_ns: u64,
}

impl History {
    /// The slices, oldest first.
    pub fn slices(&self) -> impl DoubleEndedIterator<Item = &Slice> {
        self.slices.iter().map(Arc::as_ref)
    }

    /// Time of the last reading, nanoseconds since the run's zero.
    pub fn until_ns(&self) -> u64 {
        self.until_ns
    }

    /// Where the oldest slice begins, nanoseconds since the run's zero; `None` before the second reading.
    pub fn from_ns(&self) -> Option<u64> {
        self.slices.front().map(|slice| slice.from_ns)
    }

    /// A reading: `now` at `t_ns`, after `before`. The first one has none before it and is the zero.
    pub(super) fn push(&mut self, before: Option<&ProcessTotals>, now: &ProcessTotals, t_ns: u64) {
        if let Some(before) = before {
            self.slices.push_back(Arc::new(slice(before, now, self.until_ns, t_ns)));
        }
        self.until_ns = t_ns;
        while self.is_too_long() {
            self.slices.pop_front();
        }
    }

    fn is_too_long(&self) -> bool {
        let far = |first: &Arc<Slice>| self.until_ns.saturating_sub(first.from_ns) > SPAN_NS;
        let kept = self.slices.len();
        kept > KEPT_AT_MOST || (kept > KEPT_AT_LEAST && self.slices.front().is_some_and(far))
    }
}

fn slice(before: &ProcessTotals, now: &ProcessTotals, from_ns: u64, to_ns: u64) -> Slice {
    let mut threads = ran(&before.threads, &now.threads);
    threads.sort_unstable_by_key(|thread| thread.tid);
    let asleep = |ring: &RingTotals| {
        let earlier = before.rings.iter().find(|other| other.is_same(ring));
        ring.asleep_seen.saturating_sub(earlier.map_or(0, |earlier| earlier.asleep_seen))
    };
    let over_rings =
        |part: &dyn Fn(&RingTotals) -> u64| now.rings.iter().map(part).fold(0, u64::saturating_add);
    Slice {
        from_ns,
        to_ns,
        threads,
        looks: over_rings(&|ring| ring.sq_depth.samples()),
        asleep: over_rings(&asleep),
    }
}

/// Threads that moved. Thread id 0 stands for ended threads that were folded into one: what it holds was told
/// of each of them before.
fn ran(before: &[ThreadTotals], now: &[ThreadTotals]) -> Vec<Ran> {
    let none = ThreadTotals::default();
    let by_tid = OnceCell::new();
    let find = |tid: u32| {
        let all = || before.iter().map(|thread| (thread.tid, thread)).collect::<BTreeMap<_, _>>();
        by_tid.get_or_init(all).get(&tid).copied()
    };
    let moved = now.iter().enumerate().filter(|(_, thread)| thread.tid != 0).map(|(place, thread)| {
        // Threads keep their places as long as none begins or ends.
        let earlier = before.get(place).filter(|earlier| earlier.tid == thread.tid);
        let earlier = earlier.or_else(|| find(thread.tid)).unwrap_or(&none);
        Ran {
            tid: thread.tid,
            cpu_ns: thread.cpu_ns.saturating_sub(earlier.cpu_ns),
            voluntary_switches: thread.voluntary_switches.saturating_sub(earlier.voluntary_switches),
            involuntary_switches: thread.involuntary_switches.saturating_sub(earlier.involuntary_switches),
        }
    });
    moved.filter(|ran| *ran != Ran { tid: ran.tid, ..Ran::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(tid: u32, cpu_ns: u64, voluntary_switches: u64) -> ThreadTotals {
        ThreadTotals { tid, cpu_ns, voluntary_switches, alive: true, ..ThreadTotals::default() }
    }

    fn totals(threads: &[ThreadTotals]) -> ProcessTotals {
        ProcessTotals { threads: threads.to_vec(), ..ProcessTotals::default() }
    }

    fn folded(readings: &[(u64, ProcessTotals)]) -> History {
        let mut history = History::default();
        let mut before = None;
        for (t_ns, now) in readings {
            history.push(before, now, *t_ns);
            before = Some(now);
        }
        history
    }

    #[test]
    fn a_slice_is_what_lies_between_two_readings() {
        let history = folded(&[
            (0, totals(&[thread(7, 100, 5), thread(8, 50, 1)])),
            (20, totals(&[thread(7, 130, 9), thread(8, 50, 1)])),
            // Thread 7 has ended and stands behind the others now; thread 9 is new.
            (40, totals(&[thread(8, 60, 2), thread(9, 4, 1), thread(7, 131, 9)])),
        ]);
        let slices: Vec<_> = history.slices().collect();
        assert_eq!((slices[0].from_ns, slices[0].to_ns), (0, 20));
        assert_eq!(slices[0].threads, [Ran { tid: 7, cpu_ns: 30, voluntary_switches: 4, ..Ran::default() }]);
        let moved: Vec<_> =
            slices[1].threads.iter().map(|ran| (ran.tid, ran.cpu_ns, ran.voluntary_switches)).collect();
        assert_eq!(moved, [(7, 1, 0), (8, 10, 1), (9, 4, 1)]);
        assert_eq!((history.from_ns(), history.until_ns()), (Some(0), 40));
    }

    #[test]
    fn ended_threads_that_are_folded_into_one_are_not_told_twice() {
        let history = folded(&[(0, totals(&[thread(7, 0, 900)])), (20, totals(&[thread(0, 0, 900)]))]);
        assert_eq!(history.slices().flat_map(|slice| &slice.threads).count(), 0);
    }

    #[test]
    fn a_sleeping_poller_is_counted_in_looks_of_this_slice() {
        let ring = |asleep_seen, looks| {
            let mut ring = RingTotals { fd: 4, asleep_seen, ..RingTotals::default() };
            ring.sq_depth.add(0, looks);
            ProcessTotals { rings: vec![ring], ..ProcessTotals::default() }
        };
        let history = folded(&[(0, ring(90, 400)), (20, ring(92, 5)), (40, ring(92, 6))]);
        let seen: Vec<_> = history.slices().map(|slice| (slice.asleep, slice.looks)).collect();
        assert_eq!(seen, [(2, 5), (0, 6)]);
    }

    #[test]
    fn it_reaches_two_seconds_back_and_never_grows_beyond_its_bound() {
        let every = |step_ns: u64, readings: u64| {
            let readings: Vec<_> = (0..readings).map(|n| (n * step_ns, totals(&[thread(7, n, n)]))).collect();
            folded(&readings)
        };
        let paced = every(20_000_000, 1_000);
        assert_eq!(paced.slices().count(), 100);
        assert_eq!(paced.until_ns() - paced.from_ns().unwrap(), SPAN_NS);
        assert_eq!(every(1_000, 10_000).slices().count(), KEPT_AT_MOST);
        assert_eq!(every(6_000_000_000, 100).slices().count(), KEPT_AT_LEAST, "seldom read, still shown");
        assert_eq!(every(u64::MAX / 200, 100).slices().count(), KEPT_AT_LEAST);
    }
}
