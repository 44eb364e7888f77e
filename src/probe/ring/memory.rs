//! A ring's memory, seen from another process: mapped read-only, or copied out of the program's own mapping.

use std::fs;
use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::probe::text::text;

/// A read-only shared mapping of a ring's file.
///
/// The pages belong to the ring and are put into the mapping when it is made, all of them, so they stay
/// readable when the process ends or resizes its ring; only addresses beyond the ring's memory would fault.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<libc::c_void>,
    length: usize,
}

// SAFETY: the memory is only read, by atomic loads or through the kernel, and belongs to no thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `length` bytes of the ring behind `ring` from `offset` on.
    ///
    /// # Errors
    /// EINVAL (no such part: NO_MMAP rings keep their memory elsewhere), EACCES, ENOMEM.
    pub(super) fn new(ring: &OwnedFd, offset: i64, length: usize) -> Result<Self, Errno> {
        let bytes = std::num::NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        // SAFETY: a fresh mapping at an address of the kernel's choosing; nothing of ours is there.
        let start = unsafe { mmap(None, bytes, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, ring, offset)? };
        Ok(Self { start, length })
    }

    /// The word `at` bytes from the start. The program and the kernel write it meanwhile; what they wrote
    /// before it is visible after this.
    #[inline]
    pub(super) fn word(&self, at: usize) -> u32 {
        assert!(at + size_of::<u32>() <= self.length && at.is_multiple_of(size_of::<u32>()));
        // SAFETY: inside the mapping and aligned (asserted); all others write it atomically too.
        let word = unsafe { AtomicU32::from_ptr(self.start.as_ptr().cast::<u32>().byte_add(at)) };
        // A relaxed load is the one that is promised to work on memory that may not be written; the fence
        // makes it an acquire.
        let value = word.load(Ordering::Relaxed);
        std::sync::atomic::fence(Ordering::Acquire);
        value
    }

    /// The bytes from `at` on, eight at a time: not all of one instant.
    #[inline]
    pub(super) fn bytes<const COUNT: usize>(&self, at: usize) -> [u8; COUNT] {
        const STEP: usize = size_of::<u64>();
        assert!(at + COUNT <= self.length && at.is_multiple_of(STEP));
        let mut bytes = [0; COUNT];
        for (nth, eight) in bytes.chunks_exact_mut(STEP).enumerate() {
            // SAFETY: inside the mapping and aligned (asserted); all others write it atomically or not at all
            // while it counts, which the caller finds out by looking at the queue again.
            let long =
                unsafe { AtomicU64::from_ptr(self.start.as_ptr().cast::<u64>().byte_add(at + nth * STEP)) };
            eight.copy_from_slice(&long.load(Ordering::Relaxed).to_ne_bytes());
        }
        std::sync::atomic::fence(Ordering::Acquire);
        bytes
    }

    /// Where the mapping stands in this process.
    pub(super) fn address(&self) -> usize {
        self.start.as_ptr() as usize
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made by `new`, unmapped once, and no reference into it is ever handed out.
        let _ = unsafe { munmap(self.start, self.length) };
    }
}

/// Where the program itself has mapped its ring `inode` from file offset `offset` on (proc_pid_maps(5)).
pub(super) fn mapped_at(pid: u32, inode: u64, offset: i64) -> Option<usize> {
    let maps = text(format!("/proc/{pid}/maps")).ok()?;
    maps.lines().filter(|line| line.ends_with("anon_inode:[io_uring]")).find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let start = words.next()?.split('-').next()?;
        let at = i64::from_str_radix(words.nth(1)?, 16).ok()?;
        let its_inode: u64 = words.nth(1)?.parse().ok()?;
        let wanted = at == offset && its_inode == inode;
        wanted.then(|| usize::from_str_radix(start, 16).ok()).flatten()
    })
}

/// Copies memory of process `pid` at `address` into `bytes`, wholly: process_vm_readv(2), and where that is
/// filtered `/proc/PID/mem`. An address that is not there is an error here and never a signal, which is why
/// a mapping of our own is read this way too where its extent is in doubt.
///
/// # Errors
/// EFAULT (nothing there), EPERM, ESRCH, EIO.
pub(super) fn copy(pid: u32, address: usize, bytes: &mut [u8]) -> Result<(), Errno> {
    let length = bytes.len();
    let remote = [RemoteIoVec { base: address, len: length }];
    match process_vm_readv(Pid::from_raw(pid as i32), &mut [IoSliceMut::new(bytes)], &remote) {
        Ok(read) if read == length => Ok(()),
        Ok(_) => Err(Errno::EFAULT),
        Err(Errno::EPERM | Errno::ENOSYS) => {
            let memory = fs::File::open(format!("/proc/{pid}/mem"));
            memory
                .and_then(|memory| memory.read_exact_at(bytes, address as u64))
                .map_err(|error| super::super::refuse::errno(&error))
        }
        Err(errno) => Err(errno),
    }
}
