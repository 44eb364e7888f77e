//! close() while a receive is in flight: the peer does not hear of it.
//!
//! A socket ends when nobody holds it any more. A descriptor holds it, and so does
//! an operation that was handed over with it, until its CQE has come. close(2) takes
//! the number away and nothing else: no end of file leaves for the peer, no FIN over
//! TCP, and the receive waits on for bytes.
//!
//! Seen from outside: after the close the peer's poll answers 0 when its time is up.
//! When the receive has been cancelled it answers 1 at once. shutdown(2) is the
//! other way: it ends the connection whoever holds it, the peer hears of it, and the
//! receive in flight answers 0.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use anyhow::Context;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{AddressFamily, Shutdown, SockFlag, SockType, shutdown, socketpair};
use nix::unistd::close;

/// How long the peer is asked to listen.
const PATIENCE_MS: u16 = 100;

/// Hangs up in three ways.
pub fn run() -> anyhow::Result<()> {
    let ring = IoUring::new(8).context("io_uring_setup")?;
    // Leaked: the ring stays until the process ends, and so do its buffers.
    let ring = Box::leak(Box::new(ring));

    // ANCHOR: point
    let (ours, peer) = pair()?;
    receive(ring, &ours, 1)?;
    // Closed: the number is free. The socket lives, with one holder left.
    close(ours).context("close")?;
    has_heard(&peer)?;

    // The operation has no descriptor any more, but a name: it can be cancelled.
    let cancel = opcode::AsyncCancel::new(1).build().user_data(2);
    // SAFETY: it has no buffers.
    unsafe { ring.submission().push(&cancel) }.context("push")?;
    // One CQE for the receive, ECANCELED, and one for the cancelling.
    ring.submit_and_wait(2).context("io_uring_enter")?;
    has_heard(&peer)?;
    close(peer).context("close")?;

    // Another connection, ended in the other way.
    let (ours, peer) = pair()?;
    receive(ring, &ours, 3)?;
    // The connection ends, whoever holds the socket, and its receives with it.
    shutdown(ours.as_raw_fd(), Shutdown::Both).context("shutdown")?;
    has_heard(&peer)?;
    // And the receive has come back: 0, the end.
    ring.submit_and_wait(1).context("io_uring_enter")?;
    // ANCHOR_END: point

    // Left open: the kernel closes it when the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}

fn pair() -> anyhow::Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC).context("socketpair")
}

/// Hands a receive over that will not find anything.
fn receive(ring: &mut IoUring, socket: &OwnedFd, name: u64) -> anyhow::Result<()> {
    // Leaked: it is the kernel's for as long as the receive is in flight.
    let buffer = Box::leak(Box::new([0; 64]));
    let sqe = opcode::Recv::new(Fd(socket.as_raw_fd()), buffer.as_mut_ptr(), 64).build().user_data(name);
    // SAFETY: the buffer is leaked, and the operation holds the socket.
    unsafe { ring.submission().push(&sqe) }.context("push")?;
    ring.submit().map(drop).context("io_uring_enter")
}

/// Asks on the peer's side: is there anything to read, be it the end?
fn has_heard(peer: &OwnedFd) -> anyhow::Result<()> {
    let mut wanted = [PollFd::new(peer.as_fd(), PollFlags::POLLIN)];
    poll(&mut wanted, PATIENCE_MS).map(drop).context("poll")
}
