//! sq_thread_idle = 0 does not mean "sleep at once": it means one second.
//!
//! The thread of IORING_SETUP_SQPOLL looks at the ring without rest until nothing has
//! come for sq_thread_idle milliseconds. 0 is what is in a struct that nobody filled
//! in, so the kernel takes it for "as you like", and likes a second. All that time the
//! thread holds a processor, for every pause between two requests that is shorter.
//!
//! Seen from outside: after a single NOP a thread iou-sqp-PID uses about a second of
//! processor time, for nothing at all, and then IORING_SQ_NEED_WAKEUP is set. The
//! smallest idle time that can be asked for is 1.

use anyhow::Context;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

/// Between two looks at the flag.
const HOLD: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Looks until it has not gone to sleep for several times as long as it says.
const LOOKS: u32 = 50;

/// Waits until the thread has gone to sleep.
pub fn run() -> anyhow::Result<()> {
    // ANCHOR: point
    let ring: IoUring = IoUring::builder().setup_sqpoll(0).build(8).context("io_uring_setup")?;
    // Leaked: the ring and its thread stay until the process ends.
    let ring = Box::leak(Box::new(ring));
    // One operation, which does nothing, so that there is something to wait after.
    // SAFETY: a NOP has no buffers.
    unsafe { ring.submission().push(&opcode::Nop::new().build().user_data(1)) }.context("push")?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    // And no other. How long does the thread look for one?
    for _ in 0..LOOKS {
        if ring.submission().need_wakeup() {
            break;
        }
        rest()?;
    }
    // ANCHOR_END: point
    // The flag is set: for a moment it can be seen.
    rest()
}

/// A wait for nothing but time: whoever looks from outside sees what the ring holds.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &HOLD, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
