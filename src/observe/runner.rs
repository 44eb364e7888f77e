//! An observation for the full screen: what a [`Runner`] asks for becomes one.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::Signal;

use super::observation::{Asks, Observation, Outcome};
use super::plan::Plan;
use crate::lab::{Recorder, capabilities};
use crate::lesson::{Go, Lab, LabEvent, Runner};
use crate::trace::{Entry, Load};

/// What became of the observation that the screen showed last.
pub type Became = Arc<Mutex<Option<Outcome>>>;

/// Who hears everything that was seen, beside the screen.
pub type Listener = Arc<Mutex<dyn FnMut(&[Entry]) + Send>>;

/// Observes one program, as often as it is asked to.
pub struct Watching {
    plan: Plan,
    listener: Listener,
    became: Became,
    underway: Option<Observation>,
}

impl Watching {
    /// A runner of this plan; what becomes of it is told to `became`.
    pub fn new(plan: Plan, listener: Listener, became: Became) -> Self {
        Self { plan, listener, became, underway: None }
    }

    fn became(&self, outcome: Outcome) {
        *self.became.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl Runner for Watching {
    fn start(&mut self, _: &Lab, events: Sender<LabEvent>) {
        self.stop();
        let _ = events.send(LabEvent::Begin(Box::new(self.plan.header(capabilities()))));
        let (over, failed) = (events.clone(), events.clone());
        let listener = Arc::clone(&self.listener);
        let recorder = Recorder::new(move |entries| {
            (listener.lock().unwrap_or_else(PoisonError::into_inner))(&entries);
            let _ = events.send(LabEvent::Entries(entries));
        })
        .when_closed(move || {
            let _ = over.send(LabEvent::Over);
        });
        let begun = Asks::new()
            .and_then(|asks| Observation::start(self.plan.clone(), capabilities(), recorder, asks));
        match begun {
            Ok(observation) => self.underway = Some(observation),
            Err(error) => {
                let _ = failed.send(LabEvent::Failed(format!("{error:#}")));
            }
        }
    }

    /// Nobody here asks anything of the program.
    fn change(&mut self, _: &Load) {}

    fn replay(&mut self, _: &Lab, _: Sender<LabEvent>) {}

    /// The program goes on, and so does the looking: only what is shown stands still.
    fn freeze(&mut self, _: bool) {}

    /// Stopping a program call by call would break what others ask of it.
    fn slow(&mut self, _: &Lab, events: Sender<LabEvent>) {
        let why = "slow motion is for iolab's own servers: somebody may be waiting for this program";
        let _ = events.send(LabEvent::Failed(why.into()));
    }

    fn go(&mut self, _: Go, _: Option<usize>) {}

    fn finish(&mut self) {
        if let Some(observation) = &self.underway {
            observation.stop(Signal::SIGTERM);
        }
    }

    fn stop(&mut self) {
        if let Some(observation) = self.underway.take() {
            let outcome = observation.end();
            self.became(outcome);
        }
    }
}
