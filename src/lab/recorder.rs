//! Where entries go: numbers the runs and keeps their order, whoever observes them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::trace::{Entry, Note, Record, RunId, Start};

/// Records of one run that are held back at most; beyond them they go on as they come.
const HELD_MAX: usize = 1 << 16;

/// Takes entries from every lane and hands them on, one batch at a time.
pub struct Recorder {
    inner: Mutex<Inner>,
}

struct Inner {
    next_run: RunId,
    sink: Box<dyn FnMut(Vec<Entry>) + Send>,
    closed: Option<Box<dyn FnOnce() + Send>>,
    /// Records of runs that several observers tell, until they can be put in order.
    held: BTreeMap<RunId, Vec<(u64, Record)>>,
}

impl Recorder {
    /// A recorder that hands entries to `sink`.
    pub fn new(sink: impl FnMut(Vec<Entry>) + Send + 'static) -> Self {
        Self {
            inner: Mutex::new(Inner {
                next_run: 0,
                sink: Box::new(sink),
                closed: None,
                held: BTreeMap::new(),
            }),
        }
    }

    /// Calls `closed` after the last entry.
    pub fn when_closed(self, closed: impl FnOnce() + Send + 'static) -> Self {
        self.lock().closed = Some(Box::new(closed));
        self
    }

    /// Begins a run.
    pub fn begin(&self, start: Start) -> RunId {
        let mut inner = self.lock();
        let run = inner.next_run;
        inner.next_run += 1;
        (inner.sink)(vec![Entry { run: Some(run), t_ns: 0, record: Record::Start(start) }]);
        run
    }

    /// Hands records of one run on, or keeps them while the run is held.
    pub fn push(&self, run: RunId, records: impl IntoIterator<Item = (u64, Record)>) {
        let mut inner = self.lock();
        let Some(held) = inner.held.get_mut(&run) else {
            inner.send(run, records);
            return;
        };
        held.extend(records);
        if held.len() > HELD_MAX {
            inner.release(run);
        }
    }

    /// Holds the records of a run back: a tracer and a client tell of the same moments, each in batches of its
    /// own, and a trace grows in the order of time only.
    pub fn hold(&self, run: RunId) {
        self.lock().held.entry(run).or_default();
    }

    /// Hands on what was held of a run up to a time, in the order of time, and goes on holding.
    pub fn release_until(&self, run: RunId, t_ns: u64) {
        let mut inner = self.lock();
        let Some(held) = inner.held.get_mut(&run) else { return };
        held.sort_by_key(|(at_ns, _)| *at_ns);
        let later = held.split_off(held.partition_point(|(at_ns, _)| *at_ns <= t_ns));
        let told = std::mem::replace(held, later);
        inner.send(run, told);
    }

    /// Hands on what was held of a run, in the order of time, and holds it no longer.
    pub fn release(&self, run: RunId) {
        self.lock().release(run);
    }

    /// Forgets what was held of a run.
    pub fn discard(&self, run: RunId) {
        self.lock().held.remove(&run);
    }

    /// Hands a note about the whole trace on.
    pub fn note(&self, t_ns: u64, note: Note) {
        (self.lock().sink)(vec![Entry { run: None, t_ns, record: Record::Note(note) }]);
    }

    /// Drops the sink: whoever listens to it hears that nothing more will come.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.sink = Box::new(|_| {});
        if let Some(closed) = inner.closed.take() {
            closed();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A sink that panicked has lost one batch; the run goes on and says what it sees.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn send(&mut self, run: RunId, records: impl IntoIterator<Item = (u64, Record)>) {
        let entries: Vec<_> =
            records.into_iter().map(|(t_ns, record)| Entry { run: Some(run), t_ns, record }).collect();
        if !entries.is_empty() {
            (self.sink)(entries);
        }
    }

    fn release(&mut self, run: RunId) {
        let mut held = self.held.remove(&run).unwrap_or_default();
        held.sort_by_key(|(t_ns, _)| *t_ns);
        self.send(run, held);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn said(line: &str) -> Record {
        Record::Note(Note::Said { line: line.into() })
    }

    #[test]
    fn what_two_observers_tell_of_a_held_run_comes_in_the_order_of_time() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let recorder = Recorder::new(move |entries| {
            let times = entries.into_iter().map(|entry| (entry.run, entry.t_ns));
            sink.lock().unwrap().extend(times);
        });
        recorder.hold(1);
        recorder.push(1, [(20, said("client")), (40, said("client"))]);
        recorder.push(2, [(30, said("another run"))]);
        recorder.push(1, [(10, said("tracer")), (30, said("tracer"))]);
        assert_eq!(*seen.lock().unwrap(), [(Some(2), 30)]);
        recorder.release(1);
        recorder.push(1, [(50, said("end"))]);
        let expected = [(2, 30), (1, 10), (1, 20), (1, 30), (1, 40), (1, 50)];
        assert_eq!(*seen.lock().unwrap(), expected.map(|(run, t_ns)| (Some(run), t_ns)));
    }

    #[test]
    fn what_is_certain_goes_on_while_the_rest_is_held() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let recorder = Recorder::new(move |entries| {
            sink.lock().unwrap().extend(entries.into_iter().map(|entry| entry.t_ns));
        });
        recorder.hold(1);
        recorder.push(1, [(30, said("client")), (10, said("client"))]);
        recorder.push(1, [(20, said("stream"))]);
        recorder.release_until(1, 20);
        assert_eq!(*seen.lock().unwrap(), [10, 20]);
        recorder.push(1, [(25, said("stream"))]);
        recorder.release(1);
        assert_eq!(*seen.lock().unwrap(), [10, 20, 25, 30]);
    }

    #[test]
    fn a_run_that_tells_too_much_to_be_held_goes_on_as_it_comes() {
        let seen = Arc::new(Mutex::new(0));
        let sink = Arc::clone(&seen);
        let recorder = Recorder::new(move |entries| *sink.lock().unwrap() += entries.len());
        recorder.hold(0);
        (0..=HELD_MAX as u64).for_each(|t_ns| recorder.push(0, [(t_ns, said("call"))]));
        recorder.push(0, [(1, said("late"))]);
        assert_eq!(*seen.lock().unwrap(), HELD_MAX + 2);
    }
}
