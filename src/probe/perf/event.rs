//! perf_event_open(2): the call itself, and counters of tracepoints.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// `struct perf_event_attr` up to the clock of its records (PERF_ATTR_SIZE_VER3, Linux 4.1).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    pub(super) kind: u32,
    pub(super) size: u32,
    pub(super) config: u64,
    pub(super) sample_period: u64,
    pub(super) sample_type: u64,
    pub(super) read_format: u64,
    pub(super) flags: u64,
    /// With the flag WATERMARK bytes, else events.
    pub(super) wakeup: u32,
    pub(super) breakpoint_kind: u32,
    pub(super) config1: u64,
    pub(super) config2: u64,
    pub(super) branch_sample_type: u64,
    pub(super) sample_regs_user: u64,
    pub(super) sample_stack_user: u32,
    pub(super) clock: i32,
}

pub(super) const TYPE_SOFTWARE: u32 = 1;
pub(super) const TYPE_TRACEPOINT: u32 = 2;
/// A software event that never happens.
pub(super) const SOFTWARE_DUMMY: u64 = 9;
pub(super) const FORMAT_GROUP: u64 = 1 << 3;
/// Threads and processes that the observed one makes from now on are counted too.
pub(super) const INHERIT: u64 = 1 << 1;
pub(super) const EXCLUDE_KERNEL: u64 = 1 << 5;
pub(super) const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const OPEN_CLOEXEC: libc::c_ulong = 1 << 3;
/// Instead of a processor's number: all of them.
const ANY_PROCESSOR: i32 = -1;
/// Instead of a group's leader: none.
pub(super) const NO_GROUP: RawFd = -1;

/// Where a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// In the kernel too: needs CAP_PERFMON or perf_event_paranoid ≤ 1.
    Everywhere,
    /// In user mode only, which is where a system call is entered: allowed at perf_event_paranoid 2.
    UserMode,
}

/// Counters of one thread (and all that come from it) that are read together.
#[derive(Debug)]
pub(super) struct Group {
    leader: File,
    /// The other members: closing one would end its count.
    _members: Vec<OwnedFd>,
    values: Vec<u8>,
}

impl From {
    /// The bits of `struct perf_event_attr` that say so.
    pub(super) fn flags(self) -> u64 {
        match self {
            Self::Everywhere => 0,
            Self::UserMode => EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
        }
    }
}

impl Group {
    /// Opens a counter for each of `tracepoints` on thread `tid`, counting from now on.
    ///
    /// # Errors
    /// EACCES or EPERM (perf_event_paranoid, or not our process), ENOENT (no such tracepoint), ESRCH, EMFILE,
    /// ENOSYS, EINVAL (no tracepoint was asked for).
    pub(super) fn open(tid: u32, tracepoints: &[u64], from: From) -> Result<Self, Errno> {
        let mut members = Vec::with_capacity(tracepoints.len());
        for &tracepoint in tracepoints {
            let group = members.first().map_or(NO_GROUP, |leader: &OwnedFd| leader.as_raw_fd());
            members.push(open(tid, (TYPE_TRACEPOINT, tracepoint), from, group)?);
        }
        let values = vec![0; (1 + members.len()) * size_of::<u64>()];
        if members.is_empty() {
            return Err(Errno::EINVAL);
        }
        Ok(Self { leader: members.remove(0).into(), _members: members, values })
    }

    /// The counts, in the order of the tracepoints: those of threads that ended are in them.
    ///
    /// # Errors
    /// Only what a damaged kernel could answer.
    pub(super) fn read(&mut self) -> io::Result<impl Iterator<Item = u64>> {
        let length = self.leader.read(&mut self.values)?;
        let words = self.values[..length].chunks_exact(size_of::<u64>());
        // The first word says how many values follow.
        Ok(words.skip(1).filter_map(|word| Some(u64::from_ne_bytes(word.try_into().ok()?))))
    }
}

/// Whether thread `tid` may be counted at all, tracepoints aside.
///
/// # Errors
/// EACCES or EPERM (perf_event_paranoid, or not our process), ESRCH, EMFILE, ENOSYS.
pub(super) fn permitted(tid: u32, from: From) -> Result<(), Errno> {
    open(tid, (TYPE_SOFTWARE, SOFTWARE_DUMMY), from, NO_GROUP).map(drop)
}

fn open(tid: u32, (kind, config): (u32, u64), from: From, group: RawFd) -> Result<OwnedFd, Errno> {
    let flags = INHERIT | from.flags();
    let attributes = Attributes { kind, config, read_format: FORMAT_GROUP, flags, ..Attributes::default() };
    attributes.open(tid, ANY_PROCESSOR, group)
}

impl Attributes {
    /// perf_event_open(2) on thread `tid`, on one processor or all, as a member of a group or by itself.
    ///
    /// # Errors
    /// EACCES or EPERM (perf_event_paranoid, or not our process), ENOENT (no such tracepoint), ENODEV (no such
    /// processor), ESRCH, EMFILE, ENOSYS, EINVAL (a bit that this kernel does not know).
    pub(super) fn open(mut self, tid: u32, cpu: i32, group: RawFd) -> Result<OwnedFd, Errno> {
        self.size = size_of::<Self>() as u32;
        // SAFETY: `self` is a `struct perf_event_attr` of the size it names and outlives the call.
        let opened = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const self,
                tid as libc::pid_t,
                cpu,
                group,
                OPEN_CLOEXEC,
            )
        };
        let fd = Errno::result(opened)?;
        // SAFETY: the kernel has just made this descriptor and nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_a_published_size() {
        assert_eq!(size_of::<Attributes>(), 96);
    }

    #[test]
    fn no_tracepoint_makes_no_group() {
        assert_eq!(Group::open(0, &[], From::UserMode).unwrap_err(), Errno::EINVAL);
    }
}
