//! io_uring rings of a process, read through a read-only mapping of their memory: what stands in both
//! queues, at any rate, without a system call and without the program's knowledge.
//!
//! A ring's descriptor is copied by pidfd_getfd(2) and mapped. Where that is forbidden (Docker's default
//! profile) the program's own mapping is copied from, which costs a system call a sample. The depth of a
//! queue aliases (a ring that completes inline shows 0 always), so what happened is counted by the
//! free-running tails, and depth is a histogram of samples.
//!
//! Never ask for PROT_WRITE here, and never wrap a copied descriptor in an `IoUring`: it writes to the ring.
//!
//! Beyond reach: rings without a descriptor (registered only) and rings in memory of the program's own
//! (NO_MMAP). A mapping keeps its ring's memory alive, so a closed ring is let go at the next
//! [`rescan`](Rings::rescan). The same call follows a ring that was resized.

mod closed;
mod layout;
mod memory;
mod mirror;
mod mirroring;
mod one;
mod pending;
mod standstill;
mod told;

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;

pub use self::mirror::Passed;
pub use self::mirroring::{Mirroring, wake_in_time};
pub use self::pending::{Cqe, OPERATIONS, Pending, Sqe};

use self::closed::{Closed, NO_FD, registered_only};
use self::layout::Layout;
use self::one::Ring;
use super::clock;
use super::descriptors;
use super::pidfd;
use super::refuse::looking_into;
use crate::trace::{Refusal, RingTotals};

/// The link of a ring's descriptor under `/proc/PID/fd`.
const RING: &[u8] = b"anon_inode:[io_uring]";

/// How a ring's memory is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// pidfd_getfd(2) and a mapping of our own: a nanosecond a sample.
    Mapping,
    /// process_vm_readv(2) of the program's mapping: a microsecond a sample.
    Copy,
}

/// The rings of one process.
#[derive(Debug)]
pub struct Rings {
    pid: u32,
    layout: Layout,
    /// The process, for pidfd_getfd; `None` when rings are reached by copying.
    process: Option<OwnedFd>,
    rings: Vec<Ring>,
    unreadable: Vec<(i32, Refusal)>,
    /// What became of rings that were closed, where that is kept.
    closed: Option<Closed>,
    /// Whether the entries are read as they pass by.
    mirrored: bool,
}

impl Rings {
    /// Finds the rings that process `pid` has now, by the best way that is allowed. A process without any
    /// ring is no error: see [`rescan`](Self::rescan). Takes 50 to 350 µs.
    ///
    /// # Errors
    /// The process has ended or may not be looked into (PTRACE_MODE_ATTACH), or io_uring is refused to iolab
    /// itself, which then cannot know how rings are laid out.
    pub fn open(pid: u32) -> Result<Self, Refusal> {
        let mapped = Self::open_by(pid, Reach::Mapping);
        match mapped {
            Err(_) => Self::open_by(pid, Reach::Copy),
            // Ways that are forbidden show only when a ring is there to be tried.
            Ok(rings) if rings.rings.is_empty() && !rings.unreadable.is_empty() => {
                Self::open_by(pid, Reach::Copy).or(Ok(rings))
            }
            Ok(rings) => Ok(rings),
        }
    }

    /// Finds the rings that process `pid` has now, by one way only.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_by(pid: u32, reach: Reach) -> Result<Self, Refusal> {
        let layout = Layout::ask()?;
        let process = match reach {
            Reach::Copy => None,
            Reach::Mapping => {
                let process = pidfd::open(pid).map_err(|errno| looking_into(pid, "pidfd_open", errno))?;
                Some(process)
            }
        };
        let mut rings = Self {
            pid,
            layout,
            process,
            rings: Vec::new(),
            unreadable: Vec::new(),
            closed: None,
            mirrored: false,
        };
        rings.rescan()?;
        Ok(rings)
    }

    /// Watches the rings of any program: they come and go, so those that are closed keep their last counts, and
    /// each is reached by the best way that is allowed for it, down to what the kernel tells of it in its fdinfo.
    ///
    /// # Errors
    /// The process has ended, or its descriptors may not be looked at (PTRACE_MODE_READ).
    pub fn watching(pid: u32) -> Result<Self, Refusal> {
        // Where io_uring is refused to iolab itself, or the process to it, what the kernel tells is left.
        let (layout, barred) = match Layout::ask() {
            Ok(layout) => (layout, None),
            Err(refusal) => (Layout::UNKNOWN, Some(refusal)),
        };
        let process = if barred.is_none() { pidfd::open(pid).ok() } else { None };
        let closed = Some(Closed::barred_by(barred));
        let mut rings =
            Self { pid, layout, process, rings: Vec::new(), unreadable: Vec::new(), closed, mirrored: false };
        rings.rescan()?;
        Ok(rings)
    }

    /// Lets go of rings that the program has closed since the last look: while one is mapped here, the kernel
    /// keeps it. About 1 µs a ring.
    pub fn let_go(&mut self) {
        let gone = |ring: &mut Ring| !ring.is_open();
        for ring in self.rings.extract_if(.., gone).collect::<Vec<_>>() {
            self.keep_closed(ring);
        }
    }

    /// Why rings are not read in their memory but by what the kernel tells of them, if so.
    pub fn told_because(&self) -> Option<&Refusal> {
        self.closed.as_ref().and_then(|closed| closed.told_because.as_ref())
    }

    /// How many rings were found so far, closed ones among them, where those are kept.
    pub fn found(&self) -> u64 {
        self.closed.as_ref().map_or(0, |closed| closed.found)
    }

    fn keep_closed(&mut self, ring: Ring) {
        if let Some(closed) = &mut self.closed {
            closed.keep(ring.close(&self.layout));
        }
    }

    /// Looks for rings that are new, lets closed ones go, and follows those that were resized
    /// (IORING_REGISTER_RESIZE_RINGS). About 2 µs a descriptor of the process; once a second is plenty. A
    /// process that has ended keeps the rings it had, with their final counts.
    ///
    /// # Errors
    /// The process may not be looked into.
    pub fn rescan(&mut self) -> Result<(), Refusal> {
        let mut found = Vec::new();
        let listed = descriptors::links(self.pid, |fd, link| {
            if link == RING {
                found.push(fd);
            }
        });
        match listed {
            Err(refusal) if refusal.layer == crate::trace::Layer::Process && !self.rings.is_empty() => {
                return Ok(());
            }
            other => other?,
        }
        found.sort_unstable();
        self.let_go();
        let before = std::mem::take(&mut self.rings);
        self.unreadable.clear();
        let mut known: Vec<Option<Ring>> = before.into_iter().map(Some).collect();
        let mut seen = HashSet::new();
        for fd in found {
            let Some(inode) = descriptors::inode(self.pid, fd) else { continue };
            // A ring with several descriptors (dup, or our own copies when the process is this one) is one.
            if !seen.insert(inode) {
                continue;
            }
            let same = known.iter_mut().find(|ring| ring.as_ref().is_some_and(|ring| ring.is(fd, inode)));
            match same.and_then(Option::take) {
                Some(mut ring) => {
                    ring.follow_resize(&self.layout);
                    self.rings.push(ring);
                }
                None => self.take(fd, inode),
            }
        }
        if let Some(closed) = &mut self.closed {
            // Without a descriptor a ring shows in the program's mappings only.
            for inode in registered_only(self.pid, &seen) {
                let same =
                    known.iter_mut().find(|ring| ring.as_ref().is_some_and(|ring| ring.is(NO_FD, inode)));
                match same.and_then(Option::take) {
                    Some(ring) => self.rings.push(ring),
                    None => {
                        if let Ok(ring) = Ring::open(self.pid, None, NO_FD, inode, &self.layout) {
                            closed.welcome(inode);
                            self.rings.push(ring);
                        }
                    }
                }
            }
            let gone = known.into_iter().flatten().collect::<Vec<_>>();
            gone.into_iter().for_each(|ring| self.keep_closed(ring));
        }
        self.open_mirrors();
        Ok(())
    }

    /// Opens a ring that was found.
    fn take(&mut self, fd: i32, inode: u64) {
        let opened = match &mut self.closed {
            None => Ring::open(self.pid, self.process.as_ref(), fd, inode, &self.layout),
            Some(closed) => closed.open_best(self.pid, self.process.as_ref(), (fd, inode), &self.layout),
        };
        match opened {
            Ok(ring) => {
                self.rings.push(ring);
                if let Some(closed) = &mut self.closed {
                    closed.welcome(inode);
                }
            }
            // Closed since it was listed.
            Err((_, Errno::EBADF)) => {}
            Err((call, errno)) => self.unreadable.push((fd, looking_into(self.pid, call, errno))),
        }
    }

    /// The descriptors of the rings.
    pub fn fds(&self) -> impl Iterator<Item = i32> {
        self.rings.iter().map(Ring::fd)
    }

    /// One look at each ring: tails and heads are carried on to 64 bits, depths and flags counted. Meant for
    /// a thousand times a second; the tails must not move by 2³² in between.
    #[inline]
    pub fn sample(&mut self) {
        for ring in &mut self.rings {
            ring.sample(&self.layout);
        }
    }

    /// From now on the entries of each ring are read as they pass by ([`look`](Self::look)), of those to come from
    /// their first one on that is published after they were found. Rings that are not mapped here go without.
    pub fn mirror(&mut self) {
        self.mirrored = true;
        self.open_mirrors();
    }

    fn open_mirrors(&mut self) {
        if self.mirrored {
            let now_ns = clock::monotonic_ns();
            self.rings.iter_mut().for_each(|ring| ring.mirror(&self.layout, now_ns));
        }
    }

    /// One look at each ring and at the entries that have passed since the last one: `tell` gets each that was read
    /// whole, with its ring's descriptor. Some nanoseconds an entry.
    pub fn look(&mut self, tell: &mut dyn FnMut(i32, Passed)) {
        self.sample();
        let now_ns = clock::monotonic_ns();
        self.rings.iter_mut().for_each(|ring| ring.read_passed(&self.layout, now_ns, tell));
    }

    /// How long until the next look, so that no entry is missed at the pace of late: 100 to 500 µs. `None` where no
    /// entries are read.
    pub fn pause(&self) -> Option<Duration> {
        self.rings.iter().filter_map(Ring::pause).min()
    }

    /// What is known of each ring now; depths and flags seen hold what was sampled since the last call. Closed ones
    /// come first, where they are kept.
    pub fn totals(&mut self) -> Vec<RingTotals> {
        let open = self.rings.iter_mut().map(|ring| {
            ring.follow(&self.layout);
            ring.drain()
        });
        let mut totals = self.closed.as_mut().map(Closed::totals).unwrap_or_default();
        totals.extend(open);
        totals
    }

    /// What stands in the queues at this instant: SQEs that the kernel has not taken, CQEs that the program
    /// has not taken. Consistent only while the program stands still. Rings that cannot be read that way
    /// are left out (kernels before 6.9 do not let their pages be copied).
    pub fn pending(&self) -> Vec<Pending> {
        self.rings.iter().filter_map(|ring| ring.pending(&self.layout)).collect()
    }

    /// What was written to the queues since this was asked last, oldest first: `tails` holds where both stood then, by
    /// descriptor, and is moved on. Of a ring that is new to it nothing is told. Exact while the program stands still
    /// and no more was written than a queue has slots.
    pub fn written_since(&self, tails: &mut BTreeMap<i32, (u32, u32)>) -> Vec<Pending> {
        let mut news = Vec::new();
        for ring in &self.rings {
            let Some(now) = ring.tails(&self.layout) else { continue };
            let before = tails.insert(ring.fd(), now).unwrap_or(now);
            if before != now {
                news.extend(ring.written(&self.layout, before, now));
            }
        }
        news
    }

    /// Rings that were found and cannot be read: descriptor and reason.
    pub fn unreadable(&self) -> &[(i32, Refusal)] {
        &self.unreadable
    }

    /// How many rings are being read.
    pub fn len(&self) -> usize {
        self.rings.len()
    }

    /// Whether there is no ring to read.
    pub fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    /// How the rings are reached.
    pub fn reach(&self) -> Reach {
        if self.process.is_some() { Reach::Mapping } else { Reach::Copy }
    }
}
