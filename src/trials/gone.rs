//! The peer is gone: a read answers 0, a write EPIPE.
//!
//! Both ends of a connection hear of its end, and each in its own way. Reading is
//! easy: when everything has been read, the answer is 0, the end of the file, and
//! it will be 0 for ever. Writing has no such quiet answer. By default the kernel
//! sends SIGPIPE, which ends the process: good for `yes | head`, and a server that
//! a single client can end with a closed laptop.
//!
//! Seen from outside: with SIGPIPE ignored, write answers EPIPE, an error like any
//! other, and it belongs to this one connection. MSG_NOSIGNAL does the same for one
//! call. Over TCP the first write after the peer has gone may still succeed: only
//! the answer to it, a reset, tells this side.

use anyhow::Context;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};
use nix::unistd::{close, read, write};
use std::os::fd::AsRawFd;

/// Talks to a peer that has hung up.
pub fn run() -> anyhow::Result<()> {
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;

    // ANCHOR: point
    // Without this line the write below would be the end of the process.
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed, so none can do harm.
    unsafe { sigaction(Signal::SIGPIPE, &ignore) }.context("sigaction SIGPIPE")?;

    write(&peer, b"bye").context("write")?;
    close(peer).context("close")?;

    // What was sent before is still there.
    let mut buffer = [0; 64];
    read(&ours, &mut buffer).context("read")?;
    // And then comes the end.
    read(&ours, &mut buffer).context("read")?;
    // Nobody will ever read this: EPIPE.
    let _epipe = write(&ours, b"hello?");
    // The same without a word to the whole process.
    let _epipe = send(ours.as_raw_fd(), b"hello?", MsgFlags::MSG_NOSIGNAL);
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget(ours);
    Ok(())
}
