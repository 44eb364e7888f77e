//! System calls without a wrapper, each as thin as it can be.

// Raw system calls are the subject of this file; each block names what makes it sound.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::libc::{self, c_int, c_long, c_void};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use nix::unistd::Pid;

/// `struct io_uring_params`, io_uring_setup(2), as far as it is set or read here.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RingParameters {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    pub features: u32,
    wq_fd: u32,
    reserved: [u32; 3],
    sq_offsets: [u32; 10],
    cq_offsets: [u32; 10],
}

impl RingParameters {
    /// Parameters with these flags and this many completion queue entries (which `CQSIZE` alone reads).
    pub fn new(flags: u32, cq_entries: u32) -> Self {
        Self { flags, cq_entries, ..Self::default() }
    }
}

/// io_uring_setup(2).
pub fn io_uring_setup(entries: u32, parameters: &mut RingParameters) -> Result<OwnedFd, Errno> {
    // SAFETY: the kernel reads and writes the 120 bytes that `parameters` borrows for this call only.
    descriptor(unsafe { libc::syscall(libc::SYS_io_uring_setup, entries, std::ptr::from_mut(parameters)) })
}

/// The first version of `struct perf_event_attr`, 64 bytes, perf_event_open(2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct PerfEvent {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    config1: u64,
}

/// perf_event_open(2) for this thread, on any processor: a counter of the event `config` of type `kind`.
pub fn perf_event_open(kind: u32, config: u64, flags: u64) -> Result<OwnedFd, Errno> {
    let size = size_of::<PerfEvent>() as u32;
    let event = PerfEvent { kind, size, config, flags, ..PerfEvent::default() };
    let (this, any_cpu, no_group): (c_int, c_int, c_int) = (0, -1, -1);
    // PERF_FLAG_FD_CLOEXEC, linux/perf_event.h.
    let close_on_exec: libc::c_ulong = 8;
    // SAFETY: the kernel reads `size` bytes of `event`, which lives until after the call.
    descriptor(unsafe {
        let event = std::ptr::from_ref(&event);
        libc::syscall(libc::SYS_perf_event_open, event, this, any_cpu, no_group, close_on_exec)
    })
}

/// pidfd_open(2).
pub fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: only integers are passed.
    descriptor(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })
}

/// pidfd_getfd(2): a duplicate of another process's descriptor.
pub fn pidfd_getfd(process: BorrowedFd, theirs: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: only integers are passed.
    descriptor(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), theirs, 0) })
}

/// A mount of a file system that is attached nowhere: seen by no one but the holder of the descriptor, gone
/// when that is closed. fsopen(2), fsconfig(2), fsmount(2), Linux 5.2.
pub fn detached_mount(file_system: &CStr) -> Result<OwnedFd, Errno> {
    // FSOPEN_CLOEXEC, FSCONFIG_CMD_CREATE and FSMOUNT_CLOEXEC, linux/mount.h.
    let (close_on_exec, create): (c_int, c_int) = (1, 6);
    let nothing = std::ptr::null::<c_void>();
    // SAFETY: the name is a terminated string that lives over the call; the rest are integers.
    let context =
        descriptor(unsafe { libc::syscall(libc::SYS_fsopen, file_system.as_ptr(), close_on_exec) })?;
    // SAFETY: FSCONFIG_CMD_CREATE takes no key and no value, hence null.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), create, nothing, nothing, 0)
    })?;
    // SAFETY: only integers are passed.
    descriptor(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), close_on_exec, 0) })
}

/// Takes ownership of a descriptor that a system call answered with.
fn descriptor(answer: c_long) -> Result<OwnedFd, Errno> {
    let fd = Errno::result(answer)?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}

/// Maps the first page of a ring to read it, and unmaps it again.
pub fn map_to_read(ring: BorrowedFd) -> Result<(), Errno> {
    // SAFETY: a new read-only mapping where the kernel likes, which nobody else knows of, unmapped at once.
    unsafe {
        let mapped = mmap(None, PAGE_BYTES, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, ring, 0)?;
        munmap(mapped, PAGE_BYTES.get())
    }
}

/// What is mapped: a page of every architecture, more than a page of most.
const PAGE_BYTES: NonZeroUsize = NonZeroUsize::new(64 << 10).expect("not zero");

/// Zeroed, page-aligned memory of our own.
#[derive(Debug)]
pub struct Pages(NonNull<c_void>);

impl Pages {
    /// Maps some.
    pub fn map() -> Result<Self, Errno> {
        let (readable, private) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
        // SAFETY: a new anonymous mapping where the kernel likes replaces nothing.
        Ok(Self(unsafe { mmap_anonymous(None, PAGE_BYTES, readable, private)? }))
    }

    /// Its first byte.
    pub fn start(&self) -> NonNull<c_void> {
        self.0
    }

    /// Never unmaps it.
    pub fn leak(self) {
        std::mem::forget(self);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and whoever handed its address out has taken it back.
        let _ = unsafe { munmap(self.0, PAGE_BYTES.get()) };
    }
}
