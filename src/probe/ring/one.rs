//! One ring: its memory, its counters carried on to 64 bits, its depths.

use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;

use super::layout::{CQE_BYTES, Layout, RING_OFFSET, SQE_BYTES, SQES_OFFSET};
use super::memory::{self, Mapping};
use super::mirror::{Mirror, Passed};
use super::pending::{self, Ends, Pending};
use super::standstill::Standstill;
use super::told::Told;
use crate::probe::{descriptors, pidfd};
use crate::trace::{Counts, RingTotals};

/// Flags of the SQ ring, io_uring_setup(2).
const SQ_FLAGS: [(u32, &str); 3] =
    [(NEED_WAKEUP, "NEED_WAKEUP"), (CQ_OVERFLOW, "CQ_OVERFLOW"), (TASKRUN, "TASKRUN")];
pub(super) const NEED_WAKEUP: u32 = 1;
pub(super) const CQ_OVERFLOW: u32 = 2;
pub(super) const TASKRUN: u32 = 4;

/// The kernel's own limits (`IORING_MAX_ENTRIES`, `IORING_MAX_CQ_ENTRIES`). A ring's header can be written by
/// its program, so it is believed no further than this.
const SQ_ENTRIES_MAX: u32 = 32_768;
const CQ_ENTRIES_MAX: u32 = 65_536;

/// How the memory is reached.
#[derive(Debug)]
enum Memory {
    /// Mapped; the descriptor is kept to map it anew after a resize.
    Mapped { ring: OwnedFd, header: Mapping },
    /// Copied from the program's mappings of the ring.
    Copied { pid: u32, header: usize },
    /// Out of reach: what the kernel tells of it in its fdinfo.
    Told(Told),
}

/// The words of a ring's header at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) sq_head: u32,
    pub(super) sq_tail: u32,
    pub(super) cq_head: u32,
    pub(super) cq_tail: u32,
    pub(super) sq_flags: u32,
    pub(super) sq_dropped: u32,
    pub(super) cq_overflow: u32,
}

/// One ring of a process.
#[derive(Debug)]
pub(super) struct Ring {
    pid: u32,
    inode: u64,
    memory: Memory,
    words: Words,
    totals: RingTotals,
    /// Depths seen since the last drain, by value.
    sq_depth: Vec<u32>,
    cq_depth: Vec<u32>,
    /// Queues in which nothing moves.
    standstill: Standstill,
    /// The entries, where they are followed.
    mirror: Option<Mirror>,
    /// All flags that were ever seen.
    flags_seen: u32,
    /// Whether fdinfo named an SQPOLL thread; `None` while it gave no answer.
    sq_thread: Option<bool>,
}

impl Ring {
    /// Opens ring `fd` of a process; on failure says which call failed.
    pub(super) fn open(
        pid: u32,
        process: Option<&OwnedFd>,
        fd: i32,
        inode: u64,
        layout: &Layout,
    ) -> Result<Self, (&'static str, Errno)> {
        let memory = match process {
            Some(process) => {
                let ring = pidfd::get(process, fd).map_err(|errno| ("pidfd_getfd", errno))?;
                let header = Mapping::new(&ring, RING_OFFSET, layout.header_bytes())
                    .map_err(|errno| ("mmap of the ring", errno))?;
                Memory::Mapped { ring, header }
            }
            None => {
                let header = memory::mapped_at(pid, inode, RING_OFFSET);
                Memory::Copied { pid, header: header.ok_or(("no mapping of the ring", Errno::ENXIO))? }
            }
        };
        Self::begin(pid, memory, fd, inode, layout)
    }

    /// Opens ring `fd` of a process by what the kernel tells of it.
    pub(super) fn open_told(
        pid: u32,
        fd: i32,
        inode: u64,
        layout: &Layout,
    ) -> Result<Self, (&'static str, Errno)> {
        let told = Told::open(pid, fd).map_err(|errno| ("fdinfo of the ring", errno))?;
        Self::begin(pid, Memory::Told(told), fd, inode, layout)
    }

    /// Starts to count.
    fn begin(
        pid: u32,
        memory: Memory,
        fd: i32,
        inode: u64,
        layout: &Layout,
    ) -> Result<Self, (&'static str, Errno)> {
        let mut ring = Self {
            pid,
            inode,
            memory,
            words: Words::default(),
            totals: RingTotals { fd, id: inode, ..RingTotals::default() },
            sq_depth: Vec::new(),
            cq_depth: Vec::new(),
            standstill: Standstill::default(),
            mirror: None,
            flags_seen: 0,
            sq_thread: None,
        };
        let words = ring.look(layout).map_err(|errno| ("process_vm_readv of the ring", errno))?;
        ring.read_entries(layout);
        // Free-running from 0: as long as fewer than 2³² entries have passed, these are the ring's whole life.
        ring.totals.sq_tail = words.sq_tail.into();
        ring.totals.sq_head = words.sq_head.into();
        ring.totals.cq_tail = words.cq_tail.into();
        ring.totals.cq_head = words.cq_head.into();
        ring.words = words;
        Ok(ring)
    }

    /// Its descriptor in the process.
    pub(super) fn fd(&self) -> i32 {
        self.totals.fd
    }

    /// Whether this is the ring at descriptor `fd` with that inode.
    pub(super) fn is(&self, fd: i32, inode: u64) -> bool {
        self.totals.fd == fd && self.inode == inode
    }

    /// Maps the ring anew: after a resize the old memory stands still. Heads and tails go on in the new one.
    pub(super) fn follow_resize(&mut self, layout: &Layout) {
        match &mut self.memory {
            Memory::Mapped { ring, header } => {
                if let Ok(fresh) = Mapping::new(ring, RING_OFFSET, layout.header_bytes()) {
                    *header = fresh;
                }
            }
            Memory::Copied { pid, header } => {
                if let Some(at) = memory::mapped_at(*pid, self.inode, RING_OFFSET) {
                    *header = at;
                }
            }
            Memory::Told(_) => {}
        }
        self.read_entries(layout);
        if let Some(earlier) = self.mirror.take() {
            self.mirror = self.open_mirror(layout, 0).map(|mirror| mirror.going_on_from(&earlier));
        }
    }

    /// From now on the entries are read, too, where the ring is mapped.
    pub(super) fn mirror(&mut self, layout: &Layout, now_ns: u64) {
        if self.mirror.is_none() {
            self.mirror = self.open_mirror(layout, now_ns);
        }
    }

    fn open_mirror(&self, layout: &Layout, now_ns: u64) -> Option<Mirror> {
        let Memory::Mapped { ring, .. } = &self.memory else { return None };
        let entries = (self.totals.sq_entries, self.totals.cq_entries);
        Mirror::open(ring, layout, entries, &self.words, now_ns).ok()
    }

    /// Reads the entries that were published since the last time.
    pub(super) fn read_passed(&mut self, layout: &Layout, now_ns: u64, tell: &mut dyn FnMut(i32, Passed)) {
        let fd = self.totals.fd;
        let Some(mut mirror) = self.mirror.take() else { return };
        let words = || self.look(layout).unwrap_or(self.words);
        mirror.look(now_ns, words, &mut |passed| tell(fd, passed));
        self.mirror = Some(mirror);
    }

    /// How long until the entries should be looked at again; `None` where they are not.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.mirror.as_ref().map(Mirror::pause)
    }

    /// One look: counts on, and notes depth and flags.
    #[inline]
    pub(super) fn sample(&mut self, layout: &Layout) {
        let Some(now) = self.follow(layout) else { return };
        let totals = &mut self.totals;
        count(&mut self.sq_depth, now.sq_tail.wrapping_sub(now.sq_head), totals.sq_entries);
        count(&mut self.cq_depth, now.cq_tail.wrapping_sub(now.cq_head), totals.cq_entries);
        totals.asleep_seen += u64::from(now.sq_flags & NEED_WAKEUP != 0);
        totals.overflow_seen += u64::from(now.sq_flags & CQ_OVERFLOW != 0);
    }

    /// Carries tails and heads on, and nothing else: reading totals is not a sample of depth.
    pub(super) fn follow(&mut self, layout: &Layout) -> Option<Words> {
        // A process that ended has no memory to copy any more; what was known stays.
        let now = self.look(layout).ok()?;
        let (was, totals) = (self.words, &mut self.totals);
        carry(&mut totals.sq_tail, was.sq_tail, now.sq_tail);
        carry(&mut totals.sq_head, was.sq_head, now.sq_head);
        carry(&mut totals.cq_tail, was.cq_tail, now.cq_tail);
        carry(&mut totals.cq_head, was.cq_head, now.cq_head);
        self.flags_seen |= now.sq_flags;
        self.words = now;
        Some(now)
    }

    /// The totals; the depths are handed over and begin anew.
    pub(super) fn drain(&mut self) -> RingTotals {
        if self.sq_thread.is_none() {
            self.sq_thread = sq_thread(self.pid, self.totals.fd);
        }
        self.standstill.read(&self.words);
        (self.totals.stranded, self.totals.uncollected) = self.standstill.longest();
        let mut totals = self.totals.clone();
        (totals.sq_dropped, totals.cq_overflow) = (self.words.sq_dropped, self.words.cq_overflow);
        totals.sq_flags = SQ_FLAGS
            .iter()
            .filter(|(bit, _)| self.words.sq_flags & bit != 0)
            .map(|(_, name)| (*name).to_owned())
            .collect();
        // Only an SQPOLL ring ever asks to be woken, only a TASKRUN_FLAG ring shows TASKRUN.
        if self.sq_thread == Some(true) || self.flags_seen & NEED_WAKEUP != 0 {
            totals.setup_flags.push("SQPOLL".to_owned());
        }
        if self.flags_seen & TASKRUN != 0 {
            totals.setup_flags.push("TASKRUN_FLAG".to_owned());
        }
        totals.contents = self.mirror.as_ref().map(Mirror::contents);
        totals.sq_depth = depths(&mut self.sq_depth);
        totals.cq_depth = depths(&mut self.cq_depth);
        totals
    }

    /// What stands in the queues now.
    pub(super) fn pending(&self, layout: &Layout) -> Option<Pending> {
        let words = self.look(layout).ok()?;
        let ends = Ends { sq: (words.sq_head, words.sq_tail), cq: (words.cq_head, words.cq_tail) };
        self.between(layout, ends)
    }

    /// Where both tails stand.
    pub(super) fn tails(&self, layout: &Layout) -> Option<(u32, u32)> {
        let words = self.look(layout).ok()?;
        Some((words.sq_tail, words.cq_tail))
    }

    /// What was written since the tails stood there, taken or not: a slot keeps its entry until the queue has gone
    /// round.
    pub(super) fn written(&self, layout: &Layout, from: (u32, u32), to: (u32, u32)) -> Option<Pending> {
        let since = |from: u32, to: u32, entries: u32| match to.wrapping_sub(from) {
            news if news > entries => (to.wrapping_sub(entries), to),
            _ => (from, to),
        };
        let sq = since(from.0, to.0, self.totals.sq_entries);
        let cq = since(from.1, to.1, self.totals.cq_entries);
        self.between(layout, Ends { sq, cq })
    }

    /// The entries between these counters.
    fn between(&self, layout: &Layout, ends: Ends) -> Option<Pending> {
        let (sq_entries, cq_entries) = (self.totals.sq_entries, self.totals.cq_entries);
        let ring_bytes = layout.cqes + cq_entries as usize * CQE_BYTES + pending::array_bytes(sq_entries);
        let sqes_bytes = sq_entries as usize * SQE_BYTES;
        let fd = self.totals.fd;
        match &self.memory {
            Memory::Mapped { ring, .. } => {
                let own = std::process::id();
                let queues = Mapping::new(ring, RING_OFFSET, ring_bytes).ok()?;
                let sqes = Mapping::new(ring, SQES_OFFSET, sqes_bytes).ok()?;
                let at = pending::Places { pid: own, queues: queues.address(), sqes: sqes.address() };
                pending::read(fd, &at, layout, ends, sq_entries, cq_entries)
            }
            Memory::Copied { pid, header } => {
                let sqes = memory::mapped_at(*pid, self.inode, SQES_OFFSET)?;
                let at = pending::Places { pid: *pid, queues: *header, sqes };
                pending::read(fd, &at, layout, ends, sq_entries, cq_entries)
            }
            Memory::Told(_) => None,
        }
    }

    /// The header's words, heads before tails: what is added in between makes a queue look fuller by that
    /// much, never negative.
    #[inline]
    fn look(&self, layout: &Layout) -> Result<Words, Errno> {
        let words = |word: &dyn Fn(usize) -> u32| Words {
            sq_head: word(layout.sq_head),
            sq_tail: word(layout.sq_tail),
            cq_head: word(layout.cq_head),
            cq_tail: word(layout.cq_tail),
            sq_flags: word(layout.sq_flags),
            sq_dropped: word(layout.sq_dropped),
            cq_overflow: word(layout.cq_overflow),
        };
        match &self.memory {
            Memory::Mapped { header, .. } => Ok(words(&|at| header.word(at))),
            Memory::Copied { pid, header } => {
                let bytes = copy_header(*pid, *header, layout)?;
                Ok(words(&|at| pending::word(&bytes, at)))
            }
            // Nothing new was told: what was known stays.
            Memory::Told(told) => Ok(told.words().unwrap_or(self.words)),
        }
    }

    /// Sizes of the queues, within the kernel's limits.
    fn read_entries(&mut self, layout: &Layout) {
        let (sq, cq) = match &self.memory {
            Memory::Mapped { header, .. } => (header.word(layout.sq_entries), header.word(layout.cq_entries)),
            Memory::Copied { pid, header } => {
                let Ok(bytes) = copy_header(*pid, *header, layout) else { return };
                (pending::word(&bytes, layout.sq_entries), pending::word(&bytes, layout.cq_entries))
            }
            Memory::Told(told) => told.entries(),
        };
        self.totals.sq_entries = sq.min(SQ_ENTRIES_MAX);
        self.totals.cq_entries = cq.min(CQ_ENTRIES_MAX);
    }

    /// Whether the process has it still, at the same descriptor.
    pub(super) fn is_open(&self) -> bool {
        if self.totals.fd < 0 {
            return memory::mapped_at(self.pid, self.inode, RING_OFFSET).is_some();
        }
        descriptors::inode(self.pid, self.totals.fd) == Some(self.inode)
    }

    /// Its last counts. Memory that is mapped here outlives the program's descriptor, so they are exact.
    pub(super) fn close(mut self, layout: &Layout) -> RingTotals {
        if matches!(self.memory, Memory::Mapped { .. }) {
            // It may have been resized since it was last looked at, and what is mapped stands still since then.
            self.follow_resize(layout);
        }
        let before = self.words;
        let last = self.follow(layout);
        let at_least = match &self.memory {
            Memory::Mapped { .. } => false,
            Memory::Copied { .. } => last.is_none(),
            Memory::Told(_) => last.is_none_or(|words| words == before),
        };
        RingTotals { closed: true, at_least, ..self.drain() }
    }
}

fn copy_header(pid: u32, address: usize, layout: &Layout) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; layout.header_bytes()];
    memory::copy(pid, address, &mut bytes)?;
    Ok(bytes)
}

/// Carries a free-running u32 on to 64 bits.
#[inline]
fn carry(total: &mut u64, was: u32, now: u32) {
    *total = total.wrapping_add(now.wrapping_sub(was).into());
}

/// Counts one more of `depth`, which is at most `entries`.
#[inline]
fn count(depths: &mut Vec<u32>, depth: u32, entries: u32) {
    let depth = depth.min(entries) as usize;
    if depth >= depths.len() {
        depths.resize(depth + 1, 0);
    }
    depths[depth] = depths[depth].saturating_add(1);
}

fn depths(seen: &mut [u32]) -> Counts {
    let mut counts = Counts::default();
    for (depth, times) in seen.iter_mut().enumerate().filter(|(_, times)| **times > 0) {
        counts.add(depth as u64, std::mem::take(times).into());
    }
    counts
}

/// Whether the ring has an SQPOLL thread, as its fdinfo says; `None` when it says nothing, which is usual
/// while the ring is busy (the kernel prints nothing then).
fn sq_thread(pid: u32, fd: i32) -> Option<bool> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let thread: i64 = text.lines().find_map(|line| line.strip_prefix("SqThread:"))?.trim().parse().ok()?;
    Some(thread >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_go_on_past_two_to_the_32() {
        let mut total = u64::from(u32::MAX) - 1;
        carry(&mut total, u32::MAX - 1, 3);
        assert_eq!(total, u64::from(u32::MAX) + 4);
    }

    #[test]
    fn depths_are_counted_and_bounded_by_the_queue() {
        let mut seen = Vec::new();
        count(&mut seen, 0, 8);
        count(&mut seen, 8, 8);
        count(&mut seen, u32::MAX, 8);
        let counts = depths(&mut seen);
        assert_eq!(counts.0.into_iter().collect::<Vec<_>>(), [(0, 1), (8, 2)]);
        assert!(depths(&mut seen).is_empty(), "handed over once");
    }
}
