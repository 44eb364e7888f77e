//! Out of provided buffers.

use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};
use io_uring::{IoUring, cqueue, opcode, types};

use super::tools::{connected, send, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "enobufs-ends-multishot",
    says: "A multishot receive that finds no provided buffer ends with ENOBUFS and without IORING_CQE_F_MORE.",
    source: "io_uring_multishot(7), Integration with provided buffers, and NOTES",
    manual: None,
    io_uring: true,
    probe,
};

/// The group of buffers.
const GROUP: u16 = 1;

pub fn probe() -> anyhow::Result<Observed> {
    let mut buffer = [0_u8; 16];
    let (ours, mut theirs) = connected()?;
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let provide = opcode::ProvideBuffers::new(buffer.as_mut_ptr(), 16, 1, GROUP, 0).build();
    submit(&mut ring, &[provide])?;
    let provided = wait(&mut ring, 1)?.first().map_or(0, cqueue::Entry::result);
    ensure!(provided >= 0, "IORING_OP_PROVIDE_BUFFERS answered {provided}");
    submit(&mut ring, &[opcode::RecvMulti::new(types::Fd(ours.as_raw_fd()), GROUP).build()])?;
    let mut told = Vec::new();
    // The one buffer takes the first message; for the second there is none. Some kernels see that at once.
    for _ in 0..2 {
        send(&mut theirs)?;
        told.extend(wait(&mut ring, 1)?.iter().map(|cqe| (cqe.result(), cqueue::more(cqe.flags()))));
        if !told.last().is_some_and(|(_, more)| *more) {
            break;
        }
    }
    let says = format!("completions (result, more to come): {told:?}; ENOBUFS is {}", libc::ENOBUFS);
    if !told.first().is_some_and(|(result, more)| *result > 0 && *more) {
        return Ok(Observed::unknown(format!("no multishot receive here, it came with Linux 6.0; {says}")));
    }
    Ok(Observed::of(told.last() == Some(&(-libc::ENOBUFS, false)), says))
}
