//! Flags of io_uring_setup that do not go together: EINVAL.
//!
//! COOP_TASKRUN and DEFER_TASKRUN say when the program's own thread does the work of
//! finished operations: at its next system call, or only when it asks for events.
//! With SQPOLL another thread does that work, so the two have nothing to say, and the
//! kernel refuses the combination rather than ignore it.
//!
//! Seen from outside: two calls that answer EINVAL, and three that give a ring. A
//! library that sets such flags "for speed" has to leave them out with SQPOLL; one
//! that tries them and falls back on EINVAL loses all of them, unless it goes on with
//! fewer. DEFER_TASKRUN is only taken together with SINGLE_ISSUER, by the way.

use std::io;

use anyhow::Context;
use io_uring::IoUring;

/// Milliseconds without work after which an SQPOLL thread goes to sleep.
const IDLE_MS: u32 = 1;

/// Asks for five rings.
pub fn run() -> anyhow::Result<()> {
    // ANCHOR: point
    // Each by itself is fine.
    let polled: IoUring =
        IoUring::builder().setup_sqpoll(IDLE_MS).build(8).context("io_uring_setup SQPOLL")?;
    let coop: IoUring =
        IoUring::builder().setup_coop_taskrun().build(8).context("io_uring_setup COOP_TASKRUN")?;
    let deferred: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(8)
        .context("io_uring_setup DEFER_TASKRUN")?;

    // Together they are not: EINVAL, and EINVAL.
    let _einval: io::Result<IoUring> = IoUring::builder().setup_sqpoll(IDLE_MS).setup_coop_taskrun().build(8);
    let _einval: io::Result<IoUring> =
        IoUring::builder().setup_sqpoll(IDLE_MS).setup_single_issuer().setup_defer_taskrun().build(8);
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget((polled, coop, deferred));
    Ok(())
}
