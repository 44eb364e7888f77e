//! EPOLLONESHOT: one report, and then silence until it is asked for again.
//!
//! With several threads on one epoll set, two could be given the same socket: bytes
//! come, one thread is woken and reads, more bytes come, and the next thread is
//! woken while the first is still at work. EPOLLONESHOT turns the entry off with its
//! report. Whoever got it has the socket alone, and turns the entry on again by
//! EPOLL_CTL_MOD when done. Who forgets that hears nothing any more.
//!
//! Seen from outside: the second wait answers 0 when its time is up, though a byte
//! is there; after EPOLL_CTL_MOD the third answers 1 at once. Nothing is lost: MOD
//! looks whether the socket is ready now. The entry is in the list all the while.

use anyhow::Context;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{read, write};

/// How long the wait in vain is given.
const PATIENCE_MS: u16 = 200;

/// Forgets to ask again, and then does.
pub fn run() -> anyhow::Result<()> {
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let once = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, 0);
    epoll.add(&ours, once).context("epoll_ctl EPOLL_CTL_ADD")?;

    // ANCHOR: point
    let (mut events, mut byte) = ([EpollEvent::empty()], [0]);
    write(&peer, b"1").context("write")?;
    // The one report.
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;
    read(&ours, &mut byte).context("read")?;

    write(&peer, b"2").context("write")?;
    // A byte has come, and the entry is off: silence.
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;

    // On again: the byte that has waited is reported.
    epoll.modify(&ours, &mut once.clone()).context("epoll_ctl EPOLL_CTL_MOD")?;
    epoll.wait(&mut events, PATIENCE_MS).context("epoll_wait")?;
    // ANCHOR_END: point

    // Left open, for whoever looks from outside until the process ends.
    std::mem::forget((ours, peer, epoll));
    Ok(())
}
