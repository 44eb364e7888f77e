//! Wrong: waits for ever, without a call.
//!
//! "SQPOLL needs no system calls", so the CQ is looked at until everything is there.
//! Nobody looks at the flag. When the poller sleeps, this program burns a processor to
//! wait for a thread that waits for it.

use std::io::{self, BufRead, Write};

use io_uring::{EnterFlags, IoUring, opcode};

/// How many operations may be in flight.
const IN_FLIGHT: u32 = 64;

/// Slots in the SQ. Twice as many, because the poller may write CQEs a moment before
/// it gives the slots of their SQEs back.
const ENTRIES: u32 = 2 * IN_FLIGHT;

/// Milliseconds without work after which the poller goes to sleep.
const IDLE_MS: u32 = 100;

fn main() -> io::Result<()> {
    let ring = IoUring::builder().setup_sqpoll(IDLE_MS).build(ENTRIES)?;
    let mut requests = Requests { ring, in_flight: 0, poller_started: false };
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
    /// Whether the poller has been woken for the first time.
    poller_started: bool,
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

        // The poller of a fresh ring sleeps until it is woken for the first time.
        // From then on it looks at the tail by itself.
        if !self.poller_started {
            self.wake()?;
            self.poller_started = true;
        }
        Ok(())
    }

    /// Wakes the poller: a call that submits nothing and waits for nothing.
    fn wake(&self) -> io::Result<()> {
        self.enter(0, EnterFlags::SQ_WAKEUP)
    }

    /// Looks until everything that is in flight is done, and takes its CQEs.
    fn wait_for_all(&mut self) -> io::Result<()> {
        while self.in_flight > 0 {
            std::hint::spin_loop();
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
    fn enter(&self, wanted: u32, flags: EnterFlags) -> io::Result<()> {
        // SAFETY: there is no argument, and what is in flight has no memory of ours.
        match unsafe { self.ring.submitter().enter::<libc::sigset_t>(0, wanted, flags.bits(), None) } {
            // A signal came first. Whoever calls looks at the CQ again anyway.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }
}
