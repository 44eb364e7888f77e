//! Where a server stood still, stop by stop: what was asked and answered there, and what had changed since the stop
//! before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::words::{self, Said};
use crate::trace::{CqeSight, Edge, Record, Stop, Story, Trace};

mod changes;

pub use changes::{Change, changes};

/// Stops that are kept for showing.
const KEPT_MAX: usize = 64;

/// Why nothing stops in a kernel thread that polls a ring.
pub const NOTHING_STOPS: &str = "The kernel thread that polls the submission queue makes no system calls, so there is \
                                 nothing to stop it at: while it works its rings are looked at instead, every 150 µs.";

/// Submissions whose completions can be named.
const ASKED_MAX: usize = 4096;

/// The stops of a run up to a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stops {
    /// How many there were.
    pub count: u64,
    last: VecDeque<Arc<Seen>>,
    asked: Arc<Asked>,
}

/// What was asked for under a name, by ring and user_data: a completion carries the name alone.
pub type Asked = BTreeMap<(i32, u64), (String, i32)>;

/// A stop, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which stop of the run, from 1; looks are counted with them.
    pub number: u64,
    /// When, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// What was seen.
    pub stop: Stop,
    /// What is asked and answered, in plain words.
    pub said: Said,
    /// What had changed since the stop before: derived by comparing.
    pub changes: Vec<Change>,
}

/// When something was seen of a server in slow motion, or of any, nanoseconds since the trace's zero, in order.
pub fn stop_times(trace: &Trace, server: Option<usize>) -> BTreeSet<u64> {
    let meant =
        trace.runs().iter().filter(|run| server.is_none_or(|server| run.start.server as usize == server));
    let times = meant.flat_map(|run| {
        let stops = run.records.iter().filter(|(_, record)| matches!(record, Record::Stop(_)));
        stops.map(|(t_ns, _)| run.began_ns.saturating_add(*t_ns))
    });
    times.collect()
}

impl Stops {
    /// The latest.
    pub fn now(&self) -> Option<&Seen> {
        self.last.back().map(Arc::as_ref)
    }

    /// The last ones, oldest first.
    pub fn last(&self) -> impl DoubleEndedIterator<Item = &Seen> + ExactSizeIterator {
        self.last.iter().map(Arc::as_ref)
    }

    /// A completion as `RECV fd 6 → 64`.
    pub fn completion(&self, ring: i32, cqe: &CqeSight) -> String {
        words::completion(ring, cqe, &self.asked)
    }

    pub(super) fn push(&mut self, t_ns: u64, stop: &Stop) {
        self.count += 1;
        for ring in &stop.rings {
            for sqe in &ring.sqes {
                self.name(ring.fd, sqe.user_data, &sqe.operation, sqe.fd);
            }
        }
        let changes = match self.now() {
            Some(before) => changes(&before.stop, stop, &self.asked),
            None => Vec::new(),
        };
        let mut said = words::stop(stop, &self.asked);
        // What was asked stands in the entry of the call: by its exit the kernel may have written over it.
        let entry = |seen: &&Arc<Seen>| seen.stop.tid == stop.tid && seen.stop.edge != Edge::Look;
        if let (Edge::Exit { .. }, Some(entry)) = (stop.edge, self.last.iter().rev().find(entry))
            && entry.stop.edge == Edge::Entry
        {
            said.asks.clone_from(&entry.said.asks);
        }
        if self.last.len() == KEPT_MAX {
            self.last.pop_front();
        }
        self.last.push_back(Arc::new(Seen { number: self.count, t_ns, stop: stop.clone(), said, changes }));
    }

    /// A submission that was told apart from the stops: before the first of them, or between two.
    pub(super) fn hear(&mut self, story: &Story) {
        if let Story::Sqe { ring, operation, fd, user_data, .. } = story {
            self.name(*ring, *user_data, operation, *fd);
        }
    }

    fn name(&mut self, ring: i32, user_data: u64, operation: &str, fd: i32) {
        let is_known =
            self.asked.get(&(ring, user_data)).is_some_and(|(known, of)| known == operation && *of == fd);
        if !is_known && self.asked.len() < ASKED_MAX {
            Arc::make_mut(&mut self.asked).insert((ring, user_data), (operation.to_owned(), fd));
        }
    }
}

impl Seen {
    /// Where it stands, in a few words: `stopped at the entry of epoll_wait`.
    pub fn place(&self) -> String {
        match self.stop.edge {
            Edge::Entry => format!("stopped at the entry of {}", self.stop.name),
            Edge::Exit { .. } => format!("stopped at the exit of {}", self.stop.name),
            Edge::Look => "not stopped: its rings were looked at".to_owned(),
        }
    }

    /// Whether the client has had its whole answer since the stop before.
    pub fn answers(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Answered { .. }))
    }

    /// Whether something was completed since the stop before: a CQE came, or a call moved bytes.
    pub fn completes(&self) -> bool {
        let came = |change: &Change| matches!(change, Change::Completed { .. } | Change::Passed { .. });
        self.stop.moves_bytes() || self.changes.iter().any(came)
    }

    /// Which request the client has under way, in a few words.
    pub fn request(&self) -> String {
        match (self.stop.request, self.stop.answered) {
            (0, _) => "no request yet".to_owned(),
            (n, false) => format!("request {n}"),
            (n, true) => format!("request {n}, answered"),
        }
    }
}
