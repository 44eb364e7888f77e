//! A ruler: what lies between two instants of a trace.

use crate::trace::{Run, Tally, Trace};

/// What lies between two instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// The time between them, nanoseconds.
    pub ns: u64,
    /// What each server did meanwhile, those that ran.
    pub servers: Vec<Done>,
}

/// What one server did between two instants, all its runs together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Index in the header's servers.
    pub server: u32,
    /// System calls that a story tells of; 0 is "none", where `has_story`.
    pub told_calls: u64,
    /// Whether there was any story between the two.
    pub has_story: bool,
    /// System calls by counters; `None` where none counts or fewer than two readings lie between.
    pub counted_calls: Option<u64>,
    /// Switches, voluntary and involuntary, from one reading to another; `None` likewise.
    pub switches: Option<(u64, u64)>,
    /// Requests answered: as noted one by one where there is a story, else by the client's totals.
    pub answered: u64,
    /// SQEs and CQEs that were seen one by one.
    pub entries: (u64, u64),
}

/// Measures from one instant to another, in any order; nanoseconds since the trace's zero.
pub fn between(trace: &Trace, one_ns: u64, other_ns: u64) -> Between {
    let (from_ns, to_ns) = (one_ns.min(other_ns), one_ns.max(other_ns));
    let mut all = Between { ns: to_ns - from_ns, servers: Vec::new() };
    for run in trace.runs() {
        let Some(own_to_ns) = run.own_ns(to_ns) else { continue };
        let to = run.tally(run.position(own_to_ns));
        // Before its beginning a run has done nothing; its first reading is its zero.
        let from = match run.own_ns(from_ns) {
            Some(own_ns) => run.tally(run.position(own_ns)),
            None => zero(run),
        };
        if from == to {
            continue;
        }
        let done = done(run.start.server, &from, &to);
        match all.servers.iter_mut().find(|other| other.server == done.server) {
            Some(known) => known.add(&done),
            None => all.servers.push(done),
        }
    }
    all.servers.sort_by_key(|done| done.server);
    all
}

fn zero(run: &Run) -> Tally {
    run.tally(run.position(0))
}

fn done(server: u32, from: &Tally, to: &Tally) -> Done {
    let read = from.readings > 0 && to.readings > from.readings;
    let told = to.calls.saturating_sub(from.calls);
    let noted = to.answered.saturating_sub(from.answered);
    let entries = (to.sqes.saturating_sub(from.sqes), to.cqes.saturating_sub(from.cqes));
    Done {
        server,
        told_calls: told,
        has_story: told > 0 || noted > 0 || to.sent > from.sent || entries != (0, 0),
        counted_calls: (read && to.counted_calls > 0)
            .then(|| to.counted_calls.saturating_sub(from.counted_calls)),
        switches: read.then(|| {
            (to.voluntary.saturating_sub(from.voluntary), to.involuntary.saturating_sub(from.involuntary))
        }),
        answered: noted.max(to.client_answered.saturating_sub(from.client_answered)),
        entries,
    }
}

impl Done {
    fn add(&mut self, other: &Self) {
        let both = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.told_calls = self.told_calls.saturating_add(other.told_calls);
        self.has_story |= other.has_story;
        self.counted_calls = both(self.counted_calls, other.counted_calls);
        self.switches = match (self.switches, other.switches) {
            (Some((one, aside)), Some((more, put))) => {
                Some((one.saturating_add(more), aside.saturating_add(put)))
            }
            (one, other) => one.or(other),
        };
        self.answered = self.answered.saturating_add(other.answered);
        self.entries.0 = self.entries.0.saturating_add(other.entries.0);
        self.entries.1 = self.entries.1.saturating_add(other.entries.1);
    }

    /// What was done, in words: `4 012 calls, 2 switches and 0 involuntary, 1 003 answered`.
    pub fn words(&self, count: impl Fn(u64) -> String) -> String {
        let mut parts = Vec::new();
        match (self.counted_calls, self.has_story) {
            (Some(calls), _) => parts.push(format!("{} calls", count(calls))),
            (None, true) => parts.push(format!("{} calls told", count(self.told_calls))),
            (None, false) => parts.push("calls not known".to_owned()),
        }
        match self.switches {
            Some((voluntary, involuntary)) => {
                parts.push(format!("{} switches and {} involuntary", count(voluntary), count(involuntary)));
            }
            None => parts.push("switches not read".to_owned()),
        }
        parts.push(format!("{} answered", count(self.answered)));
        if self.entries != (0, 0) {
            parts.push(format!("{} SQEs, {} CQEs seen", count(self.entries.0), count(self.entries.1)));
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::spot::tests::{sent, trace_of};
    use super::*;
    use crate::trace::{ClientTotals, ProcessTotals, Record, Rung, Story, SyscallTotals, ThreadTotals};

    fn totals(total: u64, voluntary_switches: u64) -> Record {
        let thread = ThreadTotals { tid: 7, voluntary_switches, ..ThreadTotals::default() };
        let syscalls = SyscallTotals { rung: Rung::Perf, total, by_name: Default::default() };
        Record::Process(ProcessTotals {
            threads: vec![thread],
            syscalls: Some(syscalls),
            ..ProcessTotals::default()
        })
    }

    #[test]
    fn differences_are_those_of_the_readings_inside() {
        let client = |answered| Record::Client(ClientTotals { answered, ..ClientTotals::default() });
        let trace = trace_of([
            (0, totals(1000, 50)),
            (20, totals(1200, 55)),
            (20, client(60)),
            (40, totals(1500, 61)),
            (40, client(160)),
            (60, totals(1900, 90)),
        ]);
        let done = &between(&trace, 45, 20).servers[0];
        assert_eq!(
            (done.counted_calls, done.switches, done.answered, done.has_story),
            (Some(300), Some((6, 0)), 100, false)
        );
        assert_eq!(between(&trace, 21, 39).servers, [], "nothing was read in between");
        assert_eq!(between(&trace, 21, 39).ns, 18);
    }

    #[test]
    fn a_story_is_counted_one_by_one_and_what_was_not_read_is_not_known() {
        let enter = || Record::Story(Story::Enter { tid: 7, name: "recvfrom".into(), args: [0; 6] });
        let answered = Record::Story(Story::Answered { port: 40_000, ordinal: 0 });
        let trace = trace_of([(10, sent(0)), (20, enter()), (30, enter()), (40, answered)]);
        let done = &between(&trace, 15, 45).servers[0];
        assert_eq!((done.told_calls, done.answered, done.switches), (2, 1, None));
        assert_eq!(done.words(|n| n.to_string()), "2 calls told, switches not read, 1 answered");
    }
}
