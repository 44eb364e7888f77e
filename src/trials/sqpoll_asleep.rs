//! A wake-up that is missing: the SQE lies in the ring, and nothing happens.
//!
//! With IORING_SETUP_SQPOLL a kernel thread looks at the tail of the SQ, so a program
//! need not make a system call to hand something over: moving the tail is enough, as
//! long as the thread looks. When nothing has come for a while it goes to sleep, and
//! says so by IORING_SQ_NEED_WAKEUP in the flags of the ring. From then on a moved
//! tail is a note on the desk of somebody who has gone home.
//!
//! Seen from outside: the thread is asleep, one SQE is queued, and no CQE comes for
//! as long as one cares to wait. io_uring_enter(2) with IORING_ENTER_SQ_WAKEUP, and it
//! is there. A program has to look at the flag after it has moved the tail, with a
//! full memory fence in between, or it may miss that the thread has just left.

use anyhow::Context;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

/// Milliseconds without work after which the thread goes to sleep.
const IDLE_MS: u32 = 20;

/// What io_uring_enter(2) is told: wake the thread.
const SQ_WAKEUP: u32 = 2;

/// How long each state is held, so that it can be seen from outside.
const HOLD: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 60_000_000 };

/// Hands something over to a thread that sleeps.
pub fn run() -> anyhow::Result<()> {
    let ring: IoUring = IoUring::builder().setup_sqpoll(IDLE_MS).build(8).context("io_uring_setup")?;
    // Leaked: the ring and its thread stay until the process ends.
    let ring = Box::leak(Box::new(ring));

    // ANCHOR: point
    // Once as it should be: the crate looks at the flag and wakes the thread.
    // SAFETY: a NOP has no buffers.
    unsafe { ring.submission().push(&opcode::Nop::new().build().user_data(1)) }.context("push")?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    // And then nothing. The thread looks, and looks, and goes to sleep.
    while !ring.submission().need_wakeup() {
        rest()?;
    }

    // An SQE is written and the tail moved, which is all that this does.
    // SAFETY: as above.
    unsafe { ring.submission().push(&opcode::Nop::new().build().user_data(2)) }.context("push")?;
    // The mistake: waiting for a result without a look at the flag.
    rest()?;
    rest()?;

    // The thread is woken, takes the SQE, and here is the CQE.
    // SAFETY: no signal mask is passed, and what was pushed has no buffers.
    unsafe { ring.submitter().enter::<libc::sigset_t>(0, 0, SQ_WAKEUP, None) }.context("io_uring_enter")?;
    rest()?;
    // ANCHOR_END: point
    Ok(())
}

/// A wait for nothing but time: whoever looks from outside sees what the ring holds.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &HOLD, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
