//! Out of provided buffers.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::{IoUring, cqueue, opcode, types};

use super::tools::{connected, send, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "enobufs-ends-multishot",
    says: "A multishot receive that finds no provided buffer ends with ENOBUFS and without IORING_CQE_F_MORE.",
    source: "io_uring_prep_recv_multishot(3)",
    manual: None,
    io_uring: true,
    probe,
};

/// The group of buffers.
const GROUP: u16 = 1;

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let (ours, mut theirs) = connected()?;
    let mut buffer = [0_u8; 16];
    let provide = opcode::ProvideBuffers::new(buffer.as_mut_ptr(), 16, 1, GROUP, 0).build().user_data(1);
    submit(&mut ring, &[provide])?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let provided = ring.completion().next().map_or(0, |cqe| cqe.result());
    anyhow::ensure!(provided >= 0, "IORING_OP_PROVIDE_BUFFERS answered {provided}");
    let receive = opcode::RecvMulti::new(types::Fd(ours.as_raw_fd()), GROUP).build().user_data(2);
    submit(&mut ring, &[receive])?;
    let mut told = Vec::new();
    // The one buffer takes the first message; for the second there is none.
    for _ in 0..2 {
        send(&mut theirs)?;
        ring.submit_and_wait(1).context("io_uring_enter")?;
        told.extend(ring.completion().map(|cqe| (cqe.result(), cqueue::more(cqe.flags()))));
    }
    let last = told.last().copied().unwrap_or_default();
    Ok(Observed::of(
        last == (-libc::ENOBUFS, false) && told.first().is_some_and(|(result, more)| *result > 0 && *more),
        format!("completions (result, more to come): {told:?}; ENOBUFS is {}", libc::ENOBUFS),
    ))
}
