//! Wrong: the submission queue is right, and the head of the completion queue is still an index.
//!
//! After a lap the kernel reads a head that fell back behind its tail: for it the queue is full.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Slots of the submission queue; the kernel makes the completion queue twice as large.
const ENTRIES: u32 = 64;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("raw-nops: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One ring for the life of the program; a line in, the work, a line out.
fn run() -> io::Result<()> {
    let mut ring = Ring::new(ENTRIES)?;
    for line in io::stdin().lines() {
        let line = line?;
        let Some(Ok(count)) = line.strip_prefix("nops ").map(str::parse) else {
            return Err(io::Error::other(format!("not a command: {line:?}")));
        };
        let sum = ring.nops(count)?;
        println!("done {count} sum {sum}");
    }
    Ok(())
}

struct Ring {
    sq: Queue,
    cq: Queue,
    /// As many as the SQ has slots.
    sqes: *mut Sqe,
    /// As many as the CQ has slots.
    cqes: *const Cqe,
    fd: OwnedFd,
}

impl Ring {
    /// Has the kernel do nothing, `count` times, and returns the sum of all user_data that came back.
    fn nops(&mut self, count: u64) -> io::Result<u64> {
        let (mut next, mut sum) = (0, 0);
        while next < count {
            let batch = (count - next).min(u64::from(ENTRIES));
            for user_data in next..next + batch {
                self.push(user_data);
            }
            // Handing over and waiting are one call.
            let took = self.enter(batch as u32, batch as u32)?;
            if u64::from(took) < batch {
                return Err(io::Error::other(format!("the kernel took {took} of {batch} SQEs")));
            }
            for _ in 0..batch {
                sum += self.take()?;
            }
            next += batch;
        }
        Ok(sum)
    }

    fn push(&mut self, user_data: u64) {
        let tail = self.sq.tail.load(Relaxed);
        let slot = (tail & self.sq.mask) as usize;
        // SAFETY: a slot of the mapping, and the kernel has taken all that was handed over before.
        unsafe { self.sqes.add(slot).write(Sqe { user_data, ..Sqe::default() }) };
        // The counter itself is never cut down: tail less head is what waits, whole laps later, too.
        self.sq.tail.store(tail.wrapping_add(1), Release);
    }

    fn take(&mut self) -> io::Result<u64> {
        let head = self.cq.head.load(Relaxed);
        if head == self.cq.tail.load(Acquire) {
            return Err(io::Error::other("the completion queue is empty"));
        }
        // SAFETY: a slot of the mapping, for the head never leaves it.
        let cqe = unsafe { self.cqes.add(head as usize).read() };
        self.cq.head.store((head + 1) & self.cq.mask, Release);
        match cqe.res {
            error @ ..0 => Err(io::Error::from_raw_os_error(-error)),
            _ => Ok(cqe.user_data),
        }
    }
}

/// One queue as program and kernel share it: who writes moves the tail, who reads moves the head.
struct Queue {
    head: &'static AtomicU32,
    tail: &'static AtomicU32,
    mask: u32,
}

/// A submission queue entry. All zeros is a NOP.
#[repr(C)]
#[derive(Default)]
struct Sqe {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    offset: u64,
    addr: u64,
    len: u32,
    op_flags: u32,
    user_data: u64,
    other: [u64; 3],
}

/// A completion queue entry.
#[repr(C)]
#[derive(Clone, Copy)]
struct Cqe {
    user_data: u64,
    res: i32,
    flags: u32,
}

/// struct io_uring_params: in go the wishes, out come sizes and places.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    sq_entries: u32,
    cq_entries: u32,
    /// flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, and three that are reserved.
    other: [u32; 8],
    /// head, tail, mask, entries, flags, dropped, array, and three more.
    sq_offsets: [u32; 10],
    /// head, tail, mask, entries, overflow, cqes, and four more.
    cq_offsets: [u32; 10],
}

/// Bit of `features`: one mapping holds both rings (Linux 5.4).
const SINGLE_MMAP: u32 = 1;
/// Offsets for mmap(2): the rings, the SQEs.
const OFF_SQ_RING: libc::off_t = 0;
const OFF_SQES: libc::off_t = 0x1000_0000;

impl Ring {
    /// Makes both rings and maps them: from here on the memory is shared with the kernel.
    fn new(entries: u32) -> io::Result<Ring> {
        let mut made = Parameters::default();
        // SAFETY: the kernel reads and writes one struct of this layout.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, entries, &raw mut made) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made it, and nobody else knows of it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        if made.other[3] & SINGLE_MMAP == 0 {
            return Err(io::Error::other("this kernel maps the queues one by one (before 5.4)"));
        }

        // Where in the memory what lies is what the kernel has written into `made`.
        let [sq_head, sq_tail, sq_mask] = [0, 1, 2].map(|word: usize| made.sq_offsets[word]);
        let [cq_head, cq_tail, cq_mask] = [0, 1, 2].map(|word: usize| made.cq_offsets[word]);
        let (array, cqes) = (made.sq_offsets[6] as usize, made.cq_offsets[5] as usize);
        let array_end = array + made.sq_entries as usize * size_of::<u32>();
        let cqes_end = cqes + made.cq_entries as usize * size_of::<Cqe>();
        let rings = map(&fd, array_end.max(cqes_end), OFF_SQ_RING)?;
        let sqes = map(&fd, made.sq_entries as usize * size_of::<Sqe>(), OFF_SQES)?;

        // The SQ itself holds numbers of SQEs, so that SQEs may be used in any order. This
        // program has no use for that: slot n names SQE n, for good.
        for slot in 0..made.sq_entries {
            // SAFETY: inside the mapping, aligned, and the kernel does not look there yet.
            unsafe { rings.add(array).cast::<u32>().add(slot as usize).write(slot) };
        }
        let mask = |offset| word(rings, offset).load(Relaxed);
        Ok(Ring {
            sq: Queue { head: word(rings, sq_head), tail: word(rings, sq_tail), mask: mask(sq_mask) },
            cq: Queue { head: word(rings, cq_head), tail: word(rings, cq_tail), mask: mask(cq_mask) },
            sqes: sqes.cast(),
            // SAFETY: the kernel gave the offset, inside the mapping.
            cqes: unsafe { rings.add(cqes) }.cast(),
            fd,
        })
    }

    /// Hands over so many SQEs, waits until so many CQEs are there, and says how many SQEs
    /// the kernel took.
    fn enter(&self, to_submit: u32, min_complete: u32) -> io::Result<u32> {
        let (fd, flags) = (self.fd.as_raw_fd(), 1); // IORING_ENTER_GETEVENTS
        loop {
            // SAFETY: numbers, and a signal mask that is not there.
            let took = unsafe {
                libc::syscall(libc::SYS_io_uring_enter, fd, to_submit, min_complete, flags, 0_usize, 0_usize)
            };
            match took {
                0.. => return Ok(took as u32),
                _ => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        }
    }
}

/// Shows a part of the ring's memory; it stays until the process ends.
fn map(ring: &OwnedFd, bytes: usize, offset: libc::off_t) -> io::Result<*mut u8> {
    let (access, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let at = unsafe { libc::mmap(ptr::null_mut(), bytes, access, sharing, ring.as_raw_fd(), offset) };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at.cast()) }
}

/// A counter or a constant of the rings: both sides look at it, so it is only touched as an atomic.
fn word(rings: *mut u8, offset: u32) -> &'static AtomicU32 {
    // SAFETY: the kernel gave the offset of an aligned u32 in a mapping that stays.
    unsafe { AtomicU32::from_ptr(rings.add(offset as usize).cast()) }
}
