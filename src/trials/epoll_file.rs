//! epoll refuses a regular file: it is always ready, so there is nothing to report.
//!
//! Readiness means that a call would not have to wait for somebody else. A file on a
//! disk has no somebody: its bytes are there, and if the disk is slow then the read
//! sleeps until it has them. The kernel calls that a short wait and knows no event
//! for it. poll(2) and select(2) answer "ready" at once, always; epoll says no.
//!
//! Seen from outside: EPOLL_CTL_ADD answers EPERM for a file, and poll says that it
//! is ready. So an event loop that reads files sleeps in its reads, and nothing it
//! watches can tell it. Threads for the files are one remedy, io_uring is another.

use std::fs::File;
use std::os::fd::AsFd;

use anyhow::Context;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::unistd::pipe2;

/// Tries to watch a file.
pub fn run() -> anyhow::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    // This very program: a file that is certainly there.
    let file = File::open("/proc/self/exe").context("open /proc/self/exe")?;

    // ANCHOR: point
    // A pipe can be watched, and so can sockets, timers, terminals, other epolls.
    epoll.add(&reader, EpollEvent::new(EpollFlags::EPOLLIN, 0)).context("epoll_ctl EPOLL_CTL_ADD")?;
    // A file cannot: EPERM, which here has nothing to do with rights.
    let _eperm = epoll.add(&file, EpollEvent::new(EpollFlags::EPOLLIN, 1));
    // The older call takes it, and does not wait though it may: ready, as ever.
    let mut wanted = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    poll(&mut wanted, PollTimeout::NONE).context("poll")?;
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((epoll, reader, writer, file));
    Ok(())
}
