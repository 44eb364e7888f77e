//! Right: without a library, so that the fence is written down.
//!
//! The ring is mapped by hand. What the io-uring crate's `need_wakeup` does out of
//! sight is in `hand_over`: store the tail, full fence, read the flag.

use std::ffi::c_void;
use std::io::{self, BufRead, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// How many operations may be in flight, and twice as many slots: the poller may write
/// CQEs a moment before it gives the slots of their SQEs back.
const IN_FLIGHT: u32 = 64;
const ENTRIES: u32 = 2 * IN_FLIGHT;
const IDLE_MS: u32 = 100;

// Numbers from the kernel's include/uapi/linux/io_uring.h.
const SETUP_SQPOLL: u32 = 1 << 1;
const FEAT_SINGLE_MMAP: u32 = 1;
const OFF_SQES: i64 = 0x1000_0000;
const SQ_NEED_WAKEUP: u32 = 1;
const ENTER_GETEVENTS: u32 = 1;
const ENTER_SQ_WAKEUP: u32 = 1 << 1;

/// struct io_sqring_offsets, and struct io_cqring_offsets: where the words of a ring lie.
/// Of the two, `flags_or_overflow` and `dropped_or_cqes` differ in meaning.
#[repr(C)]
#[derive(Default)]
struct Offsets {
    head: u32,
    tail: u32,
    mask: u32,
    entries: u32,
    flags_or_overflow: u32,
    dropped_or_cqes: u32,
    array_or_flags: u32,
    reserved: u32,
    user_address: u64,
}

/// struct io_uring_params.
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
    reserved: [u32; 3],
    sq: Offsets,
    cq: Offsets,
}

/// One mapped ring. All pointers lead into memory that is never unmapped.
struct Ring {
    fd: OwnedFd,
    sq_tail: &'static AtomicU32,
    sq_flags: &'static AtomicU32,
    cq_head: &'static AtomicU32,
    cq_tail: &'static AtomicU32,
    in_flight: u32,
}

impl Ring {
    fn new() -> io::Result<Self> {
        let mut params = Params { flags: SETUP_SQPOLL, sq_thread_idle: IDLE_MS, ..Params::default() };
        // SAFETY: the kernel writes into `params`, which has the layout that it expects.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, ENTRIES, &raw mut params) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        if params.features & FEAT_SINGLE_MMAP == 0 {
            return Err(io::Error::other("a kernel before 5.4"));
        }
        let array_end = params.sq.array_or_flags + params.sq_entries * 4;
        let cqes_end = params.cq.dropped_or_cqes + params.cq_entries * 16;
        let rings = map(&fd, 0, array_end.max(cqes_end) as usize)?;
        let sqes = map(&fd, OFF_SQES, params.sq_entries as usize * 64)?;
        // SAFETY: the offsets are the kernel's own, inside the mapping, and aligned.
        let word =
            |offset: u32| unsafe { AtomicU32::from_ptr(rings.cast::<u32>().byte_add(offset as usize)) };
        // A NOP is an SQE of zeros, and nothing else is ever written to this queue: so
        // the entries are ready as they are, and so is slot n in place n of the array.
        // SAFETY: inside the mapping of the SQEs, and the poller sleeps.
        unsafe { ptr::write_bytes(sqes.cast::<u8>(), 0, params.sq_entries as usize * 64) };
        for slot in 0..params.sq_entries {
            word(params.sq.array_or_flags + slot * 4).store(slot, Ordering::Relaxed);
        }
        Ok(Self {
            sq_tail: word(params.sq.tail),
            sq_flags: word(params.sq.flags_or_overflow),
            cq_head: word(params.cq.head),
            cq_tail: word(params.cq.tail),
            in_flight: 0,
            fd,
        })
    }

    /// One NOP more.
    fn hand_over(&mut self) -> io::Result<()> {
        let tail = self.sq_tail.load(Ordering::Relaxed);
        self.sq_tail.store(tail.wrapping_add(1), Ordering::Release);
        self.in_flight += 1;
        // The store above may still be on its way when the load below is done already,
        // unless something forbids it. The poller has the same fence, between its store
        // of the flag and its last look at the tail: one of the two sees the other.
        fence(Ordering::SeqCst);
        match self.sq_flags.load(Ordering::Relaxed) & SQ_NEED_WAKEUP {
            0 => Ok(()),
            _ => self.enter(0, ENTER_SQ_WAKEUP),
        }
    }

    /// Waits until all is done. Results of NOPs are not looked at, only counted.
    fn wait_for_all(&mut self) -> io::Result<()> {
        let head = self.cq_head.load(Ordering::Relaxed);
        while self.cq_tail.load(Ordering::Acquire).wrapping_sub(head) < self.in_flight {
            self.enter(self.in_flight, ENTER_GETEVENTS)?;
        }
        self.cq_head.store(head.wrapping_add(self.in_flight), Ordering::Release);
        self.in_flight = 0;
        Ok(())
    }

    fn enter(&self, wanted: u32, flags: u32) -> io::Result<()> {
        let fd = self.fd.as_raw_fd();
        // SAFETY: no memory is passed.
        let entered = unsafe {
            libc::syscall(libc::SYS_io_uring_enter, fd, 0, wanted, flags, ptr::null::<c_void>(), 0)
        };
        match io::Error::last_os_error() {
            error if entered < 0 && error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}

/// Maps a part of the ring's memory.
fn map(fd: &OwnedFd, offset: i64, bytes: usize) -> io::Result<*mut c_void> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choosing.
    let at =
        unsafe { libc::mmap(ptr::null_mut(), bytes, protection, libc::MAP_SHARED, fd.as_raw_fd(), offset) };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at) }
}

fn main() -> io::Result<()> {
    let mut ring = Ring::new()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Some(count) = line.strip_prefix("nops ").and_then(|count| count.parse::<u64>().ok()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, line));
        };
        for _ in 0..count {
            if ring.in_flight == IN_FLIGHT {
                ring.wait_for_all()?;
            }
            ring.hand_over()?;
        }
        ring.wait_for_all()?;
        let mut answer = io::stdout().lock();
        writeln!(answer, "done {count}")?;
        answer.flush()?;
    }
    Ok(())
}
