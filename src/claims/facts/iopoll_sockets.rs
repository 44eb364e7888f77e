//! IOPOLL is for devices that can be polled.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::{IoUring, opcode, types};

use super::tools::{connected, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "iopoll-sockets-einval",
    says: "On a ring with IORING_SETUP_IOPOLL a receive on a socket is refused with EINVAL.",
    source: "io_uring_setup(2), IORING_SETUP_IOPOLL; io_uring/opdef.c",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring: IoUring =
        IoUring::builder().setup_iopoll().build(4).context("io_uring_setup with IOPOLL")?;
    let (ours, _theirs) = connected()?;
    let mut buffer = [0_u8; 16];
    let receive = opcode::Recv::new(types::Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 16).build();
    submit(&mut ring, &[receive])?;
    ring.submit().context("io_uring_enter")?;
    let result = ring.completion().next().map(|cqe| cqe.result());
    Ok(match result {
        Some(result) => Observed::of(
            result == -libc::EINVAL,
            format!("the receive answered {result}; EINVAL is {}", libc::EINVAL),
        ),
        None => Observed::of(false, "the receive was taken"),
    })
}
