//! Features and set-up flags of io_uring: since when Linux has them, and which lessons show them.
//!
//! Versions are those of io_uring_setup(2) and io_uring_register(2). How each is tried is
//! `examine/features.rs`; here stands only what it means.

use super::version::Version;

/// One row of [`FEATURES`].
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// Its name without `IORING_SETUP_`, `IORING_FEAT_` or `IORING_REGISTER_`.
    pub name: &'static str,
    /// The first kernel that has it.
    pub since: Version,
    /// The lessons that use it.
    pub lessons: &'static [u8],
}

const fn feature(name: &'static str, major: u16, minor: u16, lessons: &'static [u8]) -> Feature {
    Feature { name, since: Version(major, minor), lessons }
}

/// Every feature that iolab asks about, oldest first.
pub const FEATURES: &[Feature] = &[
    feature("SQPOLL", 5, 1, &[4]),
    feature("SINGLE_MMAP", 5, 4, &[]),
    feature("NODROP", 5, 5, &[3]),
    feature("SUBMIT_STABLE", 5, 5, &[]),
    feature("CQSIZE", 5, 5, &[3]),
    feature("CLAMP", 5, 6, &[]),
    feature("FAST_POLL", 5, 7, &[3]),
    feature("R_DISABLED", 5, 10, &[]),
    feature("SQPOLL_NONFIXED", 5, 11, &[4]),
    feature("EXT_ARG", 5, 11, &[3]),
    feature("NATIVE_WORKERS", 5, 12, &[6]),
    feature("RSRC_TAGS", 5, 13, &[]),
    feature("CQE_SKIP", 5, 17, &[]),
    feature("SUBMIT_ALL", 5, 18, &[]),
    feature("COOP_TASKRUN", 5, 19, &[5]),
    feature("TASKRUN_FLAG", 5, 19, &[]),
    feature("PBUF_RING", 5, 19, &[5]),
    feature("MULTISHOT_ACCEPT", 5, 19, &[5]),
    feature("SINGLE_ISSUER", 6, 0, &[5]),
    feature("MULTISHOT_RECV", 6, 0, &[5]),
    feature("DEFER_TASKRUN", 6, 1, &[5]),
    feature("NO_SQARRAY", 6, 6, &[]),
    feature("RECVSEND_BUNDLE", 6, 10, &[5]),
    feature("MIN_TIMEOUT", 6, 12, &[]),
];
