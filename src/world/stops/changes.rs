//! What changed between two stops of a server: derived by comparing what was read at both.

use std::fmt;

use super::Asked;
use crate::trace::{EpollSet, RingSight, Socket, Stop};
use crate::world::ready::of_set;
use crate::world::words;

/// One thing that is different from the stop before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the variant says")]
pub enum Change {
    /// Bytes came for a descriptor, and wait to be read.
    Came { fd: i32, bytes: u32 },
    /// Bytes that waited were fetched.
    Fetched { fd: i32, bytes: u32 },
    /// Connections came that wait to be accepted.
    Knocked { fd: i32, connections: u32 },
    /// A descriptor is ready now that was not: derived from its queue and the interest list.
    Ready { fd: i32 },
    /// A descriptor is ready no more.
    Unready { fd: i32 },
    /// A descriptor is watched now, for these events.
    Watched { fd: i32, events: u32 },
    /// A descriptor is watched no more.
    Unwatched { fd: i32 },
    /// The program wrote submissions.
    Written { sqes: u64 },
    /// The kernel took submissions.
    Taken { sqes: u64 },
    /// A completion came.
    Completed { what: String },
    /// Completions came and went in between: they were counted, and their contents not seen.
    Passed { cqes: u64 },
    /// The program took completions.
    Seen { cqes: u64 },
    /// A flag of the submission ring was set or cleared.
    Flag { name: String, set: bool },
    /// The client has the whole answer.
    Answered { request: u64 },
}

/// What is different at `now` from `before`, in the order of cause.
pub fn changes(before: &Stop, now: &Stop, asked: &Asked) -> Vec<Change> {
    let mut found = Vec::new();
    sockets(&before.sockets, &now.sockets, &mut found);
    for set in &now.sets {
        if let Some(was) = before.sets.iter().find(|was| was.fd == set.fd) {
            interest(was, set, &mut found);
            readiness((was, &before.sockets), (set, &now.sockets), &mut found);
        }
    }
    for ring in &now.rings {
        if let Some(was) = before.rings.iter().find(|was| was.fd == ring.fd) {
            rings(was, ring, asked, &mut found);
        }
    }
    if now.answered && !(before.answered && before.request == now.request) {
        found.push(Change::Answered { request: now.request });
    }
    found
}

fn sockets(before: &[Socket], now: &[Socket], found: &mut Vec<Change>) {
    for socket in now.iter().filter(|socket| socket.fd >= 0) {
        let was = before.iter().find(|was| was.fd == socket.fd).map_or(0, |was| was.receive_queue_bytes);
        let (fd, is) = (socket.fd, socket.receive_queue_bytes);
        match (is.checked_sub(was), socket.listening) {
            (Some(0), _) => {}
            (Some(connections), true) => found.push(Change::Knocked { fd, connections }),
            (Some(bytes), false) => found.push(Change::Came { fd, bytes }),
            (None, true) => {}
            (None, false) => found.push(Change::Fetched { fd, bytes: was - is }),
        }
    }
}

fn interest(before: &EpollSet, now: &EpollSet, found: &mut Vec<Change>) {
    for one in &now.interest {
        if !before.interest.contains(one) {
            found.push(Change::Watched { fd: one.fd, events: one.events });
        }
    }
    for one in &before.interest {
        if !now.interest.iter().any(|still| still.fd == one.fd) {
            found.push(Change::Unwatched { fd: one.fd });
        }
    }
}

fn readiness(before: (&EpollSet, &[Socket]), now: (&EpollSet, &[Socket]), found: &mut Vec<Change>) {
    let was = of_set(before.0, before.1);
    for one in of_set(now.0, now.1) {
        let fd = one.interest.fd;
        let was_ready = was.iter().any(|was| was.interest.fd == fd && was.ready.is_ready());
        match (was_ready, one.ready.is_ready()) {
            (false, true) => found.push(Change::Ready { fd }),
            (true, false) => found.push(Change::Unready { fd }),
            _ => {}
        }
    }
}

fn rings(before: &RingSight, now: &RingSight, asked: &Asked, found: &mut Vec<Change>) {
    let more = |was: u64, is: u64| Some(is.saturating_sub(was)).filter(|more| *more > 0);
    found.extend(more(before.sq.1, now.sq.1).map(|sqes| Change::Written { sqes }));
    found.extend(more(before.sq.0, now.sq.0).map(|sqes| Change::Taken { sqes }));
    if let Some(came) = more(before.cq.1, now.cq.1) {
        // The newest of those that wait are those that came.
        let fresh = now.cqes.len().min(usize::try_from(came).unwrap_or(usize::MAX));
        let told = now.cqes[now.cqes.len() - fresh..].iter();
        found.extend(told.map(|cqe| Change::Completed { what: words::completion(now.fd, cqe, asked) }));
        found.extend(more(fresh as u64, came).map(|cqes| Change::Passed { cqes }));
    }
    found.extend(more(before.cq.0, now.cq.0).map(|cqes| Change::Seen { cqes }));
    let flags = |one: &RingSight, other: &RingSight| -> Vec<String> {
        one.flags.iter().filter(|flag| !other.flags.contains(flag)).cloned().collect()
    };
    found.extend(flags(now, before).into_iter().map(|name| Change::Flag { name, set: true }));
    found.extend(flags(before, now).into_iter().map(|name| Change::Flag { name, set: false }));
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many =
            |n: u64, one: &str, more: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {more}") };
        let bytes = |n: u32| many(n.into(), "byte", "bytes");
        match self {
            Self::Came { fd, bytes: n } => write!(out, "{} came for fd {fd}", bytes(*n)),
            Self::Fetched { fd, bytes: n } => write!(out, "{} of fd {fd} were fetched", bytes(*n)),
            Self::Knocked { fd, connections } => {
                write!(out, "{} came to fd {fd}", many((*connections).into(), "connection", "connections"))
            }
            Self::Ready { fd } => write!(out, "fd {fd} is ready now"),
            Self::Unready { fd } => write!(out, "fd {fd} is ready no more"),
            Self::Watched { fd, events } => write!(out, "fd {fd} is watched for {}", words::events(*events)),
            Self::Unwatched { fd } => write!(out, "fd {fd} is watched no more"),
            Self::Written { sqes } => write!(out, "the program wrote {}", many(*sqes, "SQE", "SQEs")),
            Self::Taken { sqes } => write!(out, "the kernel took {}", many(*sqes, "SQE", "SQEs")),
            Self::Completed { what } => write!(out, "a CQE came: {what}"),
            Self::Passed { cqes } => write!(out, "{} came and went", many(*cqes, "CQE", "CQEs")),
            Self::Seen { cqes } => write!(out, "the program took {}", many(*cqes, "CQE", "CQEs")),
            Self::Flag { name, set: true } => write!(out, "the flag {name} is set"),
            Self::Flag { name, set: false } => write!(out, "the flag {name} is cleared"),
            Self::Answered { request } => write!(out, "the client has the answer to request {request}"),
        }
    }
}
