//! A closed descriptor that goes on reporting, because a copy of it lives.
//!
//! close(2) ends a descriptor, a number in this process's table. What the number
//! stood for, the open file description, lives until its *last* number is closed:
//! a dup(2), or a child that inherited one, keeps it alive.
//!
//! An interest list holds the description together with the number it was added
//! under. While the description lives, the entry stays, and reports under a number
//! that is closed, or that belongs to somebody else by now. And it cannot be taken
//! back any more: epoll_ctl(2) looks the number up first, and finds nothing.
//!
//! Seen from outside: epoll_wait answers 1 after the close, and again and again.
//! EPOLL_CTL_DEL answers EBADF for the old number, and ENOENT for the copy's. The
//! remedy is to remove a descriptor from the list *before* it is closed. Here, what
//! is left is to close the copy, or the whole interest list.

use std::os::fd::{AsRawFd, RawFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{close, dup, write};

/// How long a wait is given. All of them find something at once.
const PATIENCE_MS: u16 = 200;

/// Closes a watched descriptor of which there is a copy.
pub fn run() -> anyhow::Result<()> {
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let number = ours.as_raw_fd();
    epoll
        .add(&ours, EpollEvent::new(EpollFlags::EPOLLIN, number as u64))
        .context("epoll_ctl EPOLL_CTL_ADD")?;

    // ANCHOR: point
    // Somebody has a second number for the same socket.
    let copy = dup(&ours).context("dup")?;
    // Done with the peer, or so it seems.
    close(ours).context("close")?;
    // The peer sends something, and the closed descriptor reports it.
    write(&peer, b"boo").context("write")?;
    let mut events = [EpollEvent::empty()];
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;
    // The entry should go. Its number is not open, so this is EBADF.
    let _ = remove(&epoll, number);
    // The copy is open, but never was in the list: ENOENT.
    let _ = remove(&epoll, copy.as_raw_fd());
    // Level-triggered, as this is, it reports at every wait: a loop would spin.
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;
    // ANCHOR_END: point

    // Left as it is: the interest list has an entry whose number /proc/PID/fd lacks.
    std::mem::forget((copy, peer, epoll));
    Ok(())
}

/// By number, as a C program would; nix only takes what is open.
fn remove(epoll: &Epoll, number: RawFd) -> Result<i32, Errno> {
    // SAFETY: EPOLL_CTL_DEL reads no event, so none is passed.
    Errno::result(unsafe {
        libc::epoll_ctl(epoll.0.as_raw_fd(), libc::EPOLL_CTL_DEL, number, std::ptr::null_mut())
    })
}
