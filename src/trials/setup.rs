//! A ring by hand: one call, two mappings, an SQE, an enter, and a CQE.
//!
//! io_uring_setup(2) makes both rings and gives a descriptor. Their memory is the
//! kernel's, and mmap(2) shows it to the program: heads, tails and CQEs at one offset,
//! the SQEs at another. (Before Linux 5.4 the CQ had a third one of its own;
//! IORING_FEAT_SINGLE_MMAP says that it is not needed.) Where in that memory a tail or
//! a mask lies is what the kernel has written into the struct that was passed.
//!
//! Seen from outside: of 5 SQEs that are asked for the kernel makes 8, a power of two
//! so that a mask does for a modulo, and 16 CQEs. A NOP goes through: the program has
//! moved the SQ's tail to 1, the kernel its head, and then the CQ's tail. The crate
//! that the other trials use does the same, and no more.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use nix::errno::Errno;

/// Offsets for mmap(2): the rings, the SQEs.
const OFF_SQ_RING: libc::off_t = 0;
const OFF_SQES: libc::off_t = 0x1000_0000;

/// Bytes of an SQE and of a CQE.
const SQE_BYTES: usize = 64;
const CQE_BYTES: usize = 16;

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

/// Makes a ring and has it do nothing, once.
pub fn run() -> anyhow::Result<()> {
    // ANCHOR: point
    let mut made = Parameters::default();
    // SAFETY: the kernel reads and writes one struct of this layout, 120 bytes.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 5, &raw mut made) };
    let fd = Errno::result(fd).context("io_uring_setup")? as i32;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    let ring = unsafe { OwnedFd::from_raw_fd(fd) };

    // Both rings in one mapping, which ends with the CQEs or with the SQ's array.
    let [sq_tail, sq_array] = [1, 6].map(|word: usize| made.sq_offsets[word] as usize);
    let [cq_head, cqes] = [0, 5].map(|word: usize| made.cq_offsets[word] as usize);
    let ends = [cqes + made.cq_entries as usize * CQE_BYTES, sq_array + made.sq_entries as usize * 4];
    let rings = map(&ring, ends[0].max(ends[1]), OFF_SQ_RING).context("mmap of the rings")?;
    let sqes = map(&ring, made.sq_entries as usize * SQE_BYTES, OFF_SQES).context("mmap of the SQEs")?;

    // The SQE is all zeros already, which is a NOP, and the array's first entry names
    // SQE 0. So what is left is to give it a name, the user_data at byte 32.
    // SAFETY: inside the mapping, aligned, and the kernel does not look there yet.
    unsafe { sqes.add(32).cast::<u64>().write(7) };
    // Release: who sees the new tail sees the SQE, too.
    word(rings, sq_tail).store(1, Ordering::Release);
    // SAFETY: numbers, and a mask that is not there.
    let took = unsafe { libc::syscall(libc::SYS_io_uring_enter, fd, 1, 1, 1, 0_usize, 0_usize) };
    Errno::result(took).context("io_uring_enter")?;
    // Acquire, as the CQE was published by the other side; then the slot is given back.
    let head = word(rings, cq_head);
    head.store(head.load(Ordering::Acquire) + 1, Ordering::Release);
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget(ring);
    Ok(())
}

/// Shows a part of the ring's memory; it stays until the process ends.
fn map(ring: &OwnedFd, bytes: usize, offset: libc::off_t) -> nix::Result<*mut u8> {
    let (access, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let at = unsafe { libc::mmap(ptr::null_mut(), bytes, access, sharing, ring.as_raw_fd(), offset) };
    if at == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(at.cast()) }
}

/// A head or a tail: both sides look at it, so it is only touched as an atomic.
fn word(rings: *mut u8, offset: usize) -> &'static AtomicU32 {
    // SAFETY: the kernel gave the offset of an aligned u32 in a mapping that stays.
    unsafe { AtomicU32::from_ptr(rings.add(offset).cast()) }
}
