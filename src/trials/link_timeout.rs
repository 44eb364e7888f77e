//! A receive with a time limit: two linked operations, and two results.
//!
//! IORING_OP_LINK_TIMEOUT is tied to the operation before it. If the time is up
//! first, that operation is cancelled; if it completes first, the timeout is. So the
//! slow peer of a server costs no thread and no list of timers, only a second SQE.
//!
//! Seen from outside: the receive answers -125, ECANCELED, and the timeout -62, ETIME.
//! Neither is "the peer has sent nothing" by itself: -125 is also what a receive
//! answers that was called off for another reason, and a timeout whose receive has
//! completed answers -125, too. The two belong together, and both have to be taken.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::squeue::Flags;
use io_uring::types::{Fd, Timespec};
use io_uring::{IoUring, opcode};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

/// How long the peer has. The kernel reads it when it takes the SQE.
static LIMIT: Timespec = Timespec::new().nsec(50_000_000);

/// Waits for a peer that says nothing.
pub fn run() -> anyhow::Result<()> {
    let ring = IoUring::new(8).context("io_uring_setup")?;
    // Leaked: the ring stays until the process ends, and so does the buffer.
    let ring = Box::leak(Box::new(ring));
    let buffer = Box::leak(Box::new([0; 64]));
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;

    // ANCHOR: point
    let receive = opcode::Recv::new(Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 64).build();
    let limit = opcode::LinkTimeout::new(&LIMIT).build();
    // The link is on the first; the timeout has to be the very next SQE.
    for sqe in [receive.flags(Flags::IO_LINK).user_data(1), limit.user_data(2)] {
        // SAFETY: buffer, time and socket live as long as the process.
        unsafe { ring.submission().push(&sqe) }.context("push")?;
    }
    // Two SQEs, two CQEs.
    ring.submit_and_wait(2).context("io_uring_enter")?;
    // ANCHOR_END: point

    // Left open, with the two CQEs in the ring, until the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}
