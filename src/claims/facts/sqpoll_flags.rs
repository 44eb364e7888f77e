//! Flags that SQPOLL does not go with.

use nix::errno::Errno;

use super::tools::setup;
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "sqpoll-with-taskrun",
    says: "IORING_SETUP_SQPOLL with DEFER_TASKRUN or COOP_TASKRUN is refused with EINVAL.",
    source: "io_uring_setup(2); io_uring/io_uring.c",
    manual: None,
    io_uring: true,
    probe,
};

/// linux/io_uring.h.
const SQPOLL: u32 = 1 << 1;
const COOP_TASKRUN: u32 = 1 << 8;
const SINGLE_ISSUER: u32 = 1 << 12;
const DEFER_TASKRUN: u32 = 1 << 13;

pub fn probe() -> anyhow::Result<Observed> {
    let defer = setup(SQPOLL | SINGLE_ISSUER | DEFER_TASKRUN);
    let coop = setup(SQPOLL | COOP_TASKRUN);
    let says = |result: &Result<(), Errno>| match result {
        Ok(()) => "a ring was made".to_owned(),
        Err(errno) => format!("{errno:?}"),
    };
    Ok(Observed::of(
        defer == Err(Errno::EINVAL) && coop == Err(Errno::EINVAL),
        format!("with DEFER_TASKRUN: {}; with COOP_TASKRUN: {}", says(&defer), says(&coop)),
    ))
}
