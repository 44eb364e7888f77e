//! Queues in which nothing moves although there is something to do: seen from reading to reading.

use super::one::{NEED_WAKEUP, TASKRUN, Words};

/// The last reading, and how long things have stood as they do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standstill {
    last: Words,
    stranded: Streak,
    uncollected: Streak,
}

/// Readings in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    now: u64,
    longest: u64,
}

impl Streak {
    fn read(&mut self, goes_on: bool, begins: bool) {
        self.now = match (goes_on, begins) {
            (true, true) => self.now.saturating_add(1),
            (false, true) => 1,
            (_, false) => 0,
        };
        self.longest = self.longest.max(self.now);
    }
}

impl Standstill {
    /// Folds a reading of heads, tails and flags in.
    pub(super) fn read(&mut self, now: &Words) {
        let was = std::mem::replace(&mut self.last, *now);
        let asleep = now.sq_flags & NEED_WAKEUP != 0 && now.sq_head != now.sq_tail;
        let queued_still = (was.sq_head, was.sq_tail) == (now.sq_head, now.sq_tail);
        self.stranded.read(queued_still, asleep);
        let wanted = now.sq_flags & TASKRUN != 0;
        let none_came = (was.cq_head, was.cq_tail) == (now.cq_head, now.cq_tail);
        self.uncollected.read(none_came, wanted);
    }

    /// The most readings in a row: entries queued and the SQPOLL thread asleep; completions that only a call of
    /// the program's would bring.
    pub(super) fn longest(&self) -> (u64, u64) {
        (self.stranded.longest, self.uncollected.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sq_flags: u32, sq_head: u32, sq_tail: u32, cq_tail: u32) -> Words {
        Words { sq_flags, sq_head, sq_tail, cq_tail, ..Words::default() }
    }

    #[test]
    fn a_queue_stands_still_while_nothing_is_taken_and_nothing_comes() {
        let mut seen = Standstill::default();
        seen.read(&words(NEED_WAKEUP, 1, 1, 1));
        assert_eq!(seen.longest(), (0, 0), "nothing is queued");
        seen.read(&words(NEED_WAKEUP, 1, 2, 1));
        seen.read(&words(NEED_WAKEUP, 1, 2, 1));
        seen.read(&words(NEED_WAKEUP, 1, 3, 1));
        assert_eq!(seen.longest(), (2, 0), "one more came, so the program is at work");
        seen.read(&words(0, 3, 3, 3));
        seen.read(&words(0, 3, 4, 3));
        assert_eq!(seen.longest(), (2, 0), "awake, it takes them");
    }

    #[test]
    fn completions_wait_for_a_call_while_the_flag_stands_and_none_comes() {
        let mut seen = Standstill::default();
        for cq_tail in [0, 0, 0, 1, 2, 2] {
            seen.read(&words(TASKRUN, 1, 1, cq_tail));
        }
        assert_eq!(seen.longest(), (0, 3));
        seen.read(&words(0, 1, 1, 2));
        assert_eq!(seen.longest(), (0, 3));
    }
}
