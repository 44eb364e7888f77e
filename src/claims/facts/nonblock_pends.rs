//! O_NONBLOCK and MSG_DONTWAIT mean different things to a ring.

use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, opcode, types};

use super::tools::{connected, pause, submit};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "dontwait-eagain",
    says: "A receive through a ring waits for bytes even on an O_NONBLOCK socket; with MSG_DONTWAIT it answers EAGAIN.",
    source: "io_uring/net.c: a request that cannot be done now is polled for, unless MSG_DONTWAIT forbids it",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let (ours, _theirs) = connected()?;
    ours.set_nonblocking(true).context("O_NONBLOCK")?;
    let socket = types::Fd(ours.as_raw_fd());
    // They outlive the ring's interest in them: the ring is dropped first, and what is in flight is waited for below.
    let (mut one, mut other) = ([0_u8; 16], [0_u8; 16]);
    let waits = opcode::Recv::new(socket, one.as_mut_ptr(), 16).build().user_data(1);
    let does_not =
        opcode::Recv::new(socket, other.as_mut_ptr(), 16).flags(libc::MSG_DONTWAIT).build().user_data(2);
    submit(&mut ring, &[waits, does_not])?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    pause(Duration::from_millis(50));
    let done: Vec<_> = ring.completion().map(|cqe| (cqe.user_data(), cqe.result())).collect();
    // Ends the receive that waits.
    ours.shutdown(std::net::Shutdown::Both).context("shutdown")?;
    ring.submit_and_wait(1).context("io_uring_enter")?;
    let answer = done.iter().find(|(name, _)| *name == 2).map_or(0, |(_, result)| *result);
    let pends = !done.iter().any(|(name, _)| *name == 1);
    Ok(Observed::of(
        pends && answer == -libc::EAGAIN,
        format!(
            "on an O_NONBLOCK socket: {}; with MSG_DONTWAIT: {answer}",
            if pends { "still waiting" } else { "it came back" }
        ),
    ))
}
