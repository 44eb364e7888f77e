//! A run that is kept in a file while it goes on. What ends the recording ends nothing else.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::trouble::trouble;
use crate::trace::file::Writer;
use crate::trace::{Entry, Header};

/// A file in which a run is kept.
#[derive(Clone)]
pub struct Recording(Arc<Mutex<State>>);

struct State {
    path: PathBuf,
    header: Header,
    /// `None` when nothing more is written.
    writer: Option<Writer>,
    /// Whether it holds more than its header.
    has_entries: bool,
    /// Why it ended early, if it did.
    trouble: Option<anyhow::Error>,
}

impl Recording {
    /// Creates the file, or replaces it.
    pub fn create(path: &Path, header: Header) -> anyhow::Result<Self> {
        let writer = Writer::create(path, &header)
            .map_err(|error| trouble(format_args!("cannot record to {}", path.display()), &error))?;
        let state =
            State { path: path.to_owned(), header, writer: Some(writer), has_entries: false, trouble: None };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// Another run begins: the file holds the last one.
    pub fn begin_anew(&self) {
        let mut state = self.lock();
        if state.has_entries {
            // Closed before it is opened again: what it has not written yet belongs to the run before.
            state.writer = None;
            state.has_entries = false;
            let created = Writer::create(&state.path, &state.header);
            state.trouble = None;
            match created {
                Ok(writer) => state.writer = Some(writer),
                Err(error) => state.end(&error),
            }
        }
    }

    /// Appends entries. When that fails no more are.
    pub fn append(&self, entries: &[Entry]) {
        let mut state = self.lock();
        let Some(writer) = state.writer.as_mut() else { return };
        let appended = entries.iter().try_for_each(|entry| writer.append(entry));
        state.has_entries = true;
        if let Err(error) = appended {
            state.end(&error);
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// It ended before the run did.
    pub fn finish(&self) -> anyhow::Result<()> {
        let mut state = self.lock();
        if let Some(Err(error)) = state.writer.take().map(Writer::finish) {
            state.end(&error);
        }
        state.trouble.take().map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, error: &std::io::Error) {
        self.writer = None;
        let cannot = format!("cannot go on recording to {}, which ends early", self.path.display());
        self.trouble.get_or_insert_with(|| trouble(cannot, error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{End, Load, Purpose, Record, Refusal, SCHEMA, Start, file};

    fn header() -> Header {
        let refusal =
            Refusal { layer: crate::trace::Layer::Limit, says: String::new(), try_this: String::new() };
        Header {
            schema: SCHEMA.into(),
            capabilities: crate::lab::capabilities().clone(),
            load: Load::default(),
            servers: Vec::new(),
            syscall_rung: Err(refusal),
        }
    }

    fn run(pid: u32) -> [Entry; 2] {
        let start = Start { server: 0, round: 0, purpose: Purpose::Observe, pid, load: None };
        let entry = |record| Entry { run: Some(0), t_ns: 0, record };
        [entry(Record::Start(start)), entry(Record::End { end: End::Stopped })]
    }

    /// Runs are numbered from 0 each time they begin.
    #[test]
    fn a_run_that_is_made_again_takes_the_place_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run.trace", "run.trace.gz"] {
            let path = folder.path().join(name);
            let recording = Recording::create(&path, header()).unwrap();
            for pid in [7, 8] {
                recording.begin_anew();
                recording.append(&run(pid));
            }
            recording.finish().unwrap();
            let opened = file::open(&path).unwrap();
            assert_eq!((opened.damage, opened.trace.entries().count()), (None, 2), "{name}");
            let first = opened.trace.entries().next().unwrap();
            assert!(matches!(first.record, Record::Start(Start { pid: 8, .. })), "{first:?}");
        }
    }

    #[test]
    fn a_full_disk_ends_the_recording_once() {
        let recording =
            Recording::create(&tempfile::tempdir().unwrap().path().join("run"), header()).unwrap();
        recording.lock().end(&std::io::Error::from_raw_os_error(libc::ENOSPC));
        recording.append(&run(7));
        let says = recording.finish().unwrap_err().to_string();
        assert!(says.contains("ends early") && says.contains("ENOSPC"), "{says}");
        recording.finish().unwrap();
    }
}
