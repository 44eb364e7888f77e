//! A wake-up that is not forgotten: the thread sleeps, and is told.
//!
//! The same program as `sqpoll-asleep`, but for how it hands the second SQE over. After
//! the tail has moved it looks at the flags of the ring, with a full memory fence in
//! between, and finds IORING_SQ_NEED_WAKEUP: the kernel thread has gone to sleep. So it
//! makes the one system call that SQPOLL cannot do without, io_uring_enter(2) with
//! IORING_ENTER_SQ_WAKEUP. While the thread is awake the same line makes none.
//!
//! Seen from outside: the entry is taken as soon as it is there, and its CQE stands in
//! the ring while the program still sleeps.

use anyhow::Context;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

/// Milliseconds without work after which the thread goes to sleep.
const IDLE_MS: u32 = 20;

/// How long each state is held, so that it can be seen from outside.
const HOLD: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 60_000_000 };

/// Hands something over to a thread that sleeps, and wakes it.
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

    // An SQE is written and the tail moved.
    // SAFETY: as above.
    unsafe { ring.submission().push(&opcode::Nop::new().build().user_data(2)) }.context("push")?;
    // And the flag is looked at: submit of the crate has the fence, the look and the call.
    ring.submit().context("io_uring_enter")?;
    rest()?;
    rest()?;
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
