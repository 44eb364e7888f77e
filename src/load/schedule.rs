//! When requests are due. In an open loop that follows from the rate alone and never from the server: a
//! server that stalls meets all the requests that became due meanwhile, and their latency counts from then
//! ("coordinated omission" is the mistake of letting a slow server slow the questions down).

use crate::trace::{Load, Pace};

/// Due times of an open loop: bursts at fixed distances. A closed loop has none.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    burst: u64,
    from_ns: u64,
    taken: u64,
}

impl Schedule {
    /// The schedule of this load; its first requests are due at `from_ns`.
    pub fn new(load: &Load, from_ns: u64) -> Self {
        Self { pace: load.pace, burst: u64::from(load.burst.max(1)), from_ns, taken: 0 }
    }

    /// Whether requests wait for answers instead of for a time.
    pub fn is_closed_loop(&self) -> bool {
        self.pace == Pace::Max
    }

    /// When the next request is due; `None` in a closed loop and at a rate of 0.
    pub fn next_ns(&self) -> Option<u64> {
        self.due_ns(self.taken)
    }

    /// When the request is due that comes so many after the next one; `None` as for that.
    pub fn later_ns(&self, requests: u64) -> Option<u64> {
        self.due_ns(self.taken.saturating_add(requests))
    }

    /// When request number `ordinal` of the schedule is due.
    fn due_ns(&self, ordinal: u64) -> Option<u64> {
        match self.pace {
            Pace::Max | Pace::PerSecond(0) => None,
            Pace::PerSecond(rate) => {
                // Multiplied out from the beginning, so that no rounding adds up.
                let before = u128::from(ordinal / self.burst * self.burst);
                let after_ns = before * 1_000_000_000 / u128::from(rate);
                Some(self.from_ns.saturating_add(u64::try_from(after_ns).unwrap_or(u64::MAX)))
            }
        }
    }

    /// Takes the next request if it is due by `until_ns`: the time it was due.
    pub fn take(&mut self, until_ns: u64) -> Option<u64> {
        let due_ns = self.next_ns().filter(|&due_ns| due_ns <= until_ns)?;
        self.taken += 1;
        Some(due_ns)
    }

    /// How many requests are due by `until_ns` and not taken.
    pub fn due(&self, until_ns: u64) -> u64 {
        let Pace::PerSecond(rate) = self.pace else { return 0 };
        let Some(passed_ns) = until_ns.checked_sub(self.from_ns) else { return 0 };
        if rate == 0 {
            return 0;
        }
        let bursts = u128::from(passed_ns) * u128::from(rate) / (1_000_000_000 * u128::from(self.burst)) + 1;
        u64::try_from(bursts * u128::from(self.burst)).unwrap_or(u64::MAX).saturating_sub(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(pace: Pace, burst: u32) -> Schedule {
        Schedule::new(&Load { pace, burst, ..Load::default() }, 1_000)
    }

    fn taken(schedule: &mut Schedule, until_ns: u64) -> Vec<u64> {
        std::iter::from_fn(|| schedule.take(until_ns)).collect()
    }

    #[test]
    fn a_rate_is_kept_without_drift() {
        let mut thirds = schedule(Pace::PerSecond(3), 1);
        assert_eq!(taken(&mut thirds, 1_000 + 999_999_999), [1_000, 333_334_333, 666_667_666]);
        assert_eq!(thirds.next_ns(), Some(1_000_001_000));
    }

    #[test]
    fn a_burst_is_due_at_one_instant_and_the_rate_holds() {
        let mut bursts = schedule(Pace::PerSecond(1_000), 20);
        let due = taken(&mut bursts, 1_000 + 1_000_000_000 - 1);
        assert_eq!(due.len(), 1_000);
        assert!(due[..20].iter().all(|&at| at == 1_000));
        assert_eq!(due[20], 1_000 + 20_000_000);
    }

    #[test]
    fn what_is_due_counts_until_it_is_taken() {
        let mut bursts = schedule(Pace::PerSecond(1_000), 20);
        assert_eq!(bursts.due(0), 0);
        assert_eq!(bursts.due(1_000), 20);
        bursts.take(1_000);
        assert_eq!(bursts.due(1_000), 19);
        assert_eq!(bursts.due(1_000 + 20_000_000), 39);
    }

    #[test]
    fn a_connection_has_its_next_turn_when_all_others_had_theirs() {
        let mut bursts = schedule(Pace::PerSecond(1_000), 20);
        assert_eq!(bursts.later_ns(40), Some(1_000 + 40_000_000));
        bursts.take(1_000);
        assert_eq!(bursts.later_ns(40), Some(1_000 + 40_000_000), "the second of the burst");
        assert_eq!(schedule(Pace::Max, 1).later_ns(1), None);
    }

    #[test]
    fn a_closed_loop_and_a_rate_of_zero_have_no_due_times() {
        for pace in [Pace::Max, Pace::PerSecond(0)] {
            let mut none = schedule(pace, 1);
            assert_eq!(none.take(u64::MAX), None);
            assert_eq!(none.due(u64::MAX), 0);
        }
    }
}
