//! Linked operations: a short read breaks the chain, and the rest is called off.
//!
//! IOSQE_IO_LINK ties an operation to the next one: that begins when this has
//! succeeded. If it fails, all that follow are cancelled. A read that brings fewer
//! bytes than were asked for counts as a failure here, though its own result is a
//! number of bytes like any other.
//!
//! Seen from outside: three reads are handed over by one call. The first asks for 6
//! bytes and gets the 3 that are there; the other two answer -125, ECANCELED, without
//! having been tried. IOSQE_IO_HARDLINK keeps a chain together all the same.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::squeue::Flags;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use nix::fcntl::OFlag;
use nix::unistd::{pipe2, write};

/// Asks for more than there is, in the first of three.
pub fn run() -> anyhow::Result<()> {
    let ring = IoUring::new(8).context("io_uring_setup")?;
    // Leaked: the ring stays until the process ends, and so do its buffers.
    let ring = Box::leak(Box::new(ring));
    let buffers = Box::leak(Box::new([[0; 6]; 3]));
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    write(&writer, b"abc").context("write")?;

    // ANCHOR: point
    for (number, buffer) in (1..=3).zip(buffers) {
        let read = opcode::Read::new(Fd(reader.as_raw_fd()), buffer.as_mut_ptr(), 6);
        // The last one has no next.
        let tie = if number < 3 { Flags::IO_LINK } else { Flags::empty() };
        let sqe = read.build().flags(tie).user_data(number);
        // SAFETY: buffers and pipe live as long as the process.
        unsafe { ring.submission().push(&sqe) }.context("push")?;
    }
    // All three come back: one with 3 bytes, two with ECANCELED.
    ring.submit_and_wait(3).context("io_uring_enter")?;
    // ANCHOR_END: point

    // Left open, with the three CQEs in the ring, until the process ends.
    std::mem::forget((reader, writer));
    Ok(())
}
