//! Wrong: zero means zero, so the program looks at the CQ until something is there.
//!
//! In a burst that is right. It also looks for as long as a nap takes.

use std::io::{self, BufRead, Write};

use io_uring::types::Timespec;
use io_uring::{IoUring, cqueue, opcode, squeue};

/// How many operations may be in flight.
const IN_FLIGHT: u32 = 128;

/// Slots in the SQ. Twice as many, because the poller may write CQEs a moment before
/// it gives the slots of their SQEs back.
const ENTRIES: u32 = 2 * IN_FLIGHT;

/// Milliseconds without work after which the poller goes to sleep. In a burst it is
/// never without work for that long, and in a pause it should not look for longer.
const IDLE_MS: u32 = 2;

fn main() -> io::Result<()> {
    let ring = IoUring::builder().setup_sqpoll(IDLE_MS).build(ENTRIES)?;
    let mut operations = Operations { ring, in_flight: 0, span: Timespec::new() };
    // Between two lines the program sleeps here, in read(2).
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (command, number) = line.split_once(' ').unwrap_or_default();
        match (command, number.parse()) {
            ("burst", Ok(count)) => operations.burst(count)?,
            ("nap", Ok(milliseconds)) => operations.nap(milliseconds)?,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, line)),
        }
        let mut answer = io::stdout().lock();
        writeln!(answer, "done {number}")?;
        answer.flush()?;
    }
    Ok(())
}

/// The ring, and what is known about it.
struct Operations {
    ring: IoUring,
    /// SQEs that were written and whose CQEs have not been taken yet.
    in_flight: u32,
    /// How long the nap is. The poller reads it some time after the SQE was written, so
    /// it is here, and not on the stack of a function that may have returned.
    span: Timespec,
}

impl Operations {
    /// Sends `left` NOPs through the ring, and keeps as many in flight as may be.
    fn burst(&mut self, mut left: u64) -> io::Result<()> {
        let nop = opcode::Nop::new().build();
        while left > 0 || self.in_flight > 0 {
            let room = u64::from(IN_FLIGHT - self.in_flight).min(left);
            for _ in 0..room {
                self.push(&nop)?;
            }
            left -= room;
            self.hand_over()?;
            self.take()?;
        }
        Ok(())
    }

    /// One operation that is done after so many milliseconds.
    fn nap(&mut self, milliseconds: u64) -> io::Result<()> {
        self.span = Timespec::new().sec(milliseconds / 1000).nsec((milliseconds % 1000) as u32 * 1_000_000);
        self.push(&opcode::Timeout::new(&self.span).build())?;
        self.hand_over()?;
        while self.in_flight > 0 {
            self.take()?;
        }
        Ok(())
    }

    /// Waits for a CQE, and takes all that are there.
    fn take(&mut self) -> io::Result<()> {
        self.wait()?;
        for cqe in self.ring.completion() {
            check(&cqe)?;
            self.in_flight -= 1;
        }
        Ok(())
    }

    /// Returns when there is a CQE, without a system call.
    fn wait(&mut self) -> io::Result<()> {
        while self.ring.completion().is_empty() {
            std::hint::spin_loop();
        }
        Ok(())
    }

    /// Writes one SQE and moves the tail (the crate does that when the borrowed queue is
    /// dropped, at the end of the statement). A poller that is awake may take it at once.
    fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: a NOP points to nothing, and a timeout to `span`, which lives as long as the ring.
        unsafe { self.ring.submission().push(entry) }.map_err(io::Error::other)?;
        self.in_flight += 1;
        Ok(())
    }

    /// Wakes the poller if it sleeps, and makes no system call if it is awake: `submit`
    /// looks at NEED_WAKEUP, with a full fence between the tail and the flag.
    fn hand_over(&mut self) -> io::Result<()> {
        self.ring.submit().map(drop)
    }
}

/// Whether the operation did what it should.
fn check(cqe: &cqueue::Entry) -> io::Result<()> {
    match cqe.result() {
        // The result of a timeout whose time has come.
        error @ ..0 if error != -libc::ETIME => Err(io::Error::from_raw_os_error(-error)),
        _ => Ok(()),
    }
}
