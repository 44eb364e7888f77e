//! O_NONBLOCK means little to io_uring: a receive waits all the same.
//!
//! On a socket with O_NONBLOCK, recv(2) answers EAGAIN when nothing is there, since
//! its caller must not sleep. An operation of io_uring has no caller that sleeps: it
//! can stay in flight. So IORING_OP_RECV waits for bytes on any socket. Who wants the
//! old answer asks for it in the operation, by MSG_DONTWAIT.
//!
//! Seen from outside: recv(2) answers EAGAIN. The receive that is handed over next
//! has no CQE for as long as nothing comes. The one with MSG_DONTWAIT has its CQE at
//! once: -11. When the peer sends, the first of them completes.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socketpair};
use nix::unistd::write;

/// How long each state is held, so that it can be seen from outside.
const HOLD: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 60_000_000 };

/// Receives from a socket on which nothing may wait.
pub fn run() -> anyhow::Result<()> {
    let ring = IoUring::new(8).context("io_uring_setup")?;
    // Leaked: the ring stays until the process ends, and so do its buffers.
    let ring = Box::leak(Box::new(ring));
    // A buffer for each: both will be in the kernel's hands at the same time.
    let [first, second] = Box::leak(Box::new([[0; 64]; 2]));
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let (ours, peer) =
        socketpair(AddressFamily::Unix, SockType::Stream, None, flags).context("socketpair")?;
    let socket = Fd(ours.as_raw_fd());

    // ANCHOR: point
    // The call: EAGAIN.
    let _eagain = recv(ours.as_raw_fd(), &mut [0; 64], MsgFlags::empty());

    // The operation: it is taken, and pends.
    let pends = opcode::Recv::new(socket, first.as_mut_ptr(), 64).build().user_data(1);
    // SAFETY: the buffer is leaked, and the socket open to the end.
    unsafe { ring.submission().push(&pends) }.context("push")?;
    ring.submit().context("io_uring_enter")?;
    rest()?;

    // The operation that must not: -11, which is EAGAIN.
    let asks = opcode::Recv::new(socket, second.as_mut_ptr(), 64).flags(libc::MSG_DONTWAIT);
    // SAFETY: as above.
    unsafe { ring.submission().push(&asks.build().user_data(2)) }.context("push")?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    rest()?;

    // Bytes come, and the first one is done.
    write(&peer, b"hello").context("write")?;
    ring.submit_and_wait(2).context("io_uring_enter")?;
    // ANCHOR_END: point

    // Left open, with both CQEs in the ring, until the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}

/// A wait for nothing but time: whoever looks from outside sees what the ring holds.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &HOLD, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
