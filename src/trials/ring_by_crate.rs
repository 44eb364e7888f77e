//! Three ways to a ring, the second: with the io-uring crate.
//!
//! The same sixteen operations as by hand. The crate knows the offsets, the masks and the
//! order of writes; it gives two queues that can be pushed to and iterated over. What it
//! cannot know is whose memory an entry points to and for how long: so `push` is unsafe,
//! and that promise stays with whoever calls it.
//!
//! Seen from outside: the same calls as its siblings make.

use anyhow::{Context, ensure};
use io_uring::{IoUring, opcode};

/// Rounds, and operations in each.
const ROUNDS: u64 = 4;
const BATCH: usize = 4;

/// Sends the operations through the crate's ring.
pub fn run() -> anyhow::Result<()> {
    // ANCHOR: point
    let mut ring = IoUring::new(8).context("io_uring_setup")?;
    for round in 0..ROUNDS {
        let nop = opcode::Nop::new().build().user_data(round);
        for _ in 0..BATCH {
            // SAFETY: a NOP points to nothing.
            unsafe { ring.submission().push(&nop) }.context("push")?;
        }
        ring.submit_and_wait(BATCH).context("io_uring_enter")?;
        // Dropping the queue gives the slots back.
        let named: Vec<u64> = ring.completion().map(|cqe| cqe.user_data()).collect();
        ensure!(named == [round; BATCH], "completions named {named:?} in round {round}");
    }
    // ANCHOR_END: point
    Ok(())
}
