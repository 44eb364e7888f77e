//! A ring with DEFER_TASKRUN goes on only when somebody enters.

use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, opcode, types};

use super::tools::{connected, pause, send, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "defer-peek-never",
    says: "With IORING_SETUP_DEFER_TASKRUN a program that only looks at the completion queue never sees the end of what could \
           not be done at once.",
    source: "io_uring_setup(2), IORING_SETUP_DEFER_TASKRUN: work is deferred until an io_uring_enter with IORING_ENTER_GETEVENTS",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut buffer = [0_u8; 16];
    let (ours, mut theirs) = connected()?;
    let mut ring: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(4)
        .context("io_uring_setup with DEFER_TASKRUN")?;
    let receive = opcode::Recv::new(types::Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 16).build();
    submit(&mut ring, &[opcode::Nop::new().build(), receive])?;
    ring.submit().context("io_uring_enter")?;
    // The NOP was done at once, and its end is there for who looks; the receive has to wait.
    let at_once = ring.completion().count();
    send(&mut theirs)?;
    pause(Duration::from_millis(200));
    let looked = ring.completion().len();
    let entered = wait(&mut ring, 1)?.len();
    Ok(Observed::of(
        (at_once, looked, entered) == (1, 0, 1),
        format!(
            "of a NOP and a receive, {at_once} seen by looking; 200 ms after the bytes had come, {looked} more; \
             with IORING_ENTER_GETEVENTS, {entered} more"
        ),
    ))
}
