//! A multishot receive ends, and is asked for again.
//!
//! The same program as `multishot-once`, and it looks at the flags: a completion without
//! IORING_CQE_F_MORE is the last of its submission, whatever its result. Unless the
//! connection is over, the receive is submitted anew. It costs one SQE, which goes to
//! the kernel with the next enter, where the buffers go as well.
//!
//! Seen from outside: the same 4 completions and the one without the flag. Then comes a
//! second SQE, and the two messages that had to wait.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::write;

/// Buffers that the kernel is given, and the size of each: that of a message.
const BUFFERS: u16 = 4;
const BYTES: usize = 64;

/// Their name, by which a receive chooses among groups of buffers.
const GROUP: u16 = 7;

/// Messages that the peer sends at once: two more than there are buffers.
const MESSAGES: usize = 6;

/// How long each wait may take, and how many there are. The kernel reads the time when
/// it begins to wait.
static LIMIT: Timespec = Timespec::new().nsec(20_000_000);
const WAITS: usize = 4;

/// Receives a burst that is larger than its buffers.
pub fn run() -> anyhow::Result<()> {
    // Leaked: ring and buffers stay until the process ends.
    let ring = Box::leak(Box::new(IoUring::new(8).context("io_uring_setup")?));
    let memory = Box::leak(Box::new([0; BUFFERS as usize * BYTES]));
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;
    let socket = Fd(ours.as_raw_fd());
    // Written to the submission queue only: the first wait hands them over, too.
    provide(ring, memory)?;
    receive(ring, socket)?;
    for _ in 0..MESSAGES {
        write(&peer, &[b'!'; BYTES]).context("write")?;
    }

    // ANCHOR: point
    for _ in 0..WAITS {
        let limit = SubmitArgs::new().timespec(&LIMIT);
        // One completion or the end of the time, which is an error: ETIME.
        let _timed_out = ring.submitter().submit_with_args(1, &limit);
        let completed: Vec<_> = ring.completion().collect();
        // Nothing came: whoever said something has been served.
        if completed.is_empty() {
            continue;
        }
        // All buffers are used at once, and provided again.
        provide(ring, memory)?;
        // Without the flag it was the last one: the next has to be asked for. An error
        // or a 0 would say more, that the connection is over; ENOBUFS does not.
        if completed.iter().any(|cqe| !cqueue::more(cqe.flags())) {
            receive(ring, socket)?;
        }
    }
    // ANCHOR_END: point

    // Left open until the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}

/// Asks for all that comes: each time the kernel takes a buffer of the group.
fn receive(ring: &mut IoUring, socket: Fd) -> anyhow::Result<()> {
    push(ring, opcode::RecvMulti::new(socket, GROUP).build().user_data(1))
}

/// Gives the kernel all buffers; a completion comes only if that fails.
fn provide(ring: &mut IoUring, memory: &mut [u8]) -> anyhow::Result<()> {
    let provide = opcode::ProvideBuffers::new(memory.as_mut_ptr(), BYTES as i32, BUFFERS, GROUP, 0);
    push(ring, provide.build().flags(squeue::Flags::SKIP_SUCCESS).user_data(2))
}

/// Writes an SQE. No call yet: it goes with the next wait.
fn push(ring: &mut IoUring, sqe: squeue::Entry) -> anyhow::Result<()> {
    // SAFETY: socket, buffers and time live as long as the process.
    unsafe { ring.submission().push(&sqe) }.context("push")
}
