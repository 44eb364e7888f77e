//! The records around one request: calls and entries of rings from some time before it was sent to its answer.

use std::collections::{BTreeMap, BTreeSet};

use super::{Call, RingEntry, SeenEntry};
use crate::trace::{Record, Run, Story};
use crate::world::spot::fd_of;

/// Records before the request that are looked through: its receive was asked for before it came.
const BEFORE: usize = 8_192;

/// Records after it, up to its answer.
const AFTER: usize = 32_768;

/// Records after the answer: the client may note it before the server's call is back.
const TAIL: usize = 256;

/// An entry of a ring, and the thread that handed it over where that was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub entry: RingEntry,
    pub tid: Option<u32>,
    /// The descriptor it is about: a completion's from the submission of its name before it.
    fd: Option<i32>,
}

/// What stands around a request.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub sent_ns: u64,
    pub answered_ns: Option<u64>,
    pub calls: Vec<Call>,
    /// Entries were told at the edges of calls, by nobody in particular.
    pub edges_only: bool,
    /// The kernel told of entries without their descriptors.
    pub is_nameless: bool,
    /// No other request was under way meanwhile.
    pub is_alone: bool,
    entries: Vec<Seen>,
    last_ns: u64,
    _run: &'t Run,
}

impl<'t> Scan<'t> {
    /// Around the request that was sent by the record at `sent`.
    pub fn of(run: &'t Run, sent: usize, port: u16, ordinal: u64) -> Self {
        let sent_ns = run.records[sent].0;
        let is_answer = |(_, record): &(u64, Record)| matches!(record, Record::Story(Story::Answered { port: by, ordinal: which }) if (*by, *which) == (port, ordinal));
        let answered = run.records[sent..].iter().take(AFTER).position(is_answer).map(|more| sent + more);
        let end = answered.map_or(sent + AFTER, |at| at + TAIL).min(run.records.len());
        let mut scan = Self {
            sent_ns,
            answered_ns: answered.map(|at| run.records[at].0),
            calls: Vec::new(),
            edges_only: true,
            is_nameless: false,
            is_alone: false,
            entries: Vec::new(),
            last_ns: run.records[end - 1].0,
            _run: run,
        };
        let mut open: BTreeMap<u32, usize> = BTreeMap::new();
        let mut fds: BTreeMap<u64, i32> = BTreeMap::new();
        for (t_ns, record) in &run.records[sent.saturating_sub(BEFORE)..end] {
            if let Record::Story(story) = record {
                scan.read(*t_ns, story, &mut open, &mut fds);
            }
        }
        let around = &run.records[sent.saturating_sub(BEFORE)..end];
        scan.is_alone = !others(around, (port, ordinal), (sent_ns, scan.end_ns()));
        scan
    }

    fn read(
        &mut self,
        t_ns: u64,
        story: &Story,
        open: &mut BTreeMap<u32, usize>,
        fds: &mut BTreeMap<u64, i32>,
    ) {
        match story {
            Story::Enter { tid, name, args } => {
                open.insert(*tid, self.calls.len());
                let (tid, name, args) = (*tid, name.clone(), *args);
                self.calls.push(Call { t_ns, tid, name, args, result: None, until_ns: None });
            }
            Story::Exit { tid, result, .. } => {
                if let Some(call) = open.remove(tid).and_then(|at| self.calls.get_mut(at)) {
                    (call.result, call.until_ns) = (Some(*result), Some(t_ns));
                }
            }
            Story::Sqe { operation, fd, len, flags, user_data, tid, .. } => {
                if *fd >= 0 {
                    fds.insert(*user_data, *fd);
                }
                self.is_nameless |= *fd < 0 && tid.is_some();
                self.edges_only &= tid.is_none();
                let seen = SeenEntry::Sqe { operation: operation.clone(), fd: *fd, len: *len, flags: *flags };
                let entry = RingEntry { t_ns, user_data: *user_data, seen };
                self.entries.push(Seen { entry, tid: *tid, fd: Some(*fd).filter(|fd| *fd >= 0) });
            }
            Story::Cqe { user_data, result, tid, .. } => {
                self.edges_only &= tid.is_none();
                let seen = SeenEntry::Cqe { result: *result };
                let entry = RingEntry { t_ns, user_data: *user_data, seen };
                self.entries.push(Seen { entry, tid: *tid, fd: fds.get(user_data).copied() });
            }
            _ => {}
        }
    }

    /// Gives entries without a descriptor the one that others of their name were about.
    pub fn name(&mut self, fds: &BTreeMap<u64, i32>) {
        for seen in self.entries.iter_mut().filter(|seen| seen.fd.is_none()) {
            seen.fd = fds.get(&seen.entry.user_data).copied();
        }
    }

    /// When the story of the request ends, as far as it goes.
    pub fn end_ns(&self) -> u64 {
        self.answered_ns.unwrap_or(self.last_ns)
    }

    /// Whether a call came back after the request was sent and was entered before a time. One that waits beyond
    /// the answer waits for the next request.
    pub fn overlaps(&self, call: &Call, until_ns: u64) -> bool {
        let back_ns = call.until_ns.unwrap_or(u64::MAX);
        let for_next = back_ns > until_ns && super::is_for_waiting(&call.name, &call.args);
        back_ns >= self.sent_ns && call.t_ns <= until_ns && !for_next
    }

    /// Whether a call is about this descriptor and within the request's time.
    pub fn is_within(&self, call: &Call, fd: Option<i32>) -> bool {
        let waits_on = |call: &Call| call.until_ns.is_none_or(|back_ns| back_ns > self.end_ns());
        let reads = matches!(call.name.as_str(), "read" | "readv" | "recv" | "recvfrom" | "recvmsg");
        // A read that goes on beyond the answer waits for the next request.
        fd_of(&call.name, &call.args) == fd
            && self.overlaps(call, self.end_ns())
            && !(reads && waits_on(call))
    }

    /// The only descriptor that calls or submissions were about between request and answer.
    pub fn only_fd(&self) -> Option<i32> {
        let within = |t_ns: u64| t_ns >= self.sent_ns && t_ns <= self.end_ns();
        let back = |call: &&Call| call.until_ns.is_some_and(|back_ns| back_ns >= self.sent_ns);
        let of_calls = self.calls.iter().filter(back).filter(|call| call.t_ns <= self.end_ns());
        let of_calls = of_calls.filter_map(|call| fd_of(&call.name, &call.args));
        let of_entries =
            self.entries.iter().filter(|seen| within(seen.entry.t_ns)).filter_map(|seen| seen.fd);
        let mut fds = of_calls.chain(of_entries);
        let first = fds.next()?;
        fds.all(|fd| fd == first).then_some(first)
    }

    /// Entries about a descriptor: those between request and answer. A submission that is written once the answer
    /// is under way is for the next request, unless its completion is part of this one.
    pub fn entries_of(&self, fd: i32) -> impl Iterator<Item = &Seen> {
        let end_ns = self.end_ns();
        let own = move |seen: &&Seen| seen.fd == Some(fd) && seen.entry.t_ns >= self.sent_ns;
        let last_sqe_ns = self
            .entries
            .iter()
            .filter(own)
            .filter(|seen| matches!(seen.entry.seen, SeenEntry::Sqe { .. }) && seen.entry.t_ns <= end_ns)
            .map(|seen| seen.entry.t_ns)
            .next();
        let mut is_over = false;
        self.entries.iter().filter(own).filter(move |seen| {
            if is_over {
                return false;
            }
            match seen.entry.seen {
                SeenEntry::Sqe { .. } => {
                    // After the first submission's completion the connection waits for its next request.
                    seen.entry.t_ns <= end_ns
                }
                SeenEntry::Cqe { .. } => {
                    let late = seen.entry.t_ns > end_ns;
                    is_over = late;
                    !late || last_sqe_ns.is_some()
                }
            }
        })
    }

    /// All entries between request and answer, whoever they are about.
    pub fn entries_meanwhile(&self) -> impl Iterator<Item = &Seen> {
        let end_ns = self.end_ns();
        let within = move |seen: &&Seen| (self.sent_ns..=end_ns).contains(&seen.entry.t_ns);
        self.entries.iter().filter(within)
    }

    /// The thread that made a call around a time; `None` where several did.
    pub fn thread_at(&self, t_ns: u64) -> Option<u32> {
        let around = |call: &&Call| call.t_ns <= t_ns && call.until_ns.is_none_or(|back_ns| back_ns >= t_ns);
        let mut tids = self.calls.iter().filter(around).map(|call| call.tid);
        let first = tids.next()?;
        tids.all(|tid| tid == first).then_some(first)
    }
}

/// Whether other requests than this one were under way between these times.
fn others(records: &[(u64, Record)], own: (u16, u64), (sent_ns, end_ns): (u64, u64)) -> bool {
    let mut open: BTreeSet<(u16, u64)> = BTreeSet::new();
    for (t_ns, record) in records.iter().take_while(|(t_ns, _)| *t_ns < end_ns) {
        match record {
            Record::Story(Story::Sent { port, ordinal }) if (*port, *ordinal) != own => {
                open.insert((*port, *ordinal));
            }
            Record::Story(Story::Answered { port, ordinal }) if (*port, *ordinal) != own => {
                if *t_ns > sent_ns {
                    return true;
                }
                open.remove(&(*port, *ordinal));
            }
            _ => {}
        }
    }
    !open.is_empty()
}

/// The descriptor that the last submission of a name before a time was about.
pub(super) fn fd_of_name(run: &Run, name: u64, own_ns: u64) -> Option<i32> {
    let until = run.position(own_ns);
    let of = |(_, record): &(u64, Record)| match record {
        Record::Story(Story::Sqe { user_data, fd, .. }) if *user_data == name => Some(*fd),
        _ => None,
    };
    run.records[..until].iter().rev().take(AFTER).find_map(of)
}

/// The request of a port that was under way at a time: when it was sent, and its ordinal. Else the last one before,
/// else the first one after.
pub(super) fn request_around(run: &Run, port: u16, own_ns: u64) -> Option<(u64, u64)> {
    let until = run.position(own_ns);
    let of = |(t_ns, record): &(u64, Record)| match record {
        Record::Story(Story::Sent { port: by, ordinal }) if *by == port => Some((*t_ns, *ordinal)),
        _ => None,
    };
    let before = run.records[..until].iter().rev().take(AFTER).find_map(of);
    before.or_else(|| run.records[until..].iter().take(AFTER).find_map(of))
}
