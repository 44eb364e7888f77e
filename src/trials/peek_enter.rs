//! DEFER_TASKRUN and a loop that enters: what is ready completes.
//!
//! The same program as `peek-only`, but before it looks at the CQ it enters the kernel
//! with IORING_ENTER_GETEVENTS, and with a minimum of 0, so that it does not sleep there.
//! Inside that call the kernel does what it has put off for this thread. The flag
//! IORING_SQ_TASKRUN in the ring says when there is anything: a loop that looks at it
//! first makes no call in vain.
//!
//! Seen from outside: the completion stands in the ring after the first round, and the
//! flag is not set any more.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::write;

/// What io_uring_enter(2) is told: do what was put off, and bring the completions.
const GETEVENTS: u32 = 1;

/// How often the program looks whether something has completed.
const LOOKS: usize = 8;

/// Between two looks.
const PAUSE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 25_000_000 };

/// Looks for a completion, and looks, and looks.
pub fn run() -> anyhow::Result<()> {
    let mut builder = IoUring::builder();
    // DEFER_TASKRUN goes with SINGLE_ISSUER: one thread submits, and collects.
    // TASKRUN_FLAG has the kernel say in the ring that there is something to collect.
    builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag();
    let ring: IoUring = builder.build(8).context("io_uring_setup")?;
    // Leaked: the ring stays until the process ends, and so does the buffer.
    let ring = Box::leak(Box::new(ring));
    let buffer = Box::leak(Box::new([0; 64]));
    let (ours, peer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .context("socketpair")?;

    // A receive is handed over, and pends: nothing is there yet.
    let receive = opcode::Recv::new(Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 64).build();
    // SAFETY: the buffer is leaked, and the socket open to the end.
    unsafe { ring.submission().push(&receive) }.context("push")?;
    ring.submit().context("io_uring_enter")?;
    // The bytes come. The kernel could receive them now.
    write(&peer, b"hello").context("write")?;

    // ANCHOR: point
    for _ in 0..LOOKS {
        // A minimum of 0 completions: who asks like this does not sleep.
        // SAFETY: no signal mask is passed.
        unsafe { ring.submitter().enter::<libc::sigset_t>(0, 0, GETEVENTS, None) }
            .context("io_uring_enter")?;
        ring.completion().sync();
        rest()?;
    }
    // ANCHOR_END: point

    // Left open, with the CQE in the ring, until the process ends.
    std::mem::forget((ours, peer));
    Ok(())
}

/// A wait for nothing but time, between two looks.
fn rest() -> anyhow::Result<()> {
    // SAFETY: no descriptors are passed, and the time outlives the call.
    let waited = unsafe { libc::ppoll(std::ptr::null_mut(), 0, &PAUSE, std::ptr::null()) };
    Errno::result(waited).map(drop).context("ppoll")
}
