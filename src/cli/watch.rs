//! Watching a lab from its beginning to its end, for faces that show what came out.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::lesson::{Lab, LabEvent, Runner};
use crate::trace::{Load, Pace, Thinner, Trace};

/// How long a lab without an end of its own is watched under one load.
const WATCH: Duration = Duration::from_secs(4);

/// And for each of those that take turns: a turn, and what comes before it.
const WATCH_A_TURN: Duration = Duration::from_secs(5);

/// What a lab gave.
pub struct Seen {
    pub trace: Trace,
    /// Why it is a recorded run, if it is one.
    pub recorded: Option<String>,
}

/// A lab that is being watched.
pub struct Watch {
    seen: Option<Seen>,
    paced: bool,
    /// For how long it is watched under one load.
    stretch: Duration,
    /// The loads that follow, the next one last.
    loads: Vec<Load>,
    deadline: Option<Instant>,
    /// Without one all that the lab gave is kept.
    thinner: Option<Thinner>,
}

impl Watch {
    /// Nothing has been seen yet.
    pub fn new(lab: &Lab, thinner: Option<Thinner>) -> Self {
        let paced = lab.load.pace != Pace::Max;
        let stretch = match lab.turns() {
            1 => WATCH,
            turns => WATCH_A_TURN * turns,
        };
        let with_idle = |idle: &u32| Load { idle: *idle, ..lab.load.clone() };
        let loads = lab.idle_then.iter().rev().map(with_idle).collect();
        Self { seen: None, paced, stretch, loads, deadline: None, thinner }
    }

    /// Takes an event in; whether it was the last.
    ///
    /// # Errors
    /// The lab could not run: what happened, why it matters, what to try.
    pub fn hear(&mut self, event: LabEvent) -> Result<bool, String> {
        match event {
            LabEvent::Begin(header) => {
                self.seen = Some(Seen { trace: Trace::new(*header), recorded: None });
            }
            LabEvent::Entries(entries) => {
                if self.paced && self.deadline.is_none() {
                    self.deadline = Some(now() + self.stretch);
                }
                if let Some(seen) = &mut self.seen {
                    entries.into_iter().try_for_each(|entry| seen.trace.push(entry))?;
                    if let Some(thinner) = &mut self.thinner {
                        thinner.thin(&mut seen.trace);
                    }
                }
            }
            LabEvent::Recording { trace, why } => {
                self.seen = Some(Seen { trace: *trace, recorded: Some(why) });
            }
            LabEvent::Failed(why) => return Err(why),
            LabEvent::Over => return Ok(true),
        }
        Ok(false)
    }

    /// How long it is watched on; `None`: until it ends by itself.
    pub fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// Enough was seen of this load: on with the next, or to the end.
    pub fn enough_of_this(&mut self, runner: &mut dyn Runner) {
        match self.loads.pop() {
            Some(load) => {
                runner.change(&load);
                self.deadline = Some(now() + self.stretch);
            }
            None => self.enough(runner),
        }
    }

    /// Enough was seen. The last totals, read at rest, are still to come.
    pub fn enough(&mut self, runner: &mut dyn Runner) {
        (self.deadline, self.paced) = (None, false);
        runner.finish();
    }

    /// All that was seen.
    ///
    /// # Errors
    /// Nothing was.
    pub fn seen(self) -> Result<Seen, String> {
        self.seen.ok_or_else(|| "nothing was seen".to_owned())
    }
}

/// Runs a lab to its end, or for a while if it has none.
///
/// # Errors
/// It could not run.
pub fn watch(lab: &Lab, runner: &mut dyn Runner, thinner: Option<Thinner>) -> Result<Seen, String> {
    let (sender, events) = channel();
    runner.start(lab, sender);
    let mut watch = Watch::new(lab, thinner);
    loop {
        let event = match watch.left() {
            Some(left) => events.recv_timeout(left),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(event) => {
                if watch.hear(event)? {
                    break;
                }
            }
            Err(RecvTimeoutError::Timeout) => watch.enough_of_this(runner),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    runner.stop();
    watch.seen()
}

#[expect(clippy::disallowed_methods, reason = "the edge at which an endless run is ended")]
fn now() -> Instant {
    Instant::now()
}
