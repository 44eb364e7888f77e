//! What a ring is for: 64 000 entries in 2 000 calls.
//!
//! The same NOPs as its twin sends one by one. Here 32 of them are written into the
//! submission queue first, and a single io_uring_enter(2) takes them all and comes back
//! with 32 completions. What is done for each entry stays the same, in the program and
//! in the kernel; what is done for each call is shared.
//!
//! Seen from outside: 2 000 calls, and a fraction of the processor time. No server gains
//! as much: it also has something to do.

use anyhow::{Context, ensure};
use io_uring::{IoUring, opcode};

/// Entries in all, and in one call.
const ENTRIES: u64 = 64_000;
const BATCH: u64 = 32;

/// Sends the entries in batches.
pub fn run() -> anyhow::Result<()> {
    let mut ring = IoUring::new(64).context("io_uring_setup")?;
    // ANCHOR: point
    for first in (0..ENTRIES).step_by(BATCH as usize) {
        for number in first..first + BATCH {
            let nop = opcode::Nop::new().build().user_data(number);
            // SAFETY: a NOP has no buffers.
            unsafe { ring.submission().push(&nop) }.context("push")?;
        }
        // One way into the kernel for all of them.
        ring.submit_and_wait(BATCH as usize).context("io_uring_enter")?;
        let mut wanted = first;
        for done in ring.completion() {
            ensure!(done.user_data() == wanted, "completion {} for entry {wanted}", done.user_data());
            wanted += 1;
        }
        ensure!(wanted == first + BATCH, "{} completions of {BATCH}", wanted - first);
    }
    // ANCHOR_END: point
    Ok(())
}
