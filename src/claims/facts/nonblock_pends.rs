//! O_NONBLOCK and MSG_DONTWAIT mean different things to a ring.

use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::Context;
use io_uring::{IoUring, opcode, types};

use super::tools::{connected, pause, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "dontwait-eagain",
    says: "A receive through a ring waits for bytes even on an O_NONBLOCK socket; with MSG_DONTWAIT it answers EAGAIN.",
    source: "io_uring/io_uring.c, io_queue_async: what cannot be done now is polled for, unless REQ_F_NOWAIT is set; \
             io_uring/net.c sets it for MSG_DONTWAIT",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    let (mut one, mut other) = ([0_u8; 16], [0_u8; 16]);
    let (ours, _theirs) = connected()?;
    ours.set_nonblocking(true).context("O_NONBLOCK")?;
    let mut ring = IoUring::new(4).context("io_uring_setup")?;
    let socket = types::Fd(ours.as_raw_fd());
    let waits = opcode::Recv::new(socket, one.as_mut_ptr(), 16).build().user_data(1);
    let does_not =
        opcode::Recv::new(socket, other.as_mut_ptr(), 16).flags(libc::MSG_DONTWAIT).build().user_data(2);
    submit(&mut ring, &[waits, does_not])?;
    let mut done = wait(&mut ring, 1)?;
    pause(Duration::from_millis(50));
    done.extend(ring.completion());
    let answer = |name| done.iter().find(|cqe| cqe.user_data() == name).map(|cqe| cqe.result());
    let says = |answer: Option<i32>| answer.map_or("still waiting".to_owned(), |result| result.to_string());
    let saw = format!(
        "on an O_NONBLOCK socket: {}; with MSG_DONTWAIT: {}; EAGAIN is {}",
        says(answer(1)),
        says(answer(2)),
        libc::EAGAIN
    );
    let holds = answer(1).is_none() && answer(2) == Some(-libc::EAGAIN);
    if holds {
        // Ends the receive that waits.
        ours.shutdown(std::net::Shutdown::Both).context("shutdown")?;
        wait(&mut ring, 1)?;
    }
    Ok(Observed::of(holds, saw))
}
