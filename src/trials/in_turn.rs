//! One peer floods, another has a single message, and both are served in turn.
//!
//! The second half of `flood` by itself. Of each socket that is ready the program reads
//! once, and then asks epoll who has more. Level-triggered epoll puts a descriptor that
//! still has something behind the others that are ready, so the turns go round by
//! themselves. How much a turn may be is a choice: one read here, some dozens in a server
//! that cares for throughput, but never "until the peer pauses".
//!
//! Seen from outside: the single message is the second that is read, whatever the other
//! peer has sent.

use std::os::fd::OwnedFd;

use anyhow::Context;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{read, write};

/// Messages of the peer that floods.
const FLOOD: usize = 16;

/// Turns that are shown: one for both, and some for who has more.
const TURNS: usize = 8;

/// Bytes of a message, and of what is read at once.
const MESSAGE_BYTES: usize = 1024;

/// Serves two peers in turn.
pub fn run() -> anyhow::Result<()> {
    // Two connections. The loud one is made first, so epoll reports it first.
    let (loud, loud_peer) = pair()?;
    let (quiet, quiet_peer) = pair()?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create1")?;
    let sockets = [loud, quiet];
    // What an event carries back is ours to choose: the place in the array above.
    for (index, socket) in (0..).zip(&sockets) {
        let readable = EpollEvent::new(EpollFlags::EPOLLIN, index);
        epoll.add(socket, readable).context("epoll_ctl EPOLL_CTL_ADD")?;
    }
    let (mut events, mut buffer) = ([EpollEvent::empty(); 2], [0; MESSAGE_BYTES]);

    // ANCHOR: point
    // In turn: one message of each, and then the question who has more.
    send(&loud_peer, &quiet_peer).context("write")?;
    for _ in 0..TURNS {
        // Level-triggered: whoever was not emptied is reported again, and goes to the
        // end of the line of those that are ready.
        let ready = epoll.wait(&mut events, EpollTimeout::NONE).context("epoll_wait")?;
        for event in &events[..ready] {
            // One call for each socket that is ready: nobody's turn is longer.
            read(&sockets[event.data() as usize], &mut buffer).context("read")?;
        }
    }
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((sockets, loud_peer, quiet_peer, epoll));
    Ok(())
}

/// Two connected sockets that answer EAGAIN rather than wait.
fn pair() -> anyhow::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    socketpair(AddressFamily::Unix, SockType::Stream, None, flags).context("socketpair")
}

/// One peer sends a lot, and then the other a little.
fn send(loud: &OwnedFd, quiet: &OwnedFd) -> nix::Result<()> {
    for _ in 0..FLOOD {
        write(loud, &[b'!'; MESSAGE_BYTES])?;
    }
    write(quiet, b"please").map(drop)
}
