//! CQE_MIXED is for rings of small entries.

use nix::errno::Errno;

use super::tools::setup;
use super::{Fact, Observed};

pub const FACT: Fact = Fact {
    id: "cqe-mixed-cqe32",
    says: "IORING_SETUP_CQE_MIXED together with IORING_SETUP_CQE32 is refused with EINVAL.",
    source: "io_uring/io_uring.c, io_uring_sanitise_params",
    manual: Some("io_uring_setup_flags(7) of liburing 2.15 says that CQE_MIXED requires CQE32"),
    io_uring: true,
    probe,
};

/// linux/io_uring.h.
const CQE32: u32 = 1 << 11;
const CQE_MIXED: u32 = 1 << 18;

pub fn probe() -> anyhow::Result<Observed> {
    if let Err(errno) = setup(CQE_MIXED) {
        return Ok(Observed::unknown(format!("this kernel has no IORING_SETUP_CQE_MIXED ({errno:?})")));
    }
    Ok(match setup(CQE_MIXED | CQE32) {
        Err(errno) => Observed::of(errno == Errno::EINVAL, format!("io_uring_setup answered {errno:?}")),
        Ok(()) => Observed::of(false, "io_uring_setup made such a ring"),
    })
}
