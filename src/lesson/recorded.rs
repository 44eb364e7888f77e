//! A runner for machines that cannot run a lab, and for `--replay`: it plays what was recorded elsewhere.

use std::sync::mpsc::Sender;

use super::{Lab, LabEvent, Runner, Source};

use crate::trace::{Load, file};

/// Plays the recorded runs that a lesson brings along.
#[derive(Debug)]
pub struct Recorded {
    source: &'static Source,
    why: String,
}

impl Recorded {
    /// Recordings of that lesson; `why` says in a sentence why nothing runs live.
    pub fn new(source: &'static Source, why: impl Into<String>) -> Self {
        Self { source, why: why.into() }
    }

    fn open(&self, lab: &Lab) -> Result<LabEvent, String> {
        let name = lab.recording.as_deref().ok_or("this lab has no recorded run")?;
        let bytes =
            self.source.recording(name).ok_or_else(|| format!("the recorded run {name} is missing"))?;
        let opened = file::read(bytes).map_err(|error| format!("the recorded run {name}: {error}"))?;
        let why = match opened.damage {
            Some(damage) => format!("{}; the recording ends early: {damage}", self.why),
            None => self.why.clone(),
        };
        Ok(LabEvent::Recording { trace: Box::new(opened.trace), why })
    }
}

impl Runner for Recorded {
    fn start(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        // Nobody listens any more when the screen is gone.
        let _ = match self.open(lab) {
            Ok(recording) => events.send(recording).and_then(|()| events.send(LabEvent::Over)),
            Err(why) => events.send(LabEvent::Failed(format!("{}; {why}", self.why))),
        };
    }

    /// What was recorded was recorded under one load.
    fn change(&mut self, _load: &Load) {}

    fn replay(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.start(lab, events);
    }

    fn freeze(&mut self, _frozen: bool) {}

    fn finish(&mut self) {}

    fn stop(&mut self) {}
}
