//! More completions than the queue has slots: the flag is set, the counter stays 0.
//!
//! A CQE needs a slot, and slots come free when the program moves the head. If it
//! does not, and operations complete all the same, the kernel keeps their CQEs in a
//! list of its own (IORING_FEAT_NODROP, Linux 5.5) and sets IORING_SQ_CQ_OVERFLOW in
//! the flags of the SQ ring. The ring also has a counter called overflow. That one
//! counts what was *lost*, and with the list nothing is: it stays 0.
//!
//! Seen from outside: 40 operations are handed over, 16 CQEs are in the ring. They are
//! taken, and the ring is empty, with 24 results missing: a program that polls the
//! ring would wait for ever. They come when it enters the kernel again with
//! IORING_ENTER_GETEVENTS, 16 and then 8.

use anyhow::Context;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

/// Slots of either queue.
const SLOTS: u32 = 16;

/// What io_uring_enter(2) is told: bring what is in the list.
const GETEVENTS: u32 = 1;

/// How long each state is held, so that it can be seen from outside.
const HOLD: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 60_000_000 };

/// Completes 40 operations into a queue of 16.
pub fn run() -> anyhow::Result<()> {
    // The kernel's own choice is a CQ of twice the SQ; this asks for less.
    let ring = IoUring::builder().setup_cqsize(SLOTS).build(SLOTS).context("io_uring_setup")?;
    // Leaked: the ring stays until the process ends.
    let ring = Box::leak(Box::new(ring));

    // ANCHOR: point
    // An operation that does nothing completes inside the call that submits it.
    submit(ring, 16)?;
    submit(ring, 16)?;
    submit(ring, 8)?;
    rest()?;
    // What can be seen is taken. The flag still says that this is not all.
    ring.completion().for_each(drop);
    rest()?;
    // Entering brings as many as there are slots, and then the others.
    while ring.submission().cq_overflow() {
        enter(ring, 0, GETEVENTS)?;
        rest()?;
        ring.completion().for_each(drop);
    }
    // ANCHOR_END: point
    Ok(())
}

/// Pushes so many NOPs and hands them over in one call.
fn submit(ring: &mut IoUring, count: u32) -> anyhow::Result<()> {
    for _ in 0..count {
        // SAFETY: a NOP has no buffers.
        unsafe { ring.submission().push(&opcode::Nop::new().build()) }.context("push")?;
    }
    enter(ring, count, 0)
}

/// The bare call: the crate's own would set GETEVENTS by itself, which is the remedy.
fn enter(ring: &IoUring, count: u32, flags: u32) -> anyhow::Result<()> {
    // SAFETY: no signal mask is passed, and what was pushed has no buffers.
    let taken = unsafe { ring.submitter().enter::<libc::sigset_t>(count, 0, flags, None) };
    taken.map(drop).context("io_uring_enter")
}

/// A wait for nothing but time: whoever looks from outside sees what the ring holds.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &HOLD, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
