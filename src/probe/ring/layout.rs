//! Where things stand inside a ring's memory: io_uring_setup(2), `struct io_uring_params`.
//!
//! The kernel tells these offsets only to the program that makes a ring, so a throw-away ring is made to
//! learn them. They are the same for all rings of one kernel, but for the array that follows the CQEs.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::probe::refuse::{OUTSIDE_CONTAINER, refusal, seccomp_filtered};
use crate::trace::{Layer, Refusal};

/// Where io_uring's memory begins in its file: io_uring_setup(2), IORING_OFF_SQ_RING.
pub(super) const RING_OFFSET: i64 = 0;
/// Where its SQEs begin: IORING_OFF_SQES.
pub(super) const SQES_OFFSET: i64 = 0x1000_0000;
/// Bytes of an SQE without SQE128.
pub(super) const SQE_BYTES: usize = 64;
/// Bytes of a CQE without CQE32.
pub(super) const CQE_BYTES: usize = 16;

/// Offsets in bytes from the start of the ring's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub sq_head: usize,
    pub sq_tail: usize,
    pub sq_entries: usize,
    pub sq_flags: usize,
    pub sq_dropped: usize,
    pub cq_head: usize,
    pub cq_tail: usize,
    pub cq_entries: usize,
    pub cq_overflow: usize,
    pub cqes: usize,
}

/// `struct io_sqring_offsets`.
#[repr(C)]
#[derive(Default)]
struct SqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    resv1: u32,
    user_addr: u64,
}

/// `struct io_cqring_offsets`.
#[repr(C)]
#[derive(Default)]
struct CqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    overflow: u32,
    cqes: u32,
    flags: u32,
    resv1: u32,
    user_addr: u64,
}

/// `struct io_uring_params`.
#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    resv: [u32; 3],
    sq_off: SqOffsets,
    cq_off: CqOffsets,
}

/// Submission and completion queue share one mapping since Linux 5.4: IORING_FEAT_SINGLE_MMAP.
const SINGLE_MMAP: u32 = 1;

impl Layout {
    /// Where nobody told; good for rings that are not read in their memory.
    pub(super) const UNKNOWN: Self = Self {
        sq_head: 0,
        sq_tail: 0,
        sq_entries: 0,
        sq_flags: 0,
        sq_dropped: 0,
        cq_head: 0,
        cq_tail: 0,
        cq_entries: 0,
        cq_overflow: 0,
        cqes: 0,
    };

    /// Asks this kernel by making the smallest ring and closing it again, about 50 µs.
    ///
    /// # Errors
    /// io_uring is refused to this process: by sysctl `io_uring_disabled`, a seccomp filter, or a kernel
    /// built without it.
    pub(super) fn ask() -> Result<Self, Refusal> {
        let mut params = Params::default();
        // SAFETY: `params` is a zeroed `struct io_uring_params` (120 bytes) that outlives the call.
        let made = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, &raw mut params) };
        let fd = Errno::result(made).map_err(refused)?;
        // SAFETY: the kernel has just made this descriptor and nobody else has it; dropping it ends the ring.
        drop(unsafe { OwnedFd::from_raw_fd(fd as RawFd) });
        if params.features & SINGLE_MMAP == 0 {
            let says = "io_uring_setup: the queues have two mappings (a kernel before 5.4)";
            return Err(refusal(Layer::Kernel, says, "a newer kernel"));
        }
        let (sq, cq) = (params.sq_off, params.cq_off);
        Ok(Self {
            sq_head: sq.head as usize,
            sq_tail: sq.tail as usize,
            sq_entries: sq.ring_entries as usize,
            sq_flags: sq.flags as usize,
            sq_dropped: sq.dropped as usize,
            cq_head: cq.head as usize,
            cq_tail: cq.tail as usize,
            cq_entries: cq.ring_entries as usize,
            cq_overflow: cq.overflow as usize,
            cqes: cq.cqes as usize,
        })
    }

    /// Bytes from the start that hold every word but the entries themselves.
    pub(super) fn header_bytes(&self) -> usize {
        let words = [
            self.sq_head,
            self.sq_tail,
            self.sq_entries,
            self.sq_flags,
            self.sq_dropped,
            self.cq_head,
            self.cq_tail,
            self.cq_entries,
            self.cq_overflow,
        ];
        words.into_iter().max().unwrap_or(0) + size_of::<u32>()
    }
}

fn refused(errno: Errno) -> Refusal {
    let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").unwrap_or_default();
    let says = format!("io_uring_setup: {errno:?}");
    match errno {
        Errno::EPERM if matches!(disabled.trim(), "1" | "2") => refusal(
            Layer::Sysctl,
            format!("{says} (kernel.io_uring_disabled {})", disabled.trim()),
            "sudo sysctl kernel.io_uring_disabled=0",
        ),
        Errno::EPERM | Errno::EACCES | Errno::ENOSYS if seccomp_filtered() => {
            refusal(Layer::Seccomp, format!("{says} (a seccomp filter is at work)"), OUTSIDE_CONTAINER)
        }
        Errno::ENOSYS => {
            refusal(Layer::Kernel, format!("{says} (this kernel has no io_uring)"), "a kernel with io_uring")
        }
        Errno::ENOMEM => refusal(
            Layer::Memlock,
            format!("{says} (RLIMIT_MEMLOCK counts rings before Linux 5.12)"),
            "raise it: ulimit -l unlimited",
        ),
        Errno::EMFILE | Errno::ENFILE => crate::probe::refuse::limit(&says),
        _ => refusal(Layer::Kernel, says, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_have_the_size_of_the_kernels() {
        assert_eq!(size_of::<Params>(), 120);
    }
}
