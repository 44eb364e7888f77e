//! Three ways to a ring, the first: by hand.
//!
//! Sixteen operations that do nothing, four at a time, with nothing between the program
//! and the kernel: io_uring_setup(2), two mappings, and the counters of both rings moved
//! by the program itself. Its two siblings do the same through the io-uring crate and
//! through liburing.
//!
//! Everything that a library knows has to be known here: where in the mapping a counter
//! lies, that a slot is a counter and a mask, that the array between them names the SQE,
//! and in which order the other side sees what is written. None of these mistakes is
//! seen by a compiler.
//!
//! Seen from outside: the same calls as its siblings make.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};
use nix::errno::Errno;

/// Rounds, and operations in each.
const ROUNDS: u64 = 4;
const BATCH: u32 = 4;

/// struct io_uring_params: in go the wishes, out come sizes and places.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    sq_entries: u32,
    cq_entries: u32,
    /// flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, and three that are reserved.
    other: [u32; 8],
    /// head, tail, mask, entries, flags, dropped, array, and three more.
    sq: [u32; 10],
    /// head, tail, mask, entries, overflow, cqes, and four more.
    cq: [u32; 10],
}

/// Sends the operations through a ring of its own making.
pub fn run() -> anyhow::Result<()> {
    // ANCHOR: point
    let mut made = Parameters::default();
    // SAFETY: the kernel reads and writes one struct of this layout, 120 bytes.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 8, &raw mut made) };
    let fd = Errno::result(fd).context("io_uring_setup")? as i32;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    let ring = unsafe { OwnedFd::from_raw_fd(fd) };
    // One mapping for both rings, as long as the one that ends later; one for the SQEs.
    let rings_end = (made.cq[5] + made.cq_entries * 16).max(made.sq[6] + made.sq_entries * 4) as usize;
    let rings = map(&ring, rings_end, 0).context("mmap of the rings")?;
    let sqes = map(&ring, made.sq_entries as usize * 64, 0x1000_0000).context("mmap of the SQEs")?;
    // SAFETY: the kernel gave these offsets of aligned words in a mapping that stays until the end.
    let word = |offset: u32| unsafe { AtomicU32::from_ptr(rings.add(offset as usize).cast()) };

    for round in 0..ROUNDS {
        // Our own counter: nobody else moves it, so no order is needed to read it.
        let tail = word(made.sq[1]).load(Ordering::Relaxed);
        for slot in (0..BATCH).map(|n| tail.wrapping_add(n) & (made.sq_entries - 1)) {
            // All zeros is a NOP; at byte 32 stands the name that its completion brings back.
            // SAFETY: a slot of the ring, which the kernel has done with.
            unsafe {
                let sqe = sqes.add(slot as usize * 64);
                sqe.write_bytes(0, 64);
                sqe.add(32).cast::<u64>().write(round);
            }
            // The array between: the kernel looks there which SQE is meant.
            word(made.sq[6] + slot * 4).store(slot, Ordering::Relaxed);
        }
        // Release: who sees the new tail sees the SQEs, too.
        word(made.sq[1]).store(tail.wrapping_add(BATCH), Ordering::Release);
        // SAFETY: numbers, and a mask that is not there. The last flag is IORING_ENTER_GETEVENTS.
        let took = unsafe { libc::syscall(libc::SYS_io_uring_enter, fd, BATCH, BATCH, 1, 0_usize, 0_usize) };
        Errno::result(took).context("io_uring_enter")?;
        let head = word(made.cq[0]).load(Ordering::Relaxed);
        // Acquire: who sees the kernel's tail sees its CQEs, too.
        let there = word(made.cq[1]).load(Ordering::Acquire).wrapping_sub(head);
        ensure!(there == BATCH, "{there} completions of {BATCH}");
        for slot in (0..BATCH).map(|n| head.wrapping_add(n) & (made.cq_entries - 1)) {
            // SAFETY: a CQE that the kernel has published: user_data, res, flags.
            let named = unsafe { rings.add((made.cq[5] + slot * 16) as usize).cast::<u64>().read() };
            ensure!(named == round, "a completion named {named} in round {round}");
        }
        // Release: the slots are given back after they were read, not before.
        word(made.cq[0]).store(head.wrapping_add(BATCH), Ordering::Release);
    }
    // SAFETY: both mappings are ours, whole, and nothing points into them any more.
    unsafe {
        libc::munmap(sqes.cast(), made.sq_entries as usize * 64);
        libc::munmap(rings.cast(), rings_end);
    }
    // ANCHOR_END: point
    Ok(())
}

/// Shows a part of the ring's memory.
fn map(ring: &OwnedFd, bytes: usize, offset: libc::off_t) -> nix::Result<*mut u8> {
    let (access, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let at = unsafe { libc::mmap(ptr::null_mut(), bytes, access, sharing, ring.as_raw_fd(), offset) };
    if at == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(at.cast()) }
}
