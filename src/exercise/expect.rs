//! What a criterion expects: relations of the numbers that were seen from outside.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::relation::Relation;

/// What has to hold of a step. Everything that is named is judged; a criterion names one thing, or a few that
/// belong together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// `all`: every byte came back, in order; every greeting was seen; every connection was closed.
    pub echoed: Option<All>,
    /// `all`: every connection saw FIN, and no reset.
    pub fin: Option<All>,
    /// The program runs at the end of the step.
    pub alive: Option<bool>,
    /// Exit status.
    pub exit: Option<i32>,
    /// The numbers of the program's answer, in order.
    pub numbers: Option<Vec<Relation>>,
    /// System calls of all threads.
    pub calls: Option<Relation>,
    /// The same for each echo.
    pub calls_per_echo: Option<Relation>,
    /// System calls by name.
    pub call: BTreeMap<String, Relation>,
    /// System calls by name, for each echo.
    pub call_per_echo: BTreeMap<String, Relation>,
    /// Calls that answered an error, by its name.
    pub answered: BTreeMap<String, Relation>,
    /// Median of the SQEs that an io_uring_enter(2) handed over.
    pub batch: Option<Relation>,
    /// Voluntary context switches of all threads.
    pub voluntary_switches: Option<Relation>,
    /// Involuntary context switches of all threads.
    pub involuntary_switches: Option<Relation>,
    /// Voluntary context switches for each echo.
    pub voluntary_switches_per_echo: Option<Relation>,
    /// Processor time of all threads, the kernel's helpers included, milliseconds.
    pub cpu_ms: Option<Relation>,
    /// Threads, without the kernel's helpers.
    pub threads: Option<Relation>,
    /// The kernel's helpers, by how their names begin.
    pub helpers: BTreeMap<String, Relation>,
    /// Open descriptors more than when the program was first at rest.
    pub descriptors_more: Option<Relation>,
    /// Open sockets, the listener included.
    pub sockets: Option<Relation>,
    /// Entries of all interest lists.
    pub watched: Option<Relation>,
    /// Bits of the watched connections.
    pub bits: BTreeMap<Bit, Share>,
    /// SQEs: how far the tails of the submission queues moved.
    pub sqes: Option<Relation>,
    /// CQEs: how far the tails of the completion queues moved.
    pub cqes: Option<Relation>,
    /// SQEs for each echo.
    pub sqes_per_echo: Option<Relation>,
    /// CQEs for each echo.
    pub cqes_per_echo: Option<Relation>,
    /// Whether the flag IORING_SQ_CQ_OVERFLOW was ever seen.
    pub cq_overflow: Option<bool>,
    /// Set-up flags that a ring must have.
    pub ring_flags: Vec<String>,
    /// Whether the SQPOLL thread sleeps (IORING_SQ_NEED_WAKEUP) at the end.
    pub asleep: Option<bool>,
    /// Resident memory at its peak, MiB.
    pub memory_mb: Option<Relation>,
}

/// All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// Without exception.
    All,
}

/// An event bit of epoll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Bit {
    /// EPOLLIN.
    In,
    /// EPOLLOUT.
    Out,
    /// EPOLLET.
    Et,
    /// EPOLLONESHOT.
    OneShot,
    /// EPOLLEXCLUSIVE.
    Exclusive,
}

/// How many of the watched connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// Every one; there must be one.
    All,
    /// At least one.
    Some,
    /// Not one.
    None,
}

impl Expect {
    /// What can be judged only where every system call is seen; the key's name.
    pub fn needs_calls(&self) -> Option<&'static str> {
        let keys = [
            (self.calls.is_some(), "calls"),
            (self.calls_per_echo.is_some(), "calls_per_echo"),
            (!self.call.is_empty(), "call"),
            (!self.call_per_echo.is_empty(), "call_per_echo"),
            (!self.answered.is_empty(), "answered"),
            (self.batch.is_some(), "batch"),
        ];
        keys.into_iter().find(|(is_there, _)| *is_there).map(|(_, key)| key)
    }

    /// What can be judged only where the program runs freely; the key's name.
    pub fn needs_freedom(&self) -> Option<&'static str> {
        let keys = [
            (self.voluntary_switches.is_some(), "voluntary_switches"),
            (self.involuntary_switches.is_some(), "involuntary_switches"),
            (self.voluntary_switches_per_echo.is_some(), "voluntary_switches_per_echo"),
            (self.cpu_ms.is_some(), "cpu_ms"),
        ];
        keys.into_iter().find(|(is_there, _)| *is_there).map(|(_, key)| key)
    }

    /// Whether anything is expected at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
