//! Where numbers come from: each probe is one way to see a process from outside, one file each.
//!
//! A probe says what it needs, what it costs the observed process, and why it is refused ([`Refusal`]). It
//! knows nothing of screens or lessons and fills the plain values of [`crate::trace`].
//!
//! [`Refusal`]: crate::trace::Refusal

// Kernel interfaces without a wrapper (perf_event_open, pidfd_getfd), a mapping that another process writes
// to, and ptrace requests with raw signal numbers; each block says why it is sound.
#![allow(unsafe_code)]

pub mod clock;
pub(crate) mod descriptors;
pub mod epoll_set;
pub mod perf;
pub mod pidfd;
pub mod pointed;
pub mod proc;
pub mod ptrace;
pub mod refuse;
pub mod rights;
pub mod ring;
pub mod sock;
pub mod source;
pub mod syscalls;
mod table;
pub mod text;

pub use self::perf::tracepoint_ids;
pub use self::table::{PROBES, Probe};
