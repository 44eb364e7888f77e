//! What is asked and answered at a stop, what the pointers of the call point to and the rings included.

use super::super::stops::Asked;
use super::{answer, ask, errno};
use crate::trace::{CqeSight, Edge, Pointed, Polled, RingSight, Stop, is_wait};
use crate::world::Call;

/// Names in a list before the rest is counted.
const NAMED_MAX: usize = 4;

/// What is asked at a stop, and what is answered once it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// As the program says it to the kernel: `is any of my 2 descriptors ready? I wait`.
    pub asks: String,
    /// As the kernel answers: `fd 5 can be read`; `None` as long as it has not.
    pub answers: Option<String>,
}

/// The sentence of a stop.
pub fn stop(stop: &Stop, asked: &Asked) -> Said {
    let result = match stop.edge {
        Edge::Look => return Said { asks: look(stop, asked), answers: None },
        Edge::Entry => None,
        Edge::Exit { result } => Some(result),
    };
    let (name, args) = (stop.name.clone(), stop.args);
    let call = Call { t_ns: 0, tid: stop.tid, name, args, result, until_ns: None };
    let asks = asks(stop, &call).unwrap_or_else(|| ask(&call));
    let answers = result.map(|result| answers(stop, result, asked).unwrap_or_else(|| answer(&call)));
    Said { asks, answers }
}

/// What the pointers add to the question; `None` where the arguments say all.
fn asks(stop: &Stop, call: &Call) -> Option<String> {
    let said = ask(call);
    // How long it waits stands behind the question.
    let patience = said.split_once("? ").map(|(_, patience)| patience).unwrap_or_default();
    match &stop.pointed {
        _ if is_wait(&stop.name) && stop.name.starts_with("epoll") => {
            let set = stop.sets.iter().find(|set| set.fd == stop.args[0] as i32)?;
            Some(match set.interest.len() {
                1 => format!("is the one descriptor that I watch ready? {patience}"),
                n => format!("is any of the {n} descriptors that I watch ready? {patience}"),
            })
        }
        Pointed::Watch { events, .. } if stop.args[1] != 2 => {
            let fd = stop.args[2] as i32;
            Some(match stop.args[1] {
                3 => format!("from now on watch fd {fd} for {}", super::events(*events)),
                _ => format!("watch fd {fd} for {}", super::events(*events)),
            })
        }
        Pointed::Polled { polled, length } if stop.edge == Edge::Entry && *length > 0 => {
            let fds =
                list(polled.iter().filter(|one| one.fd >= 0).map(|one| format!("fd {}", one.fd)), *length);
            Some(format!("is {} ready? {patience}", either(&fds, *length)))
        }
        Pointed::Selected { read, write } if stop.edge == Edge::Entry => {
            let all = read.len().max(write.len()) as u64;
            let fds = list(read.iter().map(|fd| format!("fd {fd}")), all);
            let room = if write.is_empty() { "" } else { ", or has one room to send" };
            Some(format!("can {} be read{room}? {patience}", either(&fds, all)))
        }
        Pointed::Bytes { text } if stop.edge == Edge::Entry => {
            Some(format!("{said}: {}", quoted(text, stop.args[2])))
        }
        _ if stop.name == "io_uring_enter" && stop.edge == Edge::Entry => {
            let sqes = stop.rings.iter().find(|ring| ring.fd == stop.args[0] as i32)?.sqes.iter();
            let total = stop.args[1];
            let names = sqes.take(total as usize).map(|sqe| format!("{} fd {}", sqe.operation, sqe.fd));
            let named = list(names, total);
            (total > 0 && !named.is_empty()).then(|| match said.split_once(',') {
                Some((take, wait)) => format!("{take} ({named}),{wait}"),
                None => format!("{said} ({named})"),
            })
        }
        _ => None,
    }
}

fn answers(stop: &Stop, result: i64, asked: &Asked) -> Option<String> {
    let count = u64::try_from(result).ok()?;
    let is_listener = |fd: i32| stop.sockets.iter().any(|socket| socket.fd == fd && socket.listening);
    let event = |fd: i32, events: u32| format!("{}: {}", name(fd), can(events, is_listener(fd)));
    match &stop.pointed {
        Pointed::Reports { reports } => {
            Some(list(reports.iter().map(|report| event(report.fd, report.events)), count))
        }
        Pointed::Polled { polled, .. } if count > 0 => {
            let told = polled.iter().map(|Polled { fd, revents, .. }| event(*fd, u32::from(*revents as u16)));
            Some(list(told, count))
        }
        Pointed::Selected { read, write } if count > 0 => {
            let told = read.iter().map(|fd| event(*fd, 1)).chain(write.iter().map(|fd| event(*fd, 4)));
            Some(list(told, count))
        }
        Pointed::Bytes { text } if count > 0 => {
            let bytes = if count == 1 { "byte" } else { "bytes" };
            Some(format!("{count} {bytes}: {}", quoted(text, count)))
        }
        _ if stop.name == "io_uring_enter" => {
            let ring = stop.rings.iter().find(|ring| ring.fd == stop.args[0] as i32)?;
            let taken = match (stop.args[1], count) {
                (0, _) => String::new(),
                (_, 1) => "1 SQE taken".to_owned(),
                (_, n) => format!("{n} SQEs taken"),
            };
            let wait = waiting(ring, asked);
            Some(match (taken.is_empty(), wait.is_empty()) {
                (true, true) => "done".to_owned(),
                (false, false) => format!("{taken}; {wait}"),
                _ => taken + &wait,
            })
        }
        _ => None,
    }
}

/// What waits in a completion queue: `1 CQE waits: RECV fd 6 → 64`; empty where nothing does.
fn waiting(ring: &RingSight, asked: &Asked) -> String {
    let named = list(ring.cqes.iter().map(|cqe| completion(ring.fd, cqe, asked)), ring.cqes.len() as u64);
    match ring.cqes.len() {
        0 => String::new(),
        1 => format!("1 CQE waits: {named}"),
        n => format!("{n} CQEs wait: {named}"),
    }
}

fn look(stop: &Stop, asked: &Asked) -> String {
    let ring = |ring: &RingSight| {
        let queued = ring.sq.1.saturating_sub(ring.sq.0);
        let wait = waiting(ring, asked);
        match (queued, wait.is_empty()) {
            (0, true) => "the rings are empty again".to_owned(),
            (0, false) => wait,
            (n, true) => format!("{n} queued for the kernel's thread"),
            (n, false) => format!("{n} queued for the kernel's thread, {wait}"),
        }
    };
    stop.rings.iter().map(ring).collect::<Vec<_>>().join("; ")
}

/// A completion as `RECV fd 6 → 64`, or by its user_data where its submission was not seen.
pub fn completion(ring: i32, cqe: &CqeSight, asked: &Asked) -> String {
    let what = match asked.get(&(ring, cqe.user_data)) {
        Some((operation, fd)) => format!("{operation} fd {fd}"),
        None => format!("user_data {:#x}", cqe.user_data),
    };
    let result = match cqe.result {
        n @ 0.. => n.to_string(),
        n => errno(u64::from(n.unsigned_abs())),
    };
    /// IORING_CQE_F_MORE: a multishot operation goes on.
    const MORE: u32 = 2;
    let more = if cqe.flags & MORE != 0 { ", more will come" } else { "" };
    format!("{what} → {result}{more}")
}

fn name(fd: i32) -> String {
    match fd {
        ..0 => "one that carries another datum".to_owned(),
        fd => format!("fd {fd}"),
    }
}

/// What a descriptor is ready for, by EPOLL or POLL bits.
fn can(events: u32, is_listener: bool) -> String {
    let says = [
        (0x1, if is_listener { "a connection waits" } else { "it can be read" }),
        (0x4, "it has room"),
        (0x8, "it has an error"),
        (0x10, "both sides are done"),
        (0x2000, "the other side is done"),
        (0x20, "it is not open"),
    ];
    let told: Vec<_> = says.iter().filter(|(bit, _)| events & bit != 0).map(|(_, says)| *says).collect();
    if told.is_empty() { format!("events {events:#x}") } else { told.join(", ") }
}

fn either(fds: &str, of: u64) -> String {
    if of == 1 { fds.to_owned() } else { format!("any of {fds}") }
}

/// The first of some names, and how many more there are.
fn list(names: impl Iterator<Item = String>, of: u64) -> String {
    let named: Vec<_> = names.take(NAMED_MAX).collect();
    match of.saturating_sub(named.len() as u64) {
        _ if named.is_empty() => String::new(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn quoted(text: &str, length: u64) -> String {
    let more = if (text.len() as u64) < length { "…" } else { "" };
    format!("\"{text}{more}\"")
}
