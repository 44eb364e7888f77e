//! A signal breaks a read off, and cuts a write short.
//!
//! A thread that sleeps in a system call can be woken by a signal. The handler
//! runs, and then the call must do something. One that has done nothing yet answers
//! EINTR, or goes on by itself if the handler was installed with SA_RESTART. One
//! that has done a part answers how much: half a message is written, and the other
//! half is the caller's business.
//!
//! Seen from outside: a read that waits for bytes and gets an error, though nothing
//! is wrong with its pipe; and a write of 200 000 bytes that answers 65 536, which
//! is what a pipe holds. A loop around both is the remedy, also in programs that
//! install no handler: a debugger, or SIGSTOP and SIGCONT, interrupt some calls too.

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{pipe2, read, write};

/// Three times what a pipe holds.
static MESSAGE: [u8; 200_000] = [b'x'; 200_000];

/// Between two signals.
const TICK_US: libc::suseconds_t = 50_000;

/// Waits twice for what does not come, and is woken by a timer.
pub fn run() -> anyhow::Result<()> {
    let (empty, writer) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    let (reader, full) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    // No SA_RESTART: with it the read below would sleep again, and for ever.
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, which is safe at any moment.
    unsafe { sigaction(Signal::SIGALRM, &action) }.context("sigaction SIGALRM")?;
    // Again and again: a single signal could come just before the call, and be lost on it.
    tick(TICK_US)?;

    // ANCHOR: point
    let mut buffer = [0; 64];
    // Nobody writes to this pipe. The signal ends the wait: EINTR.
    let _eintr = read(&empty, &mut buffer);
    // Nobody reads from this one. It takes what it can hold and waits for room; the
    // signal ends that wait, too, and a part is what was written.
    write(&full, &MESSAGE).context("write")?;
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((empty, writer, reader, full));
    tick(0)
}

/// What the signal does here: it is enough that it comes.
extern "C" fn nothing(_signal: i32) {}

/// Has SIGALRM sent at this interval; 0 ends it.
fn tick(interval_us: libc::suseconds_t) -> anyhow::Result<()> {
    let every = libc::timeval { tv_sec: 0, tv_usec: interval_us };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: reads one struct, and is not asked for the timer before.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    Errno::result(set).map(drop).context("setitimer")
}
