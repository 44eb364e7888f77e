//! IOPOLL is for devices that can be polled.

use std::os::fd::AsRawFd;

use anyhow::Context;
use io_uring::{Builder, IoUring, cqueue, opcode, types};

use super::tools::{connected, send, submit, wait};
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "iopoll-sockets-einval",
    says: "On a ring with IORING_SETUP_IOPOLL a receive on a socket is refused with EINVAL.",
    source: "io_uring_setup_flags(7), IORING_SETUP_IOPOLL: the operations that are allowed; io_uring/io_uring.c, io_init_req",
    manual: None,
    io_uring: true,
    probe,
};

pub fn probe() -> anyhow::Result<Observed> {
    // Without the flag first: a kernel that does not have the operation refuses it with EINVAL, too.
    let plain = receive(&IoUring::builder(), 1)?;
    if plain.is_none_or(|result| result <= 0) {
        let answer = plain.map_or("nothing".to_owned(), |result| result.to_string());
        return Ok(Observed::unknown(format!("on a ring without the flag the receive answered {answer}")));
    }
    // A refusal is there at once; nobody waits for a receive that was taken.
    let polled = receive(IoUring::builder().setup_iopoll(), 0).context("a ring with IOPOLL")?;
    Ok(match polled {
        Some(result) => Observed::of(
            result == -libc::EINVAL,
            format!("the receive answered {result}; EINVAL is {}", libc::EINVAL),
        ),
        None => Observed::of(false, "the receive was taken"),
    })
}

/// What a receive answers on such a ring; its bytes are on their way.
fn receive(rings: &Builder, want: usize) -> anyhow::Result<Option<i32>> {
    let mut buffer = [0_u8; 16];
    let (ours, mut theirs) = connected()?;
    send(&mut theirs)?;
    let mut ring = rings.build(4).context("io_uring_setup")?;
    let receive = opcode::Recv::new(types::Fd(ours.as_raw_fd()), buffer.as_mut_ptr(), 16).build();
    submit(&mut ring, &[receive])?;
    Ok(wait(&mut ring, want)?.first().map(cqueue::Entry::result))
}
