//! Two threads hand one byte to and fro: 10 000 times, and every read waits.
//!
//! The opposite of `getppid`, with a tenth of its calls. A read(2) on a pipe that is
//! empty cannot be answered, so the kernel takes the thread off its processor and
//! gives that to whoever can run: a context switch, and a voluntary one, because the
//! thread asked for what was not there. It runs again when the other thread writes.
//!
//! Seen from outside: 4 system calls for each turn, and 2 voluntary switches, one
//! for each thread. A call that waits costs ten to a hundred times one that does
//! not: two switches, a cold cache, and on an idle machine the time that a sleeping
//! processor takes to wake up.

use std::os::fd::OwnedFd;
use std::thread;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{pipe2, read, write};

/// How often the byte goes there and back.
const TURNS: usize = 10_000;

/// Hands the byte to the other thread and waits for its return.
pub fn run() -> anyhow::Result<()> {
    // Who is woken does not take the processor of who woke it. Otherwise a write would
    // often end in an involuntary switch, and the read after it find its byte.
    let batch = libc::sched_param { sched_priority: 0 };
    // SAFETY: reads one struct.
    let scheduled = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &batch) };
    Errno::result(scheduled).context("sched_setscheduler SCHED_BATCH")?;
    // A pipe is a queue in the kernel with an end to read and an end to write.
    let (there_out, there_in) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    let (back_out, back_in) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    thread::Builder::new().spawn(move || give_back(&there_out, &back_in)).context("pthread_create")?;

    // ANCHOR: point
    let mut byte = [0];
    for _ in 0..TURNS {
        // There is room in the pipe, so this does not wait. It wakes the other thread.
        write(&there_in, &byte).context("write")?;
        // The pipe is empty: the other thread has only just been woken.
        read(&back_out, &mut byte).context("read")?;
    }
    // ANCHOR_END: point

    // The other thread sleeps in its next read, and ends with the process.
    std::mem::forget((there_in, back_out));
    Ok(())
}

/// The other thread: whatever comes goes back.
fn give_back(there: &OwnedFd, back: &OwnedFd) {
    let mut byte = [0];
    while read(there, &mut byte) == Ok(1) && write(back, &byte) == Ok(1) {}
}
