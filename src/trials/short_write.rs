//! A write that takes a part, one that takes nothing, and the rest later.
//!
//! A socket has a send buffer of some hundred kilobytes. write(2) copies into it
//! what has room and returns how much that was; fewer bytes than were given is no
//! error. Programs that do not look at the number lose the rest, and nobody finds
//! out while messages are small.
//!
//! Seen from outside: of 400 000 bytes the first write takes a part. The next one
//! finds no room at all: on a socket that must not wait, that is EAGAIN. When the
//! peer has read, there is room again, and the rest goes.

use anyhow::Context;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{read, write};

/// More than a socket's buffer holds, and less than twice that.
static MESSAGE: [u8; 400_000] = [b'x'; 400_000];

/// Sends a message that does not fit.
pub fn run() -> anyhow::Result<()> {
    // SOCK_NONBLOCK: a call that would have to wait answers EAGAIN instead.
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let (ours, peer) =
        socketpair(AddressFamily::Unix, SockType::Stream, None, flags).context("socketpair")?;

    // ANCHOR: point
    // As much as there is room for.
    let taken = write(&ours, &MESSAGE).context("write")?;
    // What is left is sent from where the first one ended, and now there is no room.
    let _eagain = write(&ours, &MESSAGE[taken..]);

    // The peer takes everything out, until nothing is left: EAGAIN on its side.
    let mut buffer = [0; 65_536];
    while let Ok(1..) = read(&peer, &mut buffer) {}

    // A server would hear of that by POLLOUT or EPOLLOUT, and go on exactly here.
    write(&ours, &MESSAGE[taken..]).context("write")?;
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}
