//! The mirror of a ring: the entries themselves, read as they pass by. The free-running tail says which are new,
//! a read-only mapping shows their slots, and a second look at head and tail tells which of them can still have
//! been whole when they were read.
//!
//! A slot is written again only after its entry was taken, and then by the entry a whole queue later. So an
//! entry that still waits when it has been read is whole for certain; one that was taken is whole as long as the
//! tail, and what its writer may have filled ahead of the tail, has not come around to it. The others are
//! counted as passed and not as seen.

use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;

use super::layout::{CQE_BYTES, Layout, RING_OFFSET, SQE_BYTES, SQES_OFFSET};
use super::memory::{self, Mapping};
use super::one::{CQ_OVERFLOW, Words};
use super::pending::{self, Cqe, Sqe};
use crate::trace::Contents;

/// Between two looks: waking up costs tens of microseconds, so never more often than this,
const PAUSE_MIN: Duration = Duration::from_micros(100);
/// and never less often, as nobody knows what comes next.
const PAUSE_MAX: Duration = Duration::from_micros(500);
/// The part of a queue that may fill between two looks, an eighth: the rest is for a look that comes late, and for a
/// program that comes in bursts.
const PART_OF_QUEUE: u64 = 8;

/// An entry that was read as it passed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// A submission.
    Sqe(Sqe),
    /// A completion.
    Cqe(Cqe),
}

/// One queue, followed by its tail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    /// The next entry, by its free-running number.
    next: u32,
    /// What passed and what was seen of it.
    contents: Contents,
}

/// A queue at one instant: heads and tails run freely, and past the end of u32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    head: u32,
    tail: u32,
    /// Slots that may have been written beyond the tail.
    ahead: u32,
}

impl Follower {
    /// From the entry that the tail will publish next.
    pub(super) fn from(tail: u32) -> Self {
        Self { next: tail, contents: Contents::default() }
    }

    /// Reads what was published since the last look: `look` at the queue, `read` a slot, `tell` of an entry that
    /// was whole. How many passed.
    pub(super) fn follow<E>(
        &mut self,
        entries: u32,
        look: impl Fn() -> Queue,
        read: impl Fn(usize) -> E,
        mut tell: impl FnMut(E),
    ) -> u64 {
        let tail = look().tail;
        let passed = tail.wrapping_sub(self.next);
        // A tail that was set back, or a queue of no size: its program scribbles, and nothing can be said.
        if passed > u32::MAX / 2 || !entries.is_power_of_two() {
            self.next = tail;
            return 0;
        }
        let kept = passed.min(entries);
        let first = tail.wrapping_sub(kept);
        let number = |nth: u32| first.wrapping_add(nth);
        let slot = |nth: u32| (number(nth) & (entries - 1)) as usize;
        let read: Vec<E> = (0..kept).map(|nth| read(slot(nth))).collect();
        let after = look();
        for (nth, entry) in (0..).zip(read) {
            if after.still_has(number(nth), entries) {
                self.contents.seen += 1;
                tell(entry);
            }
        }
        self.contents.passed += u64::from(passed);
        self.next = tail;
        passed.into()
    }
}

impl Queue {
    /// Whether the slot of entry `number` cannot have been written again.
    fn still_has(&self, number: u32, entries: u32) -> bool {
        let waits = number.wrapping_sub(self.head) <= u32::MAX / 2;
        let age = self.tail.wrapping_sub(number);
        waits || u64::from(age) + u64::from(self.ahead) <= entries.into()
    }
}

/// How long until the next look at a queue of so many entries, into which so many come a second.
pub(super) fn pause(per_second: u64, entries: u32) -> Duration {
    let part = u64::from(entries) / PART_OF_QUEUE;
    let nanoseconds = (part * 1_000_000_000).checked_div(per_second);
    nanoseconds.map_or(PAUSE_MAX, Duration::from_nanos).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// The mirror of one ring.
#[derive(Debug)]
pub(super) struct Mirror {
    queues: Mapping,
    sqes: Mapping,
    sq_entries: u32,
    cq_entries: u32,
    sq: Follower,
    cq: Follower,
    cqes_at: usize,
    /// Where it may be said which SQE each slot of the SQ stands for.
    array_at: Option<usize>,
    /// Whether that is said there.
    has_array: bool,
    /// Completions a second, as of late.
    per_second: u64,
    looked_ns: u64,
}

impl Mirror {
    /// Opens the mirror of a ring, for entries that are published from now on.
    ///
    /// # Errors
    /// EINVAL, EFAULT: the ring's memory is not where it says, or its pages may not be looked at by the kernel
    /// first (before Linux 6.9), without which an address beyond them would be the end of this process.
    pub(super) fn open(
        ring: &OwnedFd,
        layout: &Layout,
        (sq_entries, cq_entries): (u32, u32),
        words: &Words,
        now_ns: u64,
    ) -> Result<Self, Errno> {
        let cqes_end = layout.cqes + cq_entries as usize * CQE_BYTES;
        let array_bytes = pending::array_bytes(sq_entries);
        let queues = Mapping::new(ring, RING_OFFSET, cqes_end + array_bytes)?;
        let sqes = Mapping::new(ring, SQES_OFFSET, sq_entries as usize * SQE_BYTES)?;
        is_there(&queues, layout.cqes, cq_entries as usize * CQE_BYTES)?;
        is_there(&sqes, 0, sq_entries as usize * SQE_BYTES)?;
        let array_at = pending::array_at(layout, cq_entries);
        let is_array_there = is_there(&queues, array_at, sq_entries as usize * size_of::<u32>()).is_ok();
        Ok(Self {
            queues,
            sqes,
            sq_entries,
            cq_entries,
            sq: Follower::from(words.sq_tail),
            cq: Follower::from(words.cq_tail),
            cqes_at: layout.cqes,
            array_at: is_array_there.then_some(array_at),
            has_array: false,
            per_second: 0,
            looked_ns: now_ns,
        })
    }

    /// Goes on where another mirror of the same ring stood, which may have been resized: at its pace, too.
    pub(super) fn going_on_from(self, earlier: &Self) -> Self {
        let Self { sq, cq, has_array, per_second, looked_ns, .. } = *earlier;
        Self { sq, cq, has_array, per_second, looked_ns, ..self }
    }

    /// What passed and what was seen of it, completions only.
    pub(super) fn contents(&self) -> Contents {
        self.cq.contents
    }

    /// How long until the next look.
    pub(super) fn pause(&self) -> Duration {
        // What the kernel may have filled ahead of the tail is no room.
        pause(self.per_second, self.cq_entries.saturating_sub(self.sq_entries))
    }

    /// Tells what was published since the last look. `words` reads the ring's header.
    pub(super) fn look(&mut self, now_ns: u64, words: impl Fn() -> Words, tell: &mut dyn FnMut(Passed)) {
        self.has_array = self.has_array || self.array_is_filled();
        let Self { queues, sqes, sq, cq, sq_entries, cq_entries, .. } = self;
        let (array_at, cqes_at, has_array) = (self.array_at, self.cqes_at, self.has_array);
        // Completions first: they are what is waited for. The kernel publishes together what one call has completed.
        let completions = || Queue::of_cq(&words(), *sq_entries, *cq_entries);
        let cqe = |slot: usize| queues.bytes::<CQE_BYTES>(cqes_at + slot * CQE_BYTES);
        let passed = cq.follow(*cq_entries, completions, cqe, |bytes| {
            tell_some(pending::cqe(&bytes).map(Passed::Cqe), tell);
        });
        // A program may fill any number of slots before it publishes them; half a queue is a large batch.
        let submissions = || Queue::of_sq(&words(), *sq_entries / 2);
        let sqe = |slot: usize| {
            let index = match array_at.filter(|_| has_array) {
                Some(at) => queues.word(at + slot * size_of::<u32>()).min(*sq_entries - 1) as usize,
                None => slot,
            };
            sqes.bytes::<SQE_BYTES>(index * SQE_BYTES)
        };
        sq.follow(*sq_entries, submissions, sqe, |bytes| {
            tell_some(pending::sqe(&bytes).map(Passed::Sqe), tell);
        });
        self.note_rate(now_ns, passed);
    }

    /// The rate goes up at once and comes down slowly: what follows a burst is likely another.
    fn note_rate(&mut self, now_ns: u64, passed: u64) {
        let since_ns = now_ns.saturating_sub(self.looked_ns).max(1);
        let now = passed.saturating_mul(1_000_000_000) / since_ns;
        self.per_second = now.max(self.per_second - self.per_second / 8);
        self.looked_ns = now_ns;
    }

    /// Whether the program names SQEs in an array: one without (NO_SQARRAY) leaves nothing there.
    fn array_is_filled(&self) -> bool {
        let Some(at) = self.array_at else { return false };
        let mut some = false;
        (0..self.sq_entries as usize).all(|slot| {
            let index = self.queues.word(at + slot * size_of::<u32>());
            some |= index != 0;
            index < self.sq_entries
        }) && some
    }
}

impl Queue {
    fn of_sq(words: &Words, ahead: u32) -> Self {
        Self { head: words.sq_head, tail: words.sq_tail, ahead }
    }

    /// What has overflowed comes in all at once when there is room, so nothing beyond the tail is certain then.
    fn of_cq(words: &Words, ahead: u32, entries: u32) -> Self {
        let ahead = if words.sq_flags & CQ_OVERFLOW == 0 { ahead } else { entries };
        Self { head: words.cq_head, tail: words.cq_tail, ahead }
    }
}

fn tell_some(passed: Option<Passed>, tell: &mut dyn FnMut(Passed)) {
    passed.into_iter().for_each(tell);
}

/// Whether a stretch of a mapping can be read: asked of the kernel, to which an address that is not there is an
/// error and no signal.
fn is_there(mapping: &Mapping, at: usize, bytes: usize) -> Result<(), Errno> {
    memory::copy(std::process::id(), mapping.address() + at, &mut vec![0; bytes])
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const ENTRIES: u32 = 8;

    /// A made-up queue: entry n stands in slot n mod 8 and is n.
    struct Made {
        head: Cell<u32>,
        tail: Cell<u32>,
        ahead: u32,
        slots: Cell<[u32; ENTRIES as usize]>,
    }

    impl Made {
        fn at(start: u32, ahead: u32) -> (Self, Follower) {
            let slots = Cell::new([u32::MAX; ENTRIES as usize]);
            (Self { head: Cell::new(start), tail: Cell::new(start), ahead, slots }, Follower::from(start))
        }

        fn publish(&self, count: u32) {
            let mut slots = self.slots.get();
            for _ in 0..count {
                let number = self.tail.get();
                slots[(number % ENTRIES) as usize] = number;
                self.tail.set(number.wrapping_add(1));
            }
            self.slots.set(slots);
        }

        fn take(&self, count: u32) {
            self.head.set(self.head.get().wrapping_add(count));
        }

        fn look(&self) -> Queue {
            Queue { head: self.head.get(), tail: self.tail.get(), ahead: self.ahead }
        }

        /// One look of the follower, while `meanwhile` happens between reading and looking again.
        fn follow(&self, follower: &mut Follower, meanwhile: impl Fn()) -> Vec<u32> {
            let looks = Cell::new(0);
            let look = || {
                if looks.replace(looks.get() + 1) == 1 {
                    meanwhile();
                }
                self.look()
            };
            let mut told = Vec::new();
            follower.follow(ENTRIES, look, |slot| self.slots.get()[slot], |entry| told.push(entry));
            told
        }
    }

    fn nothing() {}

    #[test]
    fn each_entry_is_told_once_and_in_order() {
        let (made, mut follower) = Made::at(0, 0);
        made.publish(3);
        assert_eq!(made.follow(&mut follower, nothing), [0, 1, 2]);
        assert!(made.follow(&mut follower, nothing).is_empty());
        made.take(3);
        made.publish(8);
        assert_eq!(made.follow(&mut follower, nothing), [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(follower.contents, Contents { seen: 11, passed: 11 });
    }

    #[test]
    fn tails_go_around_the_end_of_u32() {
        let (made, mut follower) = Made::at(u32::MAX - 1, 0);
        made.publish(5);
        made.take(5);
        assert_eq!(made.follow(&mut follower, nothing), [u32::MAX - 1, u32::MAX, 0, 1, 2]);
        made.publish(9);
        made.take(9);
        assert_eq!(made.follow(&mut follower, nothing), [4, 5, 6, 7, 8, 9, 10, 11], "3 was written over");
        assert_eq!(follower.contents, Contents { seen: 13, passed: 14 });
    }

    #[test]
    fn what_was_written_over_while_it_was_read_is_not_seen() {
        let (made, mut follower) = Made::at(0, 0);
        made.publish(8);
        made.take(8);
        let told = made.follow(&mut follower, || {
            made.publish(3);
            made.take(3);
        });
        assert_eq!(told, [3, 4, 5, 6, 7]);
        assert_eq!(follower.contents, Contents { seen: 5, passed: 8 });
        assert_eq!(made.follow(&mut follower, nothing), [8, 9, 10]);
    }

    #[test]
    fn what_may_have_been_filled_ahead_of_the_tail_is_not_seen_but_what_waits_is() {
        let (made, mut follower) = Made::at(0, 4);
        made.publish(8);
        made.take(2);
        assert_eq!(made.follow(&mut follower, nothing), [2, 3, 4, 5, 6, 7], "0 and 1 were taken");
    }

    #[test]
    fn a_program_that_scribbles_over_its_tail_is_not_believed() {
        let (made, mut follower) = Made::at(100, 0);
        made.tail.set(7);
        assert!(made.follow(&mut follower, nothing).is_empty());
        made.publish(1);
        assert_eq!(made.follow(&mut follower, nothing), [7]);
        assert_eq!(follower.contents, Contents { seen: 1, passed: 1 });
        let entries = follower.follow(0, || made.look(), |slot| slot, |_| panic!("no slots"));
        assert_eq!(entries, 0);
    }

    #[test]
    fn looks_follow_the_rate_and_the_size_of_the_queue() {
        assert_eq!(pause(0, 128), PAUSE_MAX);
        assert_eq!(pause(1_000, 64), PAUSE_MAX);
        assert_eq!(pause(50_000, 64), Duration::from_micros(160));
        assert_eq!(pause(1_000_000, 64), PAUSE_MIN);
        assert_eq!(pause(1_000_000, 2048), Duration::from_micros(256));
    }
}
