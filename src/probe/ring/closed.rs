//! Rings of programs that nobody here wrote: they come and go, and each is reached as well as it goes.

use std::collections::HashSet;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::layout::Layout;
use super::one::Ring;
use crate::probe::refuse::looking_into;
use crate::probe::text::text;
use crate::trace::{Counts, Refusal, RingTotals};

/// Closed rings that keep an entry of their own; older ones are folded into one.
const KEPT: usize = 64;

/// The descriptor of a ring that has none.
pub(super) const NO_FD: i32 = -1;

/// What is kept of rings beyond their time.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// The last counts of rings that were closed, the oldest first.
    rings: Vec<RingTotals>,
    /// How many rings were found so far.
    pub found: u64,
    /// What bars iolab from reading any ring's memory.
    barred: Option<Refusal>,
    /// Why a ring is read by its fdinfo.
    pub told_because: Option<Refusal>,
}

impl Closed {
    /// Nothing yet.
    pub(super) fn barred_by(barred: Option<Refusal>) -> Self {
        Self { barred, ..Self::default() }
    }

    /// Keeps the last counts of a ring.
    pub(super) fn keep(&mut self, ring: RingTotals) {
        self.rings.push(ring);
        if self.rings.len() > KEPT {
            let next = self.rings.remove(1);
            fold(&mut self.rings[0], &next);
        }
    }

    /// A ring was found. One that was taken for closed goes on under another descriptor (dup(2)): its counts are
    /// those of its whole life, so the earlier ones are forgotten.
    pub(super) fn welcome(&mut self, inode: u64) {
        match self.rings.iter().position(|ring| ring.id == inode) {
            Some(at) => drop(self.rings.remove(at)),
            None => self.found += 1,
        }
    }

    /// The last counts of closed rings; their depths are handed over and begin anew.
    pub(super) fn totals(&mut self) -> Vec<RingTotals> {
        let totals = self.rings.clone();
        for ring in &mut self.rings {
            (ring.sq_depth, ring.cq_depth) = (Counts::default(), Counts::default());
        }
        totals
    }

    /// Opens a ring by the best way there is: a mapping of our own, the program's mapping, its fdinfo.
    pub(super) fn open_best(
        &mut self,
        pid: u32,
        process: Option<&OwnedFd>,
        (fd, inode): (i32, u64),
        layout: &Layout,
    ) -> Result<Ring, (&'static str, Errno)> {
        let mut why = self.barred.clone();
        if why.is_none() {
            let ways = [process.map(Some), Some(None)];
            for way in ways.into_iter().flatten() {
                match Ring::open(pid, way, fd, inode, layout) {
                    Err((_, Errno::EBADF)) => return Err(("pidfd_getfd", Errno::EBADF)),
                    Err((call, errno)) => why = why.or_else(|| Some(looking_into(pid, call, errno))),
                    opened => return opened,
                }
            }
        }
        self.told_because = self.told_because.take().or(why);
        Ring::open_told(pid, fd, inode, layout)
    }
}

/// Adds a closed ring to those that have no entry of their own any more.
fn fold(all: &mut RingTotals, ring: &RingTotals) {
    (all.fd, all.id) = (NO_FD, 0);
    for (sum, more) in [
        (&mut all.sq_tail, ring.sq_tail),
        (&mut all.sq_head, ring.sq_head),
        (&mut all.cq_tail, ring.cq_tail),
        (&mut all.cq_head, ring.cq_head),
        (&mut all.overflow_seen, ring.overflow_seen),
        (&mut all.asleep_seen, ring.asleep_seen),
    ] {
        *sum = sum.saturating_add(more);
    }
    all.at_least |= ring.at_least;
    all.sq_depth.merge(&ring.sq_depth);
    all.cq_depth.merge(&ring.cq_depth);
}

/// Inodes of rings that process `pid` has mapped and has no descriptor of: those that are registered only
/// (IORING_REGISTER_RING_FDS, and the descriptor closed).
pub(super) fn registered_only(pid: u32, with_descriptor: &HashSet<u64>) -> Vec<u64> {
    let maps = text(format!("/proc/{pid}/maps")).unwrap_or_default();
    let mapped = maps.lines().filter(|line| line.ends_with("anon_inode:[io_uring]"));
    let inodes = mapped.filter_map(|line| line.split_ascii_whitespace().nth(4)?.parse().ok());
    let mut inodes: Vec<u64> = inodes.filter(|inode| !with_descriptor.contains(inode)).collect();
    inodes.sort_unstable();
    inodes.dedup();
    inodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_closed_rings_take_a_bounded_place_and_keep_their_sum() {
        let mut closed = Closed::default();
        for id in 1..=1000 {
            closed.keep(RingTotals { fd: 5, id, cq_tail: 3, closed: true, ..RingTotals::default() });
        }
        let totals = closed.totals();
        assert_eq!(totals.len(), KEPT);
        assert_eq!(totals.iter().map(|ring| ring.cq_tail).sum::<u64>(), 3000);
        assert_eq!((totals[0].fd, totals[0].id), (NO_FD, 0));
        assert_eq!(totals.last().map(|ring| ring.id), Some(1000));
    }
}
