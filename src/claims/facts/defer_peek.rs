//! A ring with DEFER_TASKRUN moves only when somebody enters.

use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, opcode, types};
use std::os::fd::AsRawFd;

use super::tools::{connected, pause, send, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "defer-peek-never",
    says: "With IORING_SETUP_DEFER_TASKRUN a program that only looks at the completion queue never sees a completion.",
    source: "io_uring_setup(2): deferred work is run when the program waits with IORING_ENTER_GETEVENTS",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(4)
        .context("io_uring_setup with DEFER_TASKRUN")?;
    let (ours, mut theirs) = connected()?;
    let mut buffer = [0_u8; 16];
    let receive = opcode::Recv::new(types::Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 16).build();
    submit(&mut ring, &[receive])?;
    ring.submit().context("io_uring_enter")?;
    send(&mut theirs)?;
    pause(Duration::from_millis(200));
    let looked = ring.completion().len();
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let entered = ring.completion().len();
    Ok(Observed::of(
        looked == 0 && entered == 1,
        format!("200 ms after the bytes had come: {looked} completions; after io_uring_enter: {entered}"),
    ))
}
