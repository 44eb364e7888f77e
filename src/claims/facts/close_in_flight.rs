//! close(2) does not end what is in flight.

use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, opcode, types};

use super::tools::{connected, pause, send, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "close-does-not-cancel",
    says: "close() on a socket with a receive in flight in a ring neither ends the receive nor sends the peer an end of file.",
    source: "io_uring holds a reference to the open file until its request is done (io_uring/io_uring.c)",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let (ours, mut theirs) = connected()?;
    let mut buffer = [0_u8; 16];
    let receive = opcode::Recv::new(types::Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 16).build();
    submit(&mut ring, &[receive])?;
    ring.submit().context("io_uring_enter")?;
    drop(ours);
    theirs.set_nonblocking(true).context("O_NONBLOCK")?;
    pause(Duration::from_millis(50));
    let mut byte = [0_u8];
    let silent = matches!(theirs.read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock);
    let ended = ring.completion().next().is_some();
    // Bytes for a socket that nobody can name any more.
    send(&mut theirs)?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let received = ring.completion().next().map_or(0, |cqe| cqe.result());
    Ok(Observed::of(
        silent && !ended && received > 0,
        format!(
            "after close the peer saw {}; then the receive of the closed socket still got {received} bytes",
            if silent { "nothing" } else { "an end" }
        ),
    ))
}
