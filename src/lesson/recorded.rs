//! A runner for machines that cannot run a lab, and for `--replay`: it plays what was recorded elsewhere.

use std::sync::mpsc::Sender;

use super::{Go, Lab, LabEvent, Runner, Source};

use crate::trace::{Load, file};

/// The recorded run of a lesson that stands in for slow motion.
pub const SLOW: &str = "slow.trace.gz";

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
        self.open_named(lab.recording.as_deref().ok_or("this lab has no recorded run")?)
    }

    fn open_named(&self, name: &str) -> Result<LabEvent, String> {
        let bytes =
            self.source.recording(name).ok_or_else(|| format!("the recorded run {name} is missing"))?;
        let opened = file::read(bytes).map_err(|error| format!("the recorded run {name}: {error}"))?;
        let why = match opened.damage {
            Some(damage) => format!("{}; the recording ends early: {damage}", self.why),
            None => self.why.clone(),
        };
        Ok(LabEvent::Recording { trace: Box::new(opened.trace), why })
    }

    fn play(&self, opened: Result<LabEvent, String>, events: &Sender<LabEvent>) {
        // Nobody listens any more when the screen is gone.
        let _ = match opened {
            Ok(recording) => events.send(recording).and_then(|()| events.send(LabEvent::Over)),
            Err(why) => events.send(LabEvent::Failed(format!("{}; {why}", self.why))),
        };
    }
}

impl Runner for Recorded {
    fn start(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.play(self.open(lab), &events);
    }

    /// What was recorded was recorded under one load.
    fn change(&mut self, _load: &Load) {}

    fn replay(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.start(lab, events);
    }

    fn freeze(&mut self, _frozen: bool) {}

    fn slow(&mut self, _lab: &Lab, events: Sender<LabEvent>) {
        let opened = match self.source.recording(SLOW) {
            Some(_) => self.open_named(SLOW),
            None => Err("slow motion was not recorded for this lesson".to_owned()),
        };
        self.play(opened, &events);
    }

    /// What was recorded is walked through, not made to go on.
    fn go(&mut self, _go: Go, _server: Option<usize>) {}

    fn finish(&mut self) {}

    fn stop(&mut self) {}
}
