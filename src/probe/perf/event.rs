//! perf_event_open(2) for counting tracepoints.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// `struct perf_event_attr` as it was first published (PERF_ATTR_SIZE_VER0): all that counting needs.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_kind: u32,
    config1: u64,
}

const TYPE_SOFTWARE: u32 = 1;
const TYPE_TRACEPOINT: u32 = 2;
/// A software event that never happens.
const SOFTWARE_DUMMY: u64 = 9;
const FORMAT_GROUP: u64 = 1 << 3;
/// Threads and processes that the observed one makes from now on are counted too.
const INHERIT: u64 = 1 << 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const OPEN_CLOEXEC: libc::c_ulong = 1 << 3;

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

impl Group {
    /// Opens a counter for each of `tracepoints` on thread `tid`, counting from now on.
    ///
    /// # Errors
    /// EACCES or EPERM (perf_event_paranoid, or not our process), ENOENT (no such tracepoint), ESRCH, EMFILE,
    /// ENOSYS, EINVAL (no tracepoint was asked for).
    pub(super) fn open(tid: u32, tracepoints: &[u64], from: From) -> Result<Self, Errno> {
        let mut members = Vec::with_capacity(tracepoints.len());
        for &tracepoint in tracepoints {
            let group = members.first().map_or(-1, |leader: &OwnedFd| leader.as_raw_fd());
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
    open(tid, (TYPE_SOFTWARE, SOFTWARE_DUMMY), from, -1).map(drop)
}

fn open(tid: u32, (kind, config): (u32, u64), from: From, group: RawFd) -> Result<OwnedFd, Errno> {
    let flags = match from {
        From::Everywhere => INHERIT,
        From::UserMode => INHERIT | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
    };
    let attributes = Attributes {
        kind,
        size: size_of::<Attributes>() as u32,
        config,
        read_format: FORMAT_GROUP,
        flags,
        ..Attributes::default()
    };
    let any_processor = -1;
    // SAFETY: `attributes` is a `struct perf_event_attr` of the size it names and outlives the call.
    let opened = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            tid as libc::pid_t,
            any_processor,
            group,
            OPEN_CLOEXEC,
        )
    };
    let fd = Errno::result(opened)?;
    // SAFETY: the kernel has just made this descriptor and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_the_first_published_size() {
        assert_eq!(size_of::<Attributes>(), 64);
    }

    #[test]
    fn no_tracepoint_makes_no_group() {
        assert_eq!(Group::open(0, &[], From::UserMode).unwrap_err(), Errno::EINVAL);
    }
}
