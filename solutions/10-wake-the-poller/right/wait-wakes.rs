//! Right: whoever waits, wakes.
//!
//! Nothing is looked at while SQEs are written: a poller that is awake takes them
//! meanwhile, one that sleeps can go on sleeping until somebody wants a result. Every
//! round ends in a wait, and `submit_and_wait` looks at NEED_WAKEUP, after a full
//! fence, and puts IORING_ENTER_SQ_WAKEUP into the very call that waits.

use std::io::{self, BufRead, Write};

use io_uring::{IoUring, opcode};

/// NOPs in a round, and twice as many slots: the poller may write CQEs a moment before
/// it gives the slots of their SQEs back.
const ROUND: usize = 64;
const ENTRIES: u32 = 128;
const IDLE_MS: u32 = 50;

fn main() -> io::Result<()> {
    let mut ring = IoUring::builder().setup_sqpoll(IDLE_MS).build(ENTRIES)?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Some(count) = line.strip_prefix("nops ").and_then(|count| count.parse::<usize>().ok()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, line));
        };
        let mut left = count;
        while left > 0 {
            let round = left.min(ROUND);
            push_nops(&mut ring, round)?;
            await_nops(&mut ring, round)?;
            left -= round;
        }
        let mut answer = io::stdout().lock();
        writeln!(answer, "done {count}")?;
        answer.flush()?;
    }
    Ok(())
}

/// Writes SQEs, and moves the tail after each.
fn push_nops(ring: &mut IoUring, count: usize) -> io::Result<()> {
    let mut queue = ring.submission();
    for _ in 0..count {
        // SAFETY: a NOP points to nothing that would have to outlive it.
        unsafe { queue.push(&opcode::Nop::new().build()) }.map_err(io::Error::other)?;
        queue.sync();
    }
    Ok(())
}

/// Takes as many CQEs.
fn await_nops(ring: &mut IoUring, count: usize) -> io::Result<()> {
    let mut missing = count;
    while missing > 0 {
        match ring.submit_and_wait(missing) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for cqe in ring.completion() {
            if cqe.result() < 0 {
                return Err(io::Error::from_raw_os_error(-cqe.result()));
            }
            missing -= 1;
        }
    }
    Ok(())
}
