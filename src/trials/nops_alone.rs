//! What a ring costs without a batch: one entry, one call, 64 000 times.
//!
//! A NOP does nothing and comes back at once, so what is left is the price of asking:
//! an entry written, one io_uring_enter(2) that hands it over, a completion read. Each
//! of them pays for the way into the kernel and back all by itself.
//!
//! Seen from outside: 64 000 calls, and their processor time. Its twin sends the same
//! entries 32 at a time, with a thirty-second of the calls.

use anyhow::{Context, ensure};
use io_uring::{IoUring, opcode};

/// Entries in all.
const ENTRIES: u64 = 64_000;

/// Sends every entry by itself.
pub fn run() -> anyhow::Result<()> {
    let mut ring = IoUring::new(64).context("io_uring_setup")?;
    // ANCHOR: point
    for number in 0..ENTRIES {
        let nop = opcode::Nop::new().build().user_data(number);
        // SAFETY: a NOP has no buffers.
        unsafe { ring.submission().push(&nop) }.context("push")?;
        // The call that the other one makes once for 32.
        ring.submit_and_wait(1).context("io_uring_enter")?;
        let done = ring.completion().next().context("no completion")?;
        ensure!(done.user_data() == number, "completion {} for entry {number}", done.user_data());
    }
    // ANCHOR_END: point
    Ok(())
}
