//! close(2) does not end what is in flight.

use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, cqueue, opcode, types};

use super::tools::{connected, pause, send, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "close-does-not-cancel",
    says: "close() on a socket with a receive in flight in a ring neither ends the receive nor sends the peer an end of file.",
    source: "io_uring/io_uring.c, io_file_get_normal: a request holds a reference to the open file until it is done",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut buffer = [0_u8; 16];
    let (ours, mut theirs) = connected()?;
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let receive = opcode::Recv::new(types::Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 16).build();
    submit(&mut ring, &[receive])?;
    ring.submit().context("io_uring_enter")?;
    if let Some(answer) = answer(&mut ring) {
        return Ok(Observed::unknown(format!("the receive did not wait for bytes, it answered {answer}")));
    }
    drop(ours);
    theirs.set_nonblocking(true).context("O_NONBLOCK")?;
    pause(Duration::from_millis(50));
    if let Some(answer) = answer(&mut ring) {
        return Ok(Observed::of(false, format!("close ended the receive: it answered {answer}")));
    }
    let mut byte = [0_u8];
    let silent = matches!(theirs.read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock);
    if !silent {
        return Ok(Observed::of(false, "after close the peer saw an end, though a receive was in flight"));
    }
    // Bytes for a socket that nobody can name any more.
    send(&mut theirs)?;
    let received = wait(&mut ring, 1)?.first().map_or(0, cqueue::Entry::result);
    Ok(Observed::of(
        received > 0,
        format!(
            "after close the peer saw nothing; then the receive of the closed socket answered {received}"
        ),
    ))
}

/// What the receive has answered, if it has.
fn answer(ring: &mut IoUring) -> Option<i32> {
    ring.completion().next().map(|cqe| cqe.result())
}
