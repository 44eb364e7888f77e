//! Story: what happened in order, inside a window only. A window names its rung and what it lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::habits::Habits;
use super::rung::Rung;
use super::totals::Counts;

/// −EAGAIN, as a system call returns it.
const MINUS_EAGAIN: i64 = -11;

/// One event of the story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Story {
    /// A thread entered a system call.
    Enter {
        /// Thread id.
        tid: u32,
        /// Name of the call (`io_uring_enter`), or `syscall_N` where iolab has no name.
        name: String,
        /// Its six arguments. Of io_uring_setup the second is 0 and the third the flags that it points to, where they
        /// were read.
        args: [u64; 6],
    },
    /// A thread came back from a system call.
    Exit {
        /// Thread id.
        tid: u32,
        /// Name of the call.
        name: String,
        /// The return value; −errno on failure.
        result: i64,
    },
    /// A submission: it stood in a ring at the edge of a call and had not been told before, or the kernel took it
    /// (then `tid` is there).
    Sqe {
        /// Descriptor of the ring; −1 where the kernel told of one of several: it names them by addresses.
        ring: i32,
        /// The operation: `RECV`, or `op N` where iolab has no name.
        operation: String,
        /// The descriptor it is about; −1 where it has none, and where the kernel told of it, which leaves that out.
        fd: i32,
        /// Length of its buffer; nothing is known of it where the kernel told of the submission.
        len: u32,
        /// IOSQE_ flags.
        flags: u8,
        /// What its completion carries back.
        user_data: u64,
        /// The thread that handed it to the kernel, where that was seen: an SQPOLL thread of the kernel's, or
        /// one of the program.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tid: Option<u32>,
    },
    /// A completion: it stood in a ring at the edge of a call and had not been told before, or the kernel put it
    /// there (then `tid` is there).
    Cqe {
        /// Descriptor of the ring; −1 as above.
        ring: i32,
        /// From its submission.
        user_data: u64,
        /// The result; −errno on failure.
        result: i32,
        /// IORING_CQE_F_ flags (2, MORE: further completions of the same submission are to come).
        #[serde(default, skip_serializing_if = "is_zero")]
        flags: u32,
        /// The thread in whose time it was published, where that was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tid: Option<u32>,
    },
    /// The kernel did something with an operation between taking and completing it.
    Work {
        /// Descriptor of the ring; −1 where it is not known which.
        ring: i32,
        /// What: the kernel's name of its tracepoint without `io_uring_`: `poll_arm` (it waits until its descriptor
        /// is ready), `queue_async_work` (it goes to a worker), `local_work_run` (several are completed at once).
        what: String,
        /// From its submission, where the tracepoint says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_data: Option<u64>,
        /// How many, where the tracepoint says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
        /// The thread in whose time it was done.
        tid: u32,
    },
    /// A thread got a processor.
    On {
        /// Thread id.
        tid: u32,
        /// Which processor, from 0.
        cpu: u32,
    },
    /// A thread left its processor.
    Off {
        /// Thread id.
        tid: u32,
        /// Which processor, from 0.
        cpu: u32,
        /// Whether it was put aside although it could have gone on; else it gave the processor up to wait.
        preempted: bool,
    },
    /// What calls that are no longer kept came to: a live view thins what lies far back.
    Thinned {
        /// Calls entered, by name.
        by_name: BTreeMap<String, u64>,
        /// Calls that answered EAGAIN.
        eagain: u64,
        /// SQEs consumed by each io_uring_enter that had any to submit.
        batches: Counts,
        /// Descriptors that calls for waiting reported as ready.
        #[serde(default)]
        reports: u64,
        /// Other calls that succeeded.
        #[serde(default)]
        done: u64,
        /// What they show of the way the program works.
        #[serde(default, skip_serializing_if = "Habits::is_nothing")]
        habits: Box<Habits>,
    },
    /// The client sent a request.
    Sent {
        /// The client's port: with the ordinal, the request's id.
        port: u16,
        /// Which request of this connection, from 0.
        ordinal: u64,
    },
    /// The client has the whole answer.
    Answered {
        /// The client's port.
        port: u16,
        /// Which request of this connection, from 0.
        ordinal: u64,
    },
}

fn is_zero(flags: &u32) -> bool {
    *flags == 0
}

/// Whether a call answered that there is nothing to do now.
pub fn is_eagain(result: i64) -> bool {
    result == MINUS_EAGAIN
}

/// Whether a call waits until descriptors are ready: select(2), poll(2), epoll_wait(2) by all their names.
pub fn is_wait(name: &str) -> bool {
    const WAITS: [&str; 7] =
        ["select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"];
    WAITS.contains(&name)
}

/// What a call came to: how many descriptors it reported as ready, if it is one that waits; else whether it
/// succeeded, 1 or 0.
pub fn reports_and_done(name: &str, result: i64) -> (u64, u64) {
    match is_wait(name) {
        true => (u64::try_from(result).unwrap_or(0), 0),
        false => (0, u64::from(result >= 0)),
    }
}

/// A batch: the SQEs that an io_uring_enter(2) with some to submit handed over. Its second argument is how many
/// it offered, its result how many the kernel took.
pub fn batch_of(name: &str, to_submit: u64, result: i64) -> Option<u64> {
    let taken = u64::try_from(result).ok()?;
    (name == "io_uring_enter" && to_submit > 0 && taken > 0).then_some(taken)
}

/// The frame around a stretch of story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Who told the story.
    pub rung: Rung,
    /// Records that were lost inside it.
    pub lost: u64,
    /// Requests answered while it was open, as the client counted them.
    pub requests: u64,
    /// System calls entered inside it, lost ones not included.
    pub syscalls: u64,
}
