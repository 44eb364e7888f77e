//! Counters, timers and signals as descriptors, in one epoll set with everything else.
//!
//! An event loop sleeps in one place only, so all that it waits for must be a
//! descriptor. Linux has made descriptors of what was none: eventfd(2) is a counter
//! that another thread adds to, timerfd_create(2) a timer, signalfd(2) the signals
//! that have come. Each is ready as long as it has something to say.
//!
//! Seen from outside: the counter that was raised once reports at every wait until
//! it is *read*, and not only heard of; so would the timer and the signal. Nothing
//! of this needs a handler that runs at an odd moment, or a wait with a time limit.

use anyhow::Context;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// Waits for a counter, a signal and a timer, one after another.
pub fn run() -> anyhow::Result<()> {
    // A counter that starts at 0, which is "not ready".
    let counter = EventFd::from_flags(EfdFlags::EFD_CLOEXEC).context("eventfd2")?;
    // A timer by the clock that nobody sets; for now it does not run.
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC).context("timerfd_create")?;
    // Held back, a signal does not run a handler or end the process. It waits to be read.
    let usr1 = SigSet::from(Signal::SIGUSR1);
    usr1.thread_block().context("rt_sigprocmask")?;
    let signals = SignalFd::with_flags(&usr1, SfdFlags::SFD_CLOEXEC).context("signalfd4")?;

    // From here on they are descriptors like any other.
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let readable = |what| EpollEvent::new(EpollFlags::EPOLLIN, what);
    epoll.add(&counter, readable(0)).context("epoll_ctl EPOLL_CTL_ADD")?;
    epoll.add(&timer, readable(1)).context("epoll_ctl EPOLL_CTL_ADD")?;
    epoll.add(&signals, readable(2)).context("epoll_ctl EPOLL_CTL_ADD")?;

    // ANCHOR: point
    let mut events = [EpollEvent::empty(); 3];
    // Raised once, and heard of twice: hearing is not reading.
    counter.write(1).context("write")?;
    epoll.wait(&mut events, EpollTimeout::NONE).context("epoll_wait")?;
    epoll.wait(&mut events, EpollTimeout::NONE).context("epoll_wait")?;
    // Reading gives the count and sets it to 0, and the next wait finds nothing.
    counter.read().context("read")?;
    epoll.wait(&mut events, EpollTimeout::ZERO).context("epoll_wait")?;

    // A signal that comes like a message: who sent it, and what, in 128 bytes.
    raise(Signal::SIGUSR1).context("tgkill")?;
    epoll.wait(&mut events, EpollTimeout::NONE).context("epoll_wait")?;
    signals.read_signal().context("read")?;

    // A timer that expires once, 20 ms from now. This wait sleeps until then, and
    // reading gives how often it has expired since the last time.
    let soon = Expiration::OneShot(TimeSpec::milliseconds(20));
    timer.set(soon, TimerSetTimeFlags::empty()).context("timerfd_settime")?;
    epoll.wait(&mut events, EpollTimeout::NONE).context("epoll_wait")?;
    timer.wait().context("read")?;
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget((counter, timer, signals, epoll));
    Ok(())
}
