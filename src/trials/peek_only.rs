//! DEFER_TASKRUN and a loop that only looks: nothing ever completes.
//!
//! When the bytes for a pending receive arrive, somebody has to carry it out. Usually
//! the kernel interrupts the thread for that (task_work). With
//! IORING_SETUP_DEFER_TASKRUN (Linux 6.1) it does not: the work waits until the thread is
//! inside io_uring_enter(2) and asks for completions. That saves interruptions, and is a
//! trap for programs that poll the CQ in memory and never enter: what they wait for
//! is ready, and their own call is what is missing.
//!
//! Seen from outside: the bytes are there, IORING_SQ_TASKRUN is set, and the CQ stays
//! empty however often it is looked at. One call, and the completion stands there.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::write;

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
        // The mistake: memory is looked at, and nobody is told to do anything. The queue
        // is empty each time.
        ring.completion().sync();
        if !ring.completion().is_empty() {
            break;
        }
        rest()?;
    }
    // A call that asks for completions: now the receive is carried out.
    ring.submit_and_wait(1).context("io_uring_enter")?;
    rest()?;
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
