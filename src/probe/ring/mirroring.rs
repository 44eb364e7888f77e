//! A thread that follows the entries of a process's rings for a while.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Passed, Rings};
use crate::probe::clock;
use crate::trace::{Refusal, RingTotals};

/// Between two looks while there is no ring.
const NO_RING: Duration = Duration::from_millis(2);

/// Between two searches for rings that are new or gone, nanoseconds.
const RESCAN_NS: u64 = 50_000_000;

/// The mirror of a process's rings, at work. It looks as often as the rings' sizes and pace ask for, 100 to 500 µs
/// apart, which takes some per cent of a processor: for a window, not for always.
#[derive(Debug)]
pub struct Mirroring {
    stop: Sender<()>,
    thread: JoinHandle<Vec<RingTotals>>,
}

impl Mirroring {
    /// Follows the rings of process `pid` from now on. `tell` gets each entry that was read whole: the time of the
    /// look in nanoseconds of CLOCK_MONOTONIC, which is after the entry's by up to the time between two looks,
    /// the ring's descriptor, and the entry.
    ///
    /// # Errors
    /// As [`Rings::open`].
    pub fn start(pid: u32, tell: impl FnMut(u64, i32, Passed) + Send + 'static) -> Result<Self, Refusal> {
        let mut rings = Rings::open(pid)?;
        rings.mirror();
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || follow(rings, &stopped, tell));
        Ok(Self { stop, thread })
    }

    /// Looks a last time and ends; the rings' totals, with how many of their entries were seen.
    pub fn end(self) -> Vec<RingTotals> {
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_default()
    }
}

fn follow(
    mut rings: Rings,
    stopped: &Receiver<()>,
    mut tell: impl FnMut(u64, i32, Passed),
) -> Vec<RingTotals> {
    wake_in_time();
    let mut searched_ns = clock::monotonic_ns();
    loop {
        let over = stopped.recv_timeout(rings.pause().unwrap_or(NO_RING)) != Err(RecvTimeoutError::Timeout);
        let now_ns = clock::monotonic_ns();
        rings.look(&mut |ring, passed| tell(now_ns, ring, passed));
        if over {
            return rings.totals();
        }
        if now_ns >= searched_ns + RESCAN_NS {
            searched_ns = now_ns;
            // Fails when the process has ended, whose rings keep what they had.
            let _ = rings.rescan();
        }
    }
}

/// Has the calling thread's timers go off when they are due (the kernel may else be late by 50 µs), and the thread
/// come before others when they do, where that is allowed (CAP_SYS_NICE): on a busy machine it would else wait for
/// a processor while queues go round. For a thread that reads the entries of rings.
pub fn wake_in_time() {
    let first = libc::sched_param { sched_priority: 1 };
    // SAFETY: numbers of the calling thread are set; `first` outlives the call.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1);
        libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const first);
    }
}
