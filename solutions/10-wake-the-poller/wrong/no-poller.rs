//! Wrong: the poller is given up.
//!
//! It got stuck, so SQPOLL "does not work on this machine". Without the flag the ring
//! never strands anything, and it is another exercise.

use std::io::{self, BufRead, Write};

use io_uring::{EnterFlags, IoUring, opcode};

/// How many operations may be in flight.
const IN_FLIGHT: u32 = 64;

/// Slots in the SQ. Twice as many, because the poller may write CQEs a moment before
/// it gives the slots of their SQEs back.
const ENTRIES: u32 = 2 * IN_FLIGHT;

fn main() -> io::Result<()> {
    let ring = IoUring::new(ENTRIES)?;
    let mut requests = Requests { ring, in_flight: 0 };
    // Between two lines the program sleeps here, in read(2). So does the poller, after a while.
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Some(count) = line.strip_prefix("nops ").and_then(|count| count.parse::<u64>().ok()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, line));
        };
        for _ in 0..count {
            if requests.in_flight == IN_FLIGHT {
                requests.wait_for_all()?;
            }
            requests.hand_over()?;
        }
        requests.wait_for_all()?;
        let mut answer = io::stdout().lock();
        writeln!(answer, "done {count}")?;
        answer.flush()?;
    }
    Ok(())
}

/// The ring, and what is known about it.
struct Requests {
    ring: IoUring,
    /// SQEs that were written and whose CQEs have not been taken yet.
    in_flight: u32,
}

impl Requests {
    /// Hands one NOP over.
    fn hand_over(&mut self) -> io::Result<()> {
        let nop = opcode::Nop::new().build();
        let mut queue = self.ring.submission();
        // SAFETY: a NOP points to nothing that would have to outlive it.
        unsafe { queue.push(&nop) }.map_err(io::Error::other)?;
        // The tail that the kernel sees moves here, and not a moment earlier: `push`
        // has written the entry and moved a copy of the tail that only we can see.
        queue.sync();
        drop(queue);
        self.in_flight += 1;
        Ok(())
    }

    /// Sleeps until everything that is in flight is done, and takes its CQEs.
    fn wait_for_all(&mut self) -> io::Result<()> {
        while self.in_flight > 0 {
            self.enter(self.in_flight, self.in_flight, EnterFlags::GETEVENTS)?;
            for cqe in self.ring.completion() {
                if cqe.result() < 0 {
                    return Err(io::Error::from_raw_os_error(-cqe.result()));
                }
                self.in_flight -= 1;
            }
        }
        Ok(())
    }

    /// io_uring_enter(2), by hand. The crate has friendlier calls; here nothing is to
    /// happen that is not written down.
    fn enter(&self, queued: u32, wanted: u32, flags: EnterFlags) -> io::Result<()> {
        // SAFETY: there is no argument, and what is in flight has no memory of ours.
        match unsafe { self.ring.submitter().enter::<libc::sigset_t>(queued, wanted, flags.bits(), None) } {
            // A signal came first. Whoever calls looks at the CQ again anyway.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}
