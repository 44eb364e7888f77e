//! The one thing that a learner looks at: a request, a descriptor, an entry's name, an instant. Every picture
//! follows it.

use super::words;
use crate::trace::{Record, Run, Story, Trace};

/// How many records around a time are searched for something to look at.
const REACH: usize = 20_000;

/// What is looked at, and where in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Index of the run in its trace.
    pub run: usize,
    /// When it was there, nanoseconds since the run's zero: a descriptor's number is used again and again.
    pub t_ns: u64,
    /// What it is.
    pub what: What,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A request of the client's.
    Request {
        /// The client's port.
        port: u16,
        /// Which request of this connection, from 0.
        ordinal: u64,
    },
    /// A descriptor of the server's.
    Fd(i32),
    /// Entries of rings that carry this name.
    UserData(u64),
    /// The instant itself.
    Instant,
}

impl Spot {
    /// Its time, nanoseconds since the trace's zero.
    pub fn since_zero_ns(&self, trace: &Trace) -> u64 {
        trace.runs().get(self.run).map_or(0, |run| run.began_ns).saturating_add(self.t_ns)
    }

    /// What it is, in a few words.
    pub fn words(&self, trace: &Trace) -> String {
        match self.what {
            What::Request { port, ordinal } => {
                let number = trace.runs().get(self.run).and_then(|run| number_of(run, self));
                let number = number.map_or_else(String::new, |number| format!(" {number}"));
                format!("request{number} (port {port}, its {})", words::nth(ordinal.saturating_add(1)))
            }
            What::Fd(fd) => format!("fd {fd}"),
            What::UserData(name) => format!("user_data {name}"),
            What::Instant => "this instant".to_owned(),
        }
    }
}

/// Which request of its run it is, from 1, in the order in which they were sent.
fn number_of(run: &Run, spot: &Spot) -> Option<u64> {
    let position = sent_at(run, spot)?;
    Some(run.tally(position).sent.saturating_add(1))
}

/// Where in a run's records a request was sent.
pub(super) fn sent_at(run: &Run, spot: &Spot) -> Option<usize> {
    let What::Request { port, ordinal } = spot.what else { return None };
    let from = run.position(spot.t_ns.saturating_sub(1));
    let is_it = |(_, record): &(u64, Record)| matches!(record, Record::Story(Story::Sent { port: by, ordinal: which }) if (*by, *which) == (port, ordinal));
    run.records[from..].iter().take(REACH).position(is_it).map(|more| from + more)
}

/// The request after a time, or the one before it, in a run.
pub fn request_beside(trace: &Trace, run: usize, own_ns: u64, forward: bool) -> Option<Spot> {
    let records = &trace.runs().get(run)?.records;
    let spot = |(t_ns, record): &(u64, Record)| match record {
        Record::Story(Story::Sent { port, ordinal }) => {
            let what = What::Request { port: *port, ordinal: *ordinal };
            Some(Spot { run, t_ns: *t_ns, what })
        }
        _ => None,
    };
    if forward {
        let from = records.partition_point(|(t_ns, _)| *t_ns <= own_ns);
        records[from..].iter().find_map(spot)
    } else {
        let until = records.partition_point(|(t_ns, _)| *t_ns < own_ns);
        records[..until].iter().rev().find_map(spot)
    }
}

/// The request of that number in a run, from 1, in the order in which they were sent.
pub fn request_number(trace: &Trace, run: usize, number: u64) -> Option<Spot> {
    let of = trace.runs().get(run)?;
    // The first place at which so many were sent.
    let (mut low, mut high) = (0, of.records.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if of.tally(middle + 1).sent < number { low = middle + 1 } else { high = middle }
    }
    let (t_ns, record) = of.records.get(low)?;
    let Record::Story(Story::Sent { port, ordinal }) = record else { return None };
    Some(Spot { run, t_ns: *t_ns, what: What::Request { port: *port, ordinal: *ordinal } })
}

/// The run of a server whose story tells most about a time, by its index: the one with a window around it, else
/// the one whose story is nearest. `None` where none has a story.
pub fn told_run(trace: &Trace, server: u32, t_ns: u64) -> Option<usize> {
    let runs = trace.runs().iter().enumerate().filter(|(_, run)| run.start.server == server);
    let distance = |run: &Run| {
        let own_ns = run.own_ns(t_ns.min(trace.end_ns())).unwrap_or(0);
        let (from_ns, to_ns) = told_span(run, own_ns)?;
        let early = from_ns.saturating_sub(own_ns);
        Some(early.max(own_ns.saturating_sub(to_ns)))
    };
    let told = runs.filter_map(|(index, run)| Some((distance(run)?, index)));
    // Of two that tell as much, the later one.
    told.min_by_key(|(far_ns, index)| (*far_ns, std::cmp::Reverse(*index))).map(|(_, index)| index)
}

/// The stretch of story nearest to a time: around it, else the last one before it, else the first one. On the
/// run's own clock.
fn told_span(run: &Run, own_ns: u64) -> Option<(u64, u64)> {
    let all = windows(run);
    let around = all.iter().find(|(from_ns, to_ns)| (*from_ns..=*to_ns).contains(&own_ns));
    let before = all.iter().rev().find(|(_, to_ns)| *to_ns < own_ns);
    around.or(before).or(all.first()).copied()
}

/// The stretches of a run that have a story: its windows, and one that is still open. On its own clock.
pub fn windows(run: &Run) -> Vec<(u64, u64)> {
    let mut windows: Vec<(u64, u64)> = run
        .landmarks()
        .filter_map(|(t_ns, record)| match record {
            Record::Window { duration_ns, .. } => Some((t_ns.saturating_sub(*duration_ns), *t_ns)),
            _ => None,
        })
        .collect();
    let closed_ns = windows.last().map(|(_, to_ns)| *to_ns);
    let is_over = matches!(run.records.last(), Some((_, Record::End { .. })));
    if let Some((t_ns, Record::Story(_))) = run.records.last().filter(|_| !is_over)
        && closed_ns.is_none_or(|closed_ns| closed_ns < *t_ns)
    {
        let from = closed_ns.map_or(0, |closed_ns| run.position(closed_ns));
        windows.extend(run.records.get(from).map(|(from_ns, _)| (*from_ns, *t_ns)));
    }
    windows
}

/// What the last records up to a time offer to be looked at, oldest first, each once: of the kind that `of` picks.
pub fn offered(trace: &Trace, run: usize, own_ns: u64, of: impl Fn(&Story) -> Option<What>) -> Vec<Spot> {
    /// More than anybody goes through.
    const OFFERED_MAX: usize = 64;
    let Some(records) = trace.runs().get(run).map(|run| &run.records) else { return Vec::new() };
    let until = records.partition_point(|(t_ns, _)| *t_ns <= own_ns);
    let mut spots: Vec<Spot> = Vec::new();
    for (t_ns, record) in records[..until].iter().rev().take(REACH) {
        let Record::Story(story) = record else { continue };
        let Some(what) = of(story) else { continue };
        let known = |spot: &Spot| spot.what == what && !matches!(what, What::Instant);
        if !spots.iter().any(known) {
            spots.push(Spot { run, t_ns: *t_ns, what });
        }
        if spots.len() >= OFFERED_MAX {
            break;
        }
    }
    spots.reverse();
    spots
}

/// The descriptor that a call is about, where its arguments say so.
pub fn fd_of(name: &str, args: &[u64; 6]) -> Option<i32> {
    match name {
        "read" | "readv" | "recvfrom" | "recv" | "recvmsg" | "write" | "writev" | "sendto" | "send"
        | "sendmsg" | "shutdown" | "close" => Some(args[0] as i32),
        "epoll_ctl" => Some(args[2] as i32),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::trace::{Purpose, Start};

    /// A trace of one window run with these records.
    pub fn trace_of(records: impl IntoIterator<Item = (u64, Record)>) -> Trace {
        let mut trace = Trace::new(header());
        let start = Start { server: 0, round: 0, purpose: Purpose::Window, pid: 7, load: None };
        let start = crate::trace::Entry { run: Some(0), t_ns: 0, record: Record::Start(start) };
        trace.push(start).unwrap();
        for (t_ns, record) in records {
            trace.push(crate::trace::Entry { run: Some(0), t_ns, record }).unwrap();
        }
        trace
    }

    pub fn header() -> crate::trace::Header {
        serde_json::from_value(serde_json::json!({
            "schema": "iolab.trace/1", "servers": ["uring"], "syscall_rung": {"Ok": "perf"},
            "load": {"connections": 1, "message_bytes": 64, "rate_per_s": 10},
            "capabilities": {
                "machine": {"kernel": "", "cpus": 1, "cpu": "", "virtual": null, "io_uring": true, "rungs": []},
                "io_uring": {"state": "yes"}, "io_uring_operations": {}, "io_uring_features": {},
                "ring": {"state": "yes"}, "perf": {"state": "yes"}, "perf_user": {"state": "yes"},
                "tracefs": {"state": "yes"}, "ptrace": {"state": "yes"}, "sock": {"state": "yes"},
                "yama_scope": null, "perf_event_paranoid": 2, "memlock_bytes": null, "nofile": [1, 1], "uid": 0
            }
        }))
        .unwrap()
    }

    pub fn sent(ordinal: u64) -> Record {
        Record::Story(Story::Sent { port: 40_000, ordinal })
    }

    #[test]
    fn requests_are_numbered_in_the_order_they_were_sent() {
        let trace = trace_of((0..3000).map(|n| (n * 10, sent(n))));
        let seventeen = request_number(&trace, 0, 17).unwrap();
        assert_eq!(seventeen.what, What::Request { port: 40_000, ordinal: 16 });
        assert_eq!(number_of(&trace.runs()[0], &seventeen), Some(17));
        assert_eq!(request_number(&trace, 0, 3001), None);
        let next = request_beside(&trace, 0, seventeen.t_ns, true).unwrap();
        assert_eq!(next.words(&trace), "request 18 (port 40000, its 18th)");
        assert_eq!(request_beside(&trace, 0, next.t_ns, false), Some(seventeen));
        assert_eq!(request_beside(&trace, 0, 0, false), None);
    }
}
