//! One processor's buffer: memory that the kernel writes records to, and that is read without a system call.

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Where the kernel says how far it has written, and we how far we have read (`struct perf_event_mmap_page`).
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// A buffer of one processor.
#[derive(Debug)]
pub(super) struct Buffer {
    /// Which processor.
    pub(super) cpu: u32,
    /// The event that the buffer belongs to: others write there, too.
    event: OwnedFd,
    start: NonNull<libc::c_void>,
    page_bytes: usize,
    data_bytes: usize,
    /// How far was read.
    tail: u64,
}

// SAFETY: the mapping is reached through `&mut self` only, and the kernel does not care which thread reads.
unsafe impl Send for Buffer {}

impl Buffer {
    /// Maps `pages` (a power of two) of data for `event`, which watches `cpu`.
    ///
    /// # Errors
    /// EPERM (more than kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK together), ENOMEM, EINVAL.
    pub(super) fn map(event: OwnedFd, cpu: u32, pages: usize) -> Result<Self, (OwnedFd, Errno)> {
        let page_bytes = page_bytes();
        let length = NonZeroUsize::new((1 + pages) * page_bytes).unwrap_or(NonZeroUsize::MIN);
        // Written to as well: the kernel then waits for the reader instead of writing over what was not read.
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh mapping at an address of the kernel's choosing; nothing of ours is there.
        let mapped = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, &event, 0) };
        match mapped {
            Ok(start) => Ok(Self { cpu, event, start, page_bytes, data_bytes: pages * page_bytes, tail: 0 }),
            Err(errno) => Err((event, errno)),
        }
    }

    /// How much it holds, in bytes.
    pub(super) fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    /// Appends what was written since the last time, and makes room for more; how many bytes that was. `None`: the
    /// kernel's account makes no sense, and what stood there is given up.
    pub(super) fn fetch(&mut self, into: &mut Vec<u8>) -> Option<usize> {
        // What was written before the head was moved is visible after this.
        let head = self.word(DATA_HEAD).load(Ordering::Acquire);
        let length = usize::try_from(head.wrapping_sub(self.tail)).unwrap_or(usize::MAX);
        let sane = length <= self.data_bytes;
        if sane && length > 0 {
            self.copy(length, into);
        }
        if length > 0 {
            self.tail = head;
            // Only now may the kernel write there again.
            self.word(DATA_TAIL).store(head, Ordering::Release);
        }
        sane.then_some(length)
    }

    fn copy(&self, length: usize, into: &mut Vec<u8>) {
        let from = (self.tail % self.data_bytes as u64) as usize;
        let first = length.min(self.data_bytes - from);
        for (at, part) in [(from, first), (0, length - first)] {
            into.reserve(part);
            // SAFETY: `at + part` lies within the data of the mapping, which begins after its first page; the kernel
            // does not write between tail and head; `part` bytes were reserved behind the vector's end.
            unsafe {
                let source = self.start.as_ptr().cast::<u8>().add(self.page_bytes + at);
                std::ptr::copy_nonoverlapping(source, into.as_mut_ptr().add(into.len()), part);
                into.set_len(into.len() + part);
            }
        }
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: both words stand aligned in the mapping's first page; the kernel, too, takes them atomically.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().cast::<u64>().byte_add(at)) }
    }
}

impl AsFd for Buffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: made by `map`, unmapped once, and no reference into it is ever handed out.
        let _ = unsafe { munmap(self.start, self.page_bytes + self.data_bytes) };
    }
}

/// The size of a page of memory, in bytes.
pub(super) fn page_bytes() -> usize {
    let asked = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    asked.ok().flatten().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(4096)
}
