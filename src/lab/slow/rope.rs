//! What a server in slow motion is watched by while it runs: a rope that an order pulls, or a timer; and whether it
//! sleeps.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::EventFd;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// So often a server that runs is looked at, whether it sleeps.
const LOOK: Duration = Duration::from_millis(5);

/// What a wait for an edge is ended by: an order, or the time to look whether the server sleeps.
pub struct Rope {
    both: Epoll,
    timer: TimerFd,
}

impl Rope {
    /// One that is pulled by `bell` too.
    pub fn new(bell: &EventFd) -> anyhow::Result<Self> {
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        let every = Expiration::Interval(TimeSpec::from_duration(LOOK));
        timer.set(every, TimerSetTimeFlags::empty())?;
        let both = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        both.add(bell, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        both.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
        Ok(Self { both, timer })
    }

    /// The descriptor that becomes readable.
    pub fn both(&self) -> BorrowedFd<'_> {
        self.both.0.as_fd()
    }

    /// Whether the time to look has come since this was asked last.
    pub fn ticked(&self) -> bool {
        self.timer.wait().is_ok()
    }
}

/// Whether all threads of a process sleep but one, the kernel's helpers aside.
pub fn sleeps(pid: u32, but: Option<u32>) -> bool {
    let tids = crate::probe::proc::tids(&format!("/proc/{pid}/task")).unwrap_or_default();
    tids.iter().filter(|tid| but != Some(**tid)).all(|tid| {
        let stat = crate::probe::text::text(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        state == Some('S') || stat.contains("(iou-")
    })
}
