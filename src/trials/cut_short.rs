//! A write that takes a part, and a program that does not look.
//!
//! The same socket and the same message as in `short-write`. The difference is what
//! happens to the number that write(2) returns: nothing. In most programs this goes
//! well for years, as small messages always find room in the send buffer; it fails
//! when a peer reads slowly, or a message is long, or both.
//!
//! Seen from outside: of 400 000 bytes the first write takes a part. The peer reads
//! them, there is room again, and the next message begins where the rest of the first
//! should have been. The peer cannot know that: it gets the beginning of one message and
//! then a whole one, and takes the second for the end of the first.

use anyhow::Context;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{read, write};

/// More than a socket's buffer holds.
static MESSAGE: [u8; 400_000] = [b'x'; 400_000];

/// Sends two messages that do not fit, and believes that they did.
pub fn run() -> anyhow::Result<()> {
    // SOCK_NONBLOCK: a call that would have to wait takes what there is room for.
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let (ours, peer) =
        socketpair(AddressFamily::Unix, SockType::Stream, None, flags).context("socketpair")?;

    // ANCHOR: point
    let mut buffer = [0; 65_536];
    for _message in 0..2 {
        // The mistake: the result says how much was taken. Only an error is looked at,
        // and to take a part is none.
        write(&ours, &MESSAGE).context("write")?;
        // The peer takes everything out, until nothing is left: EAGAIN on its side. For
        // it the message goes on, and it will take whatever comes next for the rest.
        while let Ok(1..) = read(&peer, &mut buffer) {}
    }
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}
