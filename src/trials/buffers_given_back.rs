//! Buffers are given back, and one multishot receive does for all messages.
//!
//! The same program as `buffers-run-out`, but each buffer is provided again as soon as
//! its message has been used. So the kernel never has fewer than 3 of the 4, and the
//! receive goes on. How many buffers are needed has nothing to do with how many
//! connections there are: it is how many messages are in use at the same time.
//!
//! Seen from outside: all completions of the receive carry IORING_CQE_F_MORE, and none
//! is an error.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::write;

/// Buffers that the kernel is given, and the size of each: that of a message.
const BUFFERS: u16 = 4;
const BYTES: usize = 64;

/// Their name, by which a receive chooses among groups of buffers.
const GROUP: u16 = 7;

/// Messages that the peer sends, one after another.
const MESSAGES: usize = 24;

/// The user_data of what is asked for.
const RECEIVE: u64 = 1;
const PROVIDE: u64 = 2;

/// Receives one message after another.
pub fn run() -> anyhow::Result<()> {
    // Leaked: ring and buffers stay until the process ends.
    let ring = Box::leak(Box::new(IoUring::new(8).context("io_uring_setup")?));
    let memory = Box::leak(Box::new([0; BUFFERS as usize * BYTES]));
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    let socket = Fd(ours.as_raw_fd());
    // Written to the submission queue only: the first enter takes them all, in this
    // order, and so the receive finds its buffers.
    (0..BUFFERS).try_for_each(|id| provide(ring, memory, id))?;
    receive(ring, socket)?;

    // ANCHOR: point
    for _ in 0..MESSAGES {
        write(&peer, &[b'!'; BYTES]).context("write")?;
        ring.submit_and_wait(1).context("io_uring_enter")?;
        let completed: Vec<_> = ring.completion().collect();
        // Each of them has taken a buffer; the upper bits of its flags say which. It is
        // used, and provided again: both go to the kernel with the next enter.
        let used = completed.iter().filter_map(|cqe| cqueue::buffer_select(cqe.flags()));
        used.into_iter().try_for_each(|id| provide(ring, memory, id))?;
    }
    // ANCHOR_END: point

    // Left open until the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}

/// Asks for all that comes: each time the kernel takes a buffer of the group.
fn receive(ring: &mut IoUring, socket: Fd) -> anyhow::Result<()> {
    push(ring, opcode::RecvMulti::new(socket, GROUP).build().user_data(RECEIVE))
}

/// Gives the kernel a buffer; a completion comes only if that fails.
fn provide(ring: &mut IoUring, memory: &mut [u8], id: u16) -> anyhow::Result<()> {
    let at = memory[usize::from(id) * BYTES..].as_mut_ptr();
    let provide = opcode::ProvideBuffers::new(at, BYTES as i32, 1, GROUP, id).build();
    push(ring, provide.flags(squeue::Flags::SKIP_SUCCESS).user_data(PROVIDE))
}

/// Writes an SQE. No call yet: it goes with the next enter.
fn push(ring: &mut IoUring, sqe: squeue::Entry) -> anyhow::Result<()> {
    // SAFETY: socket and buffers live as long as the process.
    unsafe { ring.submission().push(&sqe) }.context("push")
}
