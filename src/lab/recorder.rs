//! Where entries go: numbers the runs and keeps their order, whoever observes them.

use std::sync::{Mutex, PoisonError};

use crate::trace::{Entry, Note, Record, RunId, Start};

/// Takes entries from every lane and hands them on, one batch at a time.
pub struct Recorder {
    inner: Mutex<Inner>,
}

struct Inner {
    next_run: RunId,
    sink: Box<dyn FnMut(Vec<Entry>) + Send>,
    closed: Option<Box<dyn FnOnce() + Send>>,
}

impl Recorder {
    /// A recorder that hands entries to `sink`.
    pub fn new(sink: impl FnMut(Vec<Entry>) + Send + 'static) -> Self {
        Self { inner: Mutex::new(Inner { next_run: 0, sink: Box::new(sink), closed: None }) }
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

    /// Hands records of one run on.
    pub fn push(&self, run: RunId, records: impl IntoIterator<Item = (u64, Record)>) {
        let entries: Vec<_> =
            records.into_iter().map(|(t_ns, record)| Entry { run: Some(run), t_ns, record }).collect();
        if !entries.is_empty() {
            (self.lock().sink)(entries);
        }
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
