//! Flags that SQPOLL does not go with.

use nix::errno::Errno;

use super::tools::setup;
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "sqpoll-with-taskrun",
    says: "IORING_SETUP_SQPOLL with DEFER_TASKRUN or COOP_TASKRUN is refused with EINVAL.",
    source: "io_uring/io_uring.c, io_uring_sanitise_params",
    manual: None,
    io_uring: true,
    probe,
};

/// linux/io_uring.h. DEFER_TASKRUN goes only with SINGLE_ISSUER.
const SQPOLL: u32 = 1 << 1;
const COOP_TASKRUN: u32 = 1 << 8;
const DEFER_TASKRUN: u32 = 1 << 13 | 1 << 12;

pub fn probe() -> anyhow::Result<Observed> {
    // Each without the other first: a kernel that does not know a flag refuses it with EINVAL, too.
    for (name, flags) in
        [("SQPOLL", SQPOLL), ("DEFER_TASKRUN", DEFER_TASKRUN), ("COOP_TASKRUN", COOP_TASKRUN)]
    {
        if let Err(errno) = setup(flags) {
            return Ok(Observed::unknown(format!("IORING_SETUP_{name} is refused by itself ({errno:?})")));
        }
    }
    let (defer, coop) = (setup(SQPOLL | DEFER_TASKRUN), setup(SQPOLL | COOP_TASKRUN));
    let says = |result: &Result<(), Errno>| match result {
        Ok(()) => "a ring was made".to_owned(),
        Err(errno) => format!("{errno:?}"),
    };
    Ok(Observed::of(
        defer == Err(Errno::EINVAL) && coop == Err(Errno::EINVAL),
        format!("with DEFER_TASKRUN: {}; with COOP_TASKRUN: {}", says(&defer), says(&coop)),
    ))
}
