//! Edge-triggered epoll: 6 bytes come, 3 are read, and the next wait finds nothing.
//!
//! With EPOLLET the kernel reports a descriptor when something *new* happens to it,
//! and not for as long as something is there. Whoever reads less than all has had
//! the report and gets no second one: the rest lies in the receive buffer, and the
//! program sleeps beside it. If the peer waits for an answer to those bytes, both
//! wait for ever.
//!
//! Seen from outside: the first epoll_wait answers 1, the second 0 when its time is
//! up, and FIONREAD and MSG_PEEK say that 3 bytes are there all the while. The remedy is to read
//! until EAGAIN, or until a read brings less than was asked for.

use std::os::fd::AsRawFd;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socketpair};
use nix::unistd::{read, write};

/// How long the second wait is given. A server would say -1 here, and stall.
const PATIENCE_MS: u16 = 200;

/// Receives a message by halves.
pub fn run() -> anyhow::Result<()> {
    // Two connected sockets: what is written to one can be read from the other.
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    // Without EPOLLET the second wait would answer at once, for the same 3 bytes.
    let edge = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0);
    epoll.add(&ours, edge).context("epoll_ctl EPOLL_CTL_ADD")?;

    write(&peer, b"6bytes").context("write")?;

    // ANCHOR: point
    let mut events = [EpollEvent::empty()];
    // The edge: bytes have come since the last report. This answers 1.
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;
    // A buffer that is too small, and no loop around the read: this is the mistake.
    let mut half = [0; 3];
    read(&ours, &mut half).context("read")?;
    // Nothing new has happened since, so this sleeps to the end of its time.
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;
    // And yet 3 bytes are there, as two ways of asking show: the kernel's count, and
    // a look at them that takes nothing away.
    let mut there = 0_i32;
    // SAFETY: FIONREAD writes one int, to a variable that outlives the call.
    let asked = unsafe { libc::ioctl(ours.as_raw_fd(), libc::FIONREAD, &raw mut there) };
    Errno::result(asked).context("ioctl FIONREAD")?;
    recv(ours.as_raw_fd(), &mut [0; 6], MsgFlags::MSG_PEEK).context("recv MSG_PEEK")?;
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget((ours, peer, epoll));
    Ok(())
}
