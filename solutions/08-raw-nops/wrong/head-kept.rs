//! Wrong: the program counts for itself how far it has read, and the kernel never learns of it.
//!
//! When every slot has been used once the completion queue is full for good.

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
    let mut read = 0;
    for line in io::stdin().lines() {
        let line = line?;
        let Some(Ok(count)) = line.strip_prefix("nops ").map(str::parse) else {
            return Err(io::Error::other(format!("not a command: {line:?}")));
        };
        let sum = ring.nops(&mut read, count)?;
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
    /// No lockstep: the queue is topped up whenever the kernel has taken something.
    fn nops(&mut self, read: &mut u32, count: u64) -> io::Result<u64> {
        let (mut pushed, mut taken, mut sum) = (0, 0, 0);
        while taken < count {
            pushed += self.fill(pushed..count);
            // What is not taken yet is whatever lies between the kernel's head and our tail.
            let waiting = self.sq.tail.load(Relaxed).wrapping_sub(self.sq.head.load(Acquire));
            self.enter(waiting, 1)?;
            for cqe in self.reap(read) {
                if cqe.res < 0 {
                    return Err(io::Error::from_raw_os_error(-cqe.res));
                }
                sum += cqe.user_data;
                taken += 1;
            }
        }
        Ok(sum)
    }

    /// Writes as many SQEs as there are free slots, then shows all of them by one store.
    fn fill(&mut self, wanted: std::ops::Range<u64>) -> u64 {
        let head = self.sq.head.load(Acquire);
        let mut tail = self.sq.tail.load(Relaxed);
        let mut written = 0;
        for user_data in wanted {
            if tail.wrapping_sub(head) > self.sq.mask {
                break;
            }
            let slot = (tail & self.sq.mask) as usize;
            // SAFETY: a slot of the mapping, which the kernel has taken the last SQE out of.
            unsafe { self.sqes.add(slot).write(Sqe { user_data, ..Sqe::default() }) };
            tail = tail.wrapping_add(1);
            written += 1;
        }
        self.sq.tail.store(tail, Release);
        written
    }

    /// Copies all CQEs that were not read yet.
    fn reap(&mut self, read: &mut u32) -> Vec<Cqe> {
        let (head, tail) = (*read, self.cq.tail.load(Acquire));
        let there = (0..tail.wrapping_sub(head)).map(|nth| {
            let slot = (head.wrapping_add(nth) & self.cq.mask) as usize;
            // SAFETY: a slot of the mapping, between head and tail: the kernel has filled it.
            unsafe { self.cqes.add(slot).read() }
        });
        let there = there.collect();
        *read = tail;
        there
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
