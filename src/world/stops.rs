//! Where a server stood still, stop by stop: what was asked and answered there, and what had changed since the stop
//! before.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::words::{self, Said};
use crate::trace::{CqeSight, Edge, Stop, Story};

mod changes;

pub use changes::{Change, changes};

/// Stops that are kept for showing.
const KEPT_MAX: usize = 64;

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
        let said = words::stop(stop, &self.asked);
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

    /// Which request the client has under way, in a few words.
    pub fn request(&self) -> String {
        match (self.stop.request, self.stop.answered) {
            (0, _) => "no request yet".to_owned(),
            (n, false) => format!("request {n}"),
            (n, true) => format!("request {n}, answered"),
        }
    }
}
