//! Kernel facts: small statements about flags, errno values and behaviour, each tried on the kernel at hand.
//!
//! Manual pages are written by people and kernels change: three of these contradict what current pages say. To add
//! one: a file with its statement and its probe, and a row of [`FACTS`].

// Rings are tried by hand here: their raw forms need unsafe, each block with its reason.
#![allow(unsafe_code)]

mod close_in_flight;
mod cqe_mixed_cqe32;
mod defer_peek;
mod enobufs;
mod epoll_dup;
mod epoll_file;
mod iopoll_sockets;
mod link_short_read;
mod nonblock_pends;
mod overflow_counter;
mod scm_rights;
mod send_zc;
mod single_issuer;
mod sq_thread_idle_zero;
mod sqpoll_flags;
mod tools;

use serde::Serialize;

use crate::trace::{Capabilities, Refusal};

/// One row of [`FACTS`].
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// Its name.
    pub id: &'static str,
    /// The statement.
    pub says: &'static str,
    /// Where it can be read.
    pub source: &'static str,
    /// Which current manual page says something else, if one does.
    pub manual: Option<&'static str>,
    /// Whether it needs io_uring_setup(2) to be allowed.
    pub io_uring: bool,
    /// Tries it. Seconds at most on whatever kernel, and leaves nothing behind. Where the kernel does not have what the
    /// statement is about, that is no statement about it: untestable, not false.
    pub probe: fn() -> anyhow::Result<Observed>,
}

/// Whether a statement holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// On this kernel it does.
    Holds,
    /// On this kernel it does not.
    Fails,
    /// It could not be tried.
    Untestable,
}

impl Standing {
    /// In words, on that kernel.
    pub fn says(self, kernel: &str) -> String {
        match self {
            Self::Holds => format!("holds on your {kernel}"),
            Self::Fails => format!("does not hold on your {kernel}"),
            Self::Untestable => "cannot be tried here".to_owned(),
        }
    }
}

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Whether the statement holds.
    pub standing: Standing,
    /// What the kernel did.
    pub saw: String,
}

impl Observed {
    /// Seen to hold, or not.
    fn of(holds: bool, saw: impl Into<String>) -> Self {
        let standing = if holds { Standing::Holds } else { Standing::Fails };
        Self { standing, saw: saw.into() }
    }

    /// Not to be seen here, and why.
    fn unknown(saw: impl Into<String>) -> Self {
        Self { standing: Standing::Untestable, saw: saw.into() }
    }
}

/// A statement that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The statement.
    pub fact: &'static Fact,
    /// What was seen.
    pub observed: Observed,
    /// The layer that kept it from being tried, where one did.
    pub refusal: Option<Refusal>,
}

/// Tries all statements, one after another.
pub fn try_all(capabilities: &Capabilities, mut tell: impl FnMut(&'static Fact)) -> Vec<Tried> {
    FACTS
        .iter()
        .map(|fact| {
            tell(fact);
            let refusal = (fact.io_uring && !capabilities.io_uring.is_usable())
                .then(|| capabilities.io_uring.refusal().cloned())
                .flatten();
            let observed = match &refusal {
                Some(refusal) => Observed::unknown(refusal.says.clone()),
                // A probe that could not be made is no statement about the kernel.
                None => (fact.probe)().unwrap_or_else(|error| Observed::unknown(format!("{error:#}"))),
            };
            Tried { fact, observed, refusal }
        })
        .collect()
}

/// Every statement there is.
pub const FACTS: &[Fact] = &[
    epoll_file::FACT,
    epoll_dup::FACT,
    overflow_counter::FACT,
    link_short_read::FACT,
    nonblock_pends::FACT,
    close_in_flight::FACT,
    enobufs::FACT,
    send_zc::FACT,
    single_issuer::FACT,
    defer_peek::FACT,
    sqpoll_flags::FACT,
    sq_thread_idle_zero::FACT,
    cqe_mixed_cqe32::FACT,
    iopoll_sockets::FACT,
    scm_rights::FACT,
];
