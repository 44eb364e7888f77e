//! What is counted during a run.

use hdrhistogram::Histogram;

use super::clock;
use super::connection::{Answer, Sent};
use super::notebook::{Notebook, Page};
use crate::trace::{ClientTotals, Counts};

/// Longest latency that is told apart from longer ones: an hour, in nanoseconds.
const LATENCY_NS_MAX: u64 = 3_600_000_000_000;

/// Counters of one run, from its zero.
pub struct Tally {
    zero_ns: u64,
    cpu_zero_ns: u64,
    sent: u64,
    answered: u64,
    errors: u64,
    bytes_wrong: u64,
    delayed: u64,
    last_answer_ns: u64,
    /// Since the last report.
    latency_ns: Histogram<u64>,
    /// Latencies of reports that could not be handed on.
    kept_back: Counts,
    notebook: Option<Notebook>,
}

impl Tally {
    /// A tally that begins at `zero_ns`.
    pub fn new(zero_ns: u64, story: bool) -> Self {
        // Fails for bounds that make no sense only, and these are constants.
        let latency_ns = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 2).expect("constant bounds");
        Self {
            zero_ns,
            cpu_zero_ns: clock::cpu_ns(),
            sent: 0,
            answered: 0,
            errors: 0,
            bytes_wrong: 0,
            delayed: 0,
            last_answer_ns: zero_ns,
            latency_ns,
            kept_back: Counts::default(),
            notebook: story.then(Notebook::default),
        }
    }

    /// The run's zero, CLOCK_MONOTONIC nanoseconds.
    pub fn zero_ns(&self) -> u64 {
        self.zero_ns
    }

    /// When the last answer was whole; the zero if there was none.
    pub fn last_answer_ns(&self) -> u64 {
        self.last_answer_ns
    }

    /// A request was sent.
    pub fn sent(&mut self, port: u16, sent: Sent) {
        self.sent += 1;
        if let Some(notebook) = &mut self.notebook {
            notebook.sent(port, sent);
        }
    }

    /// A request was answered.
    pub fn answered(&mut self, port: u16, answer: Answer) {
        self.answered += 1;
        self.last_answer_ns = self.last_answer_ns.max(answer.at_ns);
        self.latency_ns.saturating_record(answer.at_ns.saturating_sub(answer.due_ns).max(1));
        if let Some(notebook) = &mut self.notebook {
            notebook.answered(port, answer);
        }
    }

    /// Bytes came back wrong.
    pub fn wrong(&mut self, bytes: u64) {
        self.bytes_wrong += bytes;
    }

    /// A request was come to when the next one of its connection was due as well.
    pub fn delayed(&mut self) {
        self.delayed += 1;
    }

    /// Requests that will never be answered, or a connection that ended without one.
    pub fn failed(&mut self, requests: u64) {
        self.errors += requests;
    }

    /// The totals, with the latencies since the last time they were asked for.
    pub fn totals(&mut self, late: u64, open: u32) -> ClientTotals {
        let mut latency_ns = std::mem::take(&mut self.kept_back);
        for bucket in self.latency_ns.iter_recorded() {
            latency_ns.add(bucket.value_iterated_to(), bucket.count_since_last_iteration());
        }
        self.latency_ns.reset();
        ClientTotals {
            sent: self.sent,
            answered: self.answered,
            errors: self.errors,
            bytes_wrong: self.bytes_wrong,
            late,
            delayed: self.delayed,
            open,
            cpu_ns: clock::cpu_ns().saturating_sub(self.cpu_zero_ns),
            latency_ns,
        }
    }

    /// Takes latencies back that could not be handed on: the next totals carry them.
    pub fn keep_back(&mut self, latency_ns: &Counts) {
        self.kept_back.merge(latency_ns);
    }

    /// The story since the last time it was asked for; `None` where none is told.
    pub fn story(&mut self) -> Option<Page> {
        self.notebook.as_mut().map(Notebook::tear_off)
    }

    /// Tells the story from now on, or no longer.
    pub fn tell_story(&mut self, on: bool) {
        self.notebook = on.then(|| self.notebook.take().unwrap_or_default());
    }

    /// Events of the story that could not be handed on.
    pub fn lose_story(&mut self, events: u64) {
        if let Some(notebook) = &mut self.notebook {
            notebook.lose(events);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(tally: &mut Tally, latency_ns: u64) {
        tally.answered(1, Answer { ordinal: 0, due_ns: 1_000, at_ns: 1_000 + latency_ns });
    }

    #[test]
    fn latencies_are_counted_at_the_upper_edge_of_their_bucket() {
        let mut tally = Tally::new(0, false);
        answered(&mut tally, 100);
        answered(&mut tally, 1_000_000);
        answered(&mut tally, 0);
        let counts = tally.totals(0, 1).latency_ns;
        assert_eq!(counts.samples(), 3);
        let edges: Vec<u64> = counts.0.into_keys().collect();
        assert_eq!(edges[..2], [1, 100]);
        assert!((1_000_000..1_010_000).contains(&edges[2]), "within 1 %: {edges:?}");
    }

    #[test]
    fn each_report_holds_what_came_since_the_last_one() {
        let mut tally = Tally::new(0, false);
        answered(&mut tally, 50);
        let first = tally.totals(0, 1);
        assert_eq!(tally.totals(0, 1).latency_ns.samples(), 0);
        tally.keep_back(&first.latency_ns);
        answered(&mut tally, 50);
        let next = tally.totals(0, 1);
        assert_eq!((next.answered, next.latency_ns.samples()), (2, 2));
    }

    #[test]
    fn a_latency_beyond_all_bounds_is_not_lost() {
        let mut tally = Tally::new(0, false);
        answered(&mut tally, u64::MAX / 2);
        assert!(tally.totals(0, 1).latency_ns.max() >= Some(LATENCY_NS_MAX));
    }
}
