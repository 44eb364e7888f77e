//! The events of a stream: a group for each thread and processor, and one buffer for each processor that all of
//! them write to.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::buffer::{Buffer, page_bytes};
use super::record::SAMPLE_TYPE;
use super::{Events, Options};
use crate::probe::perf::event::{
    Attributes, FORMAT_GROUP, INHERIT, NO_GROUP, SOFTWARE_DUMMY, TYPE_SOFTWARE, TYPE_TRACEPOINT,
};
use crate::probe::perf::{ATTEMPTS, refused};
use crate::probe::proc::tids;
use crate::probe::refuse::{errno, looking_into, refusal};
use crate::trace::{Layer, Refusal};

/// The event says how many of its records were lost (Linux 6.0).
const FORMAT_LOST: u64 = 1 << 4;

// Flags of `struct perf_event_attr`.
const DISABLED: u64 = 1 << 0;
const WATERMARK: u64 = 1 << 14;
const SAMPLE_ID_ALL: u64 = 1 << 18;
const USE_CLOCK: u64 = 1 << 25;
const CONTEXT_SWITCH: u64 = 1 << 26;

/// All buffers together are no larger than this, in bytes: they are memory that cannot be paged out.
const ALL_BUFFERS_BYTES: usize = 64 << 20;

/// The smallest buffer that is of use, in pages.
const PAGES_MIN: usize = 4;

/// What was attached.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// One for each processor.
    pub(super) buffers: Vec<Buffer>,
    /// Groups of further threads, whose records go to the same buffers.
    leaders: Vec<OwnedFd>,
    /// The other events of all groups: closing one would end it.
    members: Vec<OwnedFd>,
    /// Whether the events themselves count what they lost.
    pub(super) counts_lost: bool,
}

impl Attached {
    /// Attaches to all threads of process `pid`, switched off.
    ///
    /// # Errors
    /// The layer that refused: perf_event_paranoid, a limit on descriptors or locked memory, the process.
    pub(super) fn to(pid: u32, ids: &[u64], options: &Options) -> Result<Self, Refusal> {
        let folder = format!("/proc/{pid}/task");
        let list = || tids(&folder).map_err(|error| looking_into(pid, &folder, errno(&error)));
        // A thread that starts meanwhile is either inherited or not, and nobody can tell which.
        for _ in 0..ATTEMPTS {
            let threads = list()?;
            let mut attached = Self { counts_lost: true, ..Self::default() };
            for &tid in &threads {
                match attached.add(tid, ids, options) {
                    Ok(()) => {}
                    Err(Failure::Open(Errno::ESRCH)) if threads.len() > 1 => {}
                    Err(Failure::Open(errno)) => return Err(refused(pid, errno)),
                    Err(Failure::Map(pages, errno)) => return Err(no_memory(pages, errno)),
                }
            }
            if list()? == threads && !attached.buffers.is_empty() {
                return Ok(attached);
            }
        }
        let says =
            format!("perf_event_open: threads of process {pid} come and go faster than they are attached to");
        Err(refusal(Layer::Process, says, "let iolab start the program: iolab observe -- COMMAND"))
    }

    /// Records that the events have lost, as they count it themselves.
    pub(super) fn lost(&self) -> u64 {
        let members = self.members.len() / self.leaders().count().max(1);
        // How many follow; then of each event its value and what it lost.
        let mut words = vec![0; (1 + 2 * (1 + members)) * size_of::<u64>()];
        let mut lost = 0_u64;
        for leader in self.leaders() {
            let Ok(length) = nix::unistd::read(leader, &mut words) else { continue };
            let values = words[..length].as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word));
            lost = values.skip(2).step_by(2).fold(lost, u64::saturating_add);
        }
        lost
    }

    /// The events that switch all others of their thread and processor on and off.
    pub(super) fn leaders(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.buffers.iter().map(AsFd::as_fd).chain(self.leaders.iter().map(AsFd::as_fd))
    }

    fn add(&mut self, tid: u32, ids: &[u64], options: &Options) -> Result<(), Failure> {
        for cpu in online() {
            let leader = match self.leader(tid, cpu, options) {
                // No longer there since it was listed.
                Err(Errno::ENODEV) => continue,
                other => other.map_err(Failure::Open)?,
            };
            let group = leader.as_raw_fd();
            let members = ids.iter().map(|&id| member(tid, cpu, id, group, options).map_err(Failure::Open));
            let members = members.collect::<Result<Vec<_>, _>>()?;
            let known = self.buffers.iter().position(|buffer| buffer.cpu == cpu);
            let buffer = match known {
                Some(at) => {
                    redirect(&leader, self.buffers[at].as_fd())?;
                    self.leaders.push(leader);
                    at
                }
                None => {
                    self.buffers.push(map(leader, cpu, options)?);
                    self.buffers.len() - 1
                }
            };
            for member in members {
                redirect(&member, self.buffers[buffer].as_fd())?;
                self.members.push(member);
            }
        }
        Ok(())
    }

    /// An event that never happens: it has the switches of its thread recorded, and the others in its group.
    fn leader(&mut self, tid: u32, cpu: u32, options: &Options) -> Result<OwnedFd, Errno> {
        let switches = if options.events >= Events::Threads { CONTEXT_SWITCH } else { 0 };
        let mut attributes = attributes((TYPE_SOFTWARE, SOFTWARE_DUMMY), options);
        attributes.flags |= DISABLED | WATERMARK | switches;
        attributes.wakeup = u32::try_from(options.wakeup_bytes).unwrap_or(u32::MAX);
        attributes.read_format = if self.counts_lost { FORMAT_GROUP | FORMAT_LOST } else { FORMAT_GROUP };
        match attributes.open(tid, cpu as i32, NO_GROUP) {
            Err(Errno::EINVAL) if self.counts_lost => {
                self.counts_lost = false;
                self.leader(tid, cpu, options)
            }
            other => other,
        }
    }
}

/// Why something could not be attached.
enum Failure {
    Open(Errno),
    /// So many pages were asked for at last.
    Map(usize, Errno),
}

/// What all events of a stream have in common.
fn attributes((kind, config): (u32, u64), options: &Options) -> Attributes {
    Attributes {
        kind,
        config,
        sample_period: 1,
        sample_type: SAMPLE_TYPE,
        flags: INHERIT | SAMPLE_ID_ALL | USE_CLOCK | options.kind.counts().flags(),
        clock: libc::CLOCK_MONOTONIC,
        ..Attributes::default()
    }
}

/// A tracepoint that goes on and off with its leader.
fn member(tid: u32, cpu: u32, id: u64, leader: i32, options: &Options) -> Result<OwnedFd, Errno> {
    attributes((TYPE_TRACEPOINT, id), options).open(tid, cpu as i32, leader)
}

/// Has an event's records written to another event's buffer, which must be of the same processor.
fn redirect(event: &OwnedFd, to: BorrowedFd<'_>) -> Result<(), Failure> {
    const SET_OUTPUT: libc::Ioctl = 0x2405;
    // SAFETY: both descriptors are events of ours and open; the call takes numbers only.
    let done = unsafe { libc::ioctl(event.as_raw_fd(), SET_OUTPUT, to.as_raw_fd()) };
    Errno::result(done).map(drop).map_err(Failure::Open)
}

/// Maps a buffer as large as was asked for, or as large as this process may have.
fn map(mut leader: OwnedFd, cpu: u32, options: &Options) -> Result<Buffer, Failure> {
    let each = (ALL_BUFFERS_BYTES / online().count().max(1)).min(options.buffer_bytes);
    let wanted = (each / page_bytes()).max(1);
    let mut pages = 1 << wanted.ilog2();
    loop {
        match Buffer::map(leader, cpu, pages) {
            Ok(buffer) => return Ok(buffer),
            Err((event, Errno::EPERM | Errno::ENOMEM)) if pages > PAGES_MIN => {
                (leader, pages) = (event, pages / 2);
            }
            Err((_, errno)) => return Err(Failure::Map(pages, errno)),
        }
    }
}

/// The processors that there are: a thread may be moved to any of them, and an SQPOLL thread is.
fn online() -> impl Iterator<Item = u32> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_else(|_| "0".to_owned());
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).flatten().collect::<Vec<u32>>().into_iter()
}

fn no_memory(pages: usize, errno: Errno) -> Refusal {
    let kib = pages * page_bytes() / 1024;
    let says = format!(
        "mmap of a buffer of {kib} KiB a processor: {errno:?} (kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK are used up)"
    );
    refusal(Layer::Memlock, says, "ulimit -l unlimited, or: sudo sysctl kernel.perf_event_mlock_kb=2048")
}
