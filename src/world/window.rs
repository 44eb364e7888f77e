//! What the windows of a run told: system calls by name, batches, answers of EAGAIN, the last calls in
//! order.

use std::collections::{BTreeMap, VecDeque};

use crate::trace::habits::{Called, Habits};
use crate::trace::{Counts, Rung, Story, Window, add_name, batch_of, is_eagain, reports_and_done};

/// How many of the last calls are kept for showing.
const CALLS_MAX: usize = 256;

/// How many of the last requests are kept for showing.
const ECHOES_MAX: usize = 512;

/// One system call, entered and perhaps left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it was entered, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// Who.
    pub tid: u32,
    /// What.
    pub name: String,
    /// With what.
    pub args: [u64; 6],
    /// What came back; `None` while it is under way.
    pub result: Option<i64>,
    /// When it came back, nanoseconds since the run's zero; `None` while it is under way.
    pub until_ns: Option<u64>,
}

/// One request as its client noted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The client's port: with the ordinal, the request's id.
    pub port: u16,
    /// Which request of this connection, from 0.
    pub ordinal: u64,
    /// When it was sent, nanoseconds since the run's zero.
    pub sent_ns: u64,
    /// When the whole answer was there; `None` while it is not.
    pub answered_ns: Option<u64>,
}

/// An entry of a ring, seen at the edge of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingEntry {
    /// When it was seen, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// The name that its program gave it; 0 for none.
    pub user_data: u64,
    /// What it is.
    pub seen: SeenEntry,
}

/// A submission or a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenEntry {
    /// What is to be done.
    Sqe {
        /// The operation: `RECV`.
        operation: String,
        /// The descriptor it is about.
        fd: i32,
        /// Length of its buffer.
        len: u32,
        /// IOSQE_ flags.
        flags: u8,
    },
    /// What came of it.
    Cqe {
        /// The result; −errno on failure.
        result: i32,
    },
}

/// The sum of a run's windows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowView {
    /// Who told, once a window was closed.
    pub rung: Option<Rung>,
    /// System calls entered, by name.
    pub by_name: BTreeMap<String, u64>,
    /// System calls entered in closed windows.
    pub syscalls: u64,
    /// Requests answered in closed windows.
    pub requests: u64,
    /// Records lost.
    pub lost: u64,
    /// How long the windows were open, nanoseconds.
    pub duration_ns: u64,
    /// Calls that answered EAGAIN.
    pub eagain: u64,
    /// Descriptors that calls for waiting (poll, epoll_wait, …) reported as ready.
    pub reports: u64,
    /// Calls of other kinds that succeeded.
    pub done: u64,
    /// SQEs consumed by each io_uring_enter that had any to submit: the batch sizes.
    pub batches: Counts,
    /// What its calls show of the way it works.
    pub habits: Habits,
    /// The last calls, oldest first.
    pub calls: VecDeque<Call>,
    /// The last requests in the order they were sent; of one window only, as their times are.
    pub echoes: VecDeque<Echo>,
    /// The last entries that were seen in rings, oldest first.
    pub entries: VecDeque<RingEntry>,
    /// After how many calls the window was closed, where the process then went on unseen.
    pub cut_after: Option<u64>,
    /// Whether the last window was closed: what is told next is of another one.
    pub closed: bool,
}

impl WindowView {
    pub(super) fn apply(&mut self, t_ns: u64, story: &Story) {
        if !matches!(story, Story::Thinned { .. }) && std::mem::take(&mut self.closed) {
            // Between two windows nobody saw what happened: one by one is shown what is of one window.
            self.calls.clear();
            self.echoes.clear();
            self.entries.clear();
        }
        match story {
            Story::Enter { tid, name, args } => {
                add_name(&mut self.by_name, name, 1);
                if self.calls.len() == CALLS_MAX {
                    self.calls.pop_front();
                }
                let (tid, name, args) = (*tid, name.clone(), *args);
                self.calls.push_back(Call { t_ns, tid, name, args, result: None, until_ns: None });
            }
            Story::Exit { tid, name, result } => {
                add(&mut self.eagain, is_eagain(*result).into());
                let (reports, done) = reports_and_done(name, *result);
                add(&mut self.reports, reports);
                add(&mut self.done, done);
                let under_way = |call: &&mut Call| call.result.is_none() && call.name == *name;
                let last = self.calls.iter_mut().rev().find(|call| call.tid == *tid);
                if let Some(call) = last.filter(under_way) {
                    (call.result, call.until_ns) = (Some(*result), Some(t_ns));
                    self.habits.called(Called { tid: *tid, name, args: &call.args, result: *result });
                    if let Some(sqes) = batch_of(name, call.args[1], *result) {
                        self.batches.add(sqes, 1);
                    }
                }
            }
            Story::Thinned { by_name, eagain, batches, reports, done, habits } => {
                self.habits.go_on_from(habits);
                add(&mut self.reports, *reports);
                add(&mut self.done, *done);
                for (name, count) in by_name {
                    add_name(&mut self.by_name, name, *count);
                }
                add(&mut self.eagain, *eagain);
                self.batches.merge(batches);
            }
            Story::Sqe { ring, operation, fd, len, flags, user_data, .. } => {
                self.habits.rings.asks(*ring, *user_data, operation, *fd);
                let seen = SeenEntry::Sqe { operation: operation.clone(), fd: *fd, len: *len, flags: *flags };
                self.see(RingEntry { t_ns, user_data: *user_data, seen });
            }
            Story::Cqe { ring, user_data, result, flags, .. } => {
                self.habits.rings.completes(*ring, *user_data, *result, *flags);
                let seen = SeenEntry::Cqe { result: *result };
                self.see(RingEntry { t_ns, user_data: *user_data, seen });
            }
            // Pictures that need them read the records themselves.
            Story::On { .. } | Story::Off { .. } | Story::Work { .. } => {}
            Story::Sent { port, ordinal } => self.sent(t_ns, *port, *ordinal),
            Story::Answered { port, ordinal } => self.answered(t_ns, *port, *ordinal),
        }
    }

    fn sent(&mut self, sent_ns: u64, port: u16, ordinal: u64) {
        if self.echoes.len() == ECHOES_MAX {
            self.echoes.pop_front();
        }
        self.echoes.push_back(Echo { port, ordinal, sent_ns, answered_ns: None });
    }

    fn answered(&mut self, answered_ns: u64, port: u16, ordinal: u64) {
        let is_it = |echo: &&mut Echo| (echo.port, echo.ordinal) == (port, ordinal);
        if let Some(echo) = self.echoes.iter_mut().rev().find(is_it) {
            echo.answered_ns.get_or_insert(answered_ns);
        }
    }

    fn see(&mut self, entry: RingEntry) {
        if self.entries.len() == CALLS_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn close(&mut self, duration_ns: u64, window: &Window) {
        self.rung = Some(window.rung);
        self.closed = true;
        add(&mut self.syscalls, window.syscalls);
        add(&mut self.requests, window.requests);
        add(&mut self.lost, window.lost);
        add(&mut self.duration_ns, duration_ns);
    }

    /// SQEs consumed by each io_uring_enter, 0 by those that only waited. Empty where none submitted any.
    pub fn enters(&self) -> Counts {
        let mut enters = self.batches.clone();
        let all = self.by_name.get("io_uring_enter").copied().unwrap_or(0);
        let waits = all.saturating_sub(enters.samples());
        if waits > 0 && !enters.is_empty() {
            enters.add(0, waits);
        }
        enters
    }

    /// Shows the calls, requests and entries of another window one by one, in place of its own.
    pub(super) fn show(&mut self, other: &Self) {
        self.calls.clone_from(&other.calls);
        self.echoes.clone_from(&other.echoes);
        self.entries.clone_from(&other.entries);
    }

    /// Adds the windows of another run of the same server.
    pub fn merge(&mut self, other: &Self) {
        self.rung = self.rung.or(other.rung);
        for (name, count) in &other.by_name {
            add_name(&mut self.by_name, name, *count);
        }
        add(&mut self.syscalls, other.syscalls);
        add(&mut self.requests, other.requests);
        add(&mut self.lost, other.lost);
        add(&mut self.duration_ns, other.duration_ns);
        add(&mut self.eagain, other.eagain);
        self.cut_after = self.cut_after.or(other.cut_after);
        add(&mut self.reports, other.reports);
        add(&mut self.done, other.done);
        self.batches.merge(&other.batches);
        self.habits.add(&other.habits);
        self.calls.extend(other.calls.iter().cloned());
        while self.calls.len() > CALLS_MAX {
            self.calls.pop_front();
        }
        self.entries.extend(other.entries.iter().cloned());
        while self.entries.len() > CALLS_MAX {
            self.entries.pop_front();
        }
    }
}

/// A foreign trace may hold any number; a sum that has reached the end of the scale stays there.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
