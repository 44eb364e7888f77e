//! Trials in the lab: each runs twice, in processes of its own, one after another. Once it is measured at full
//! speed, once its story is told under ptrace.
//!
//! ```text
//! Trials ── a lane a trial ──┬─ its process        (iolab trial NAME --gate, the gate as descriptor 3)
//!    │                       └─ observer or tracer
//!    └─▶ Recorder ──▶ Entry…
//! ```

mod cast;
pub(super) mod entries;
mod lane;
mod scope;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use self::cast::Happening;
use self::lane::Lane;
use super::recorder::Recorder;
use super::session::Control;
use crate::trace::{Capabilities, Header, Load, Probing, SCHEMA};
use crate::trials::Trial;

/// How long a trial may take, in the lab. The longest takes two seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Trials to run.
#[derive(Clone, Debug)]
pub struct TrialPlan {
    /// The trials, in the order they run.
    pub trials: Vec<&'static Trial>,
    /// Which probes watch.
    pub probing: Probing,
    /// How long one of them may take before it is ended.
    pub patience: Duration,
}

impl TrialPlan {
    /// A plan with all that the machine allows.
    pub fn new(trials: Vec<&'static Trial>) -> Self {
        Self { trials, probing: Probing::Auto, patience: PATIENCE }
    }

    /// The header of the trace that these trials make on this machine. Its load means nothing: nobody asks
    /// anything of a trial.
    pub fn header(&self, capabilities: &Capabilities) -> Header {
        Header {
            schema: SCHEMA.into(),
            capabilities: capabilities.clone(),
            load: Load::default(),
            servers: self.trials.iter().map(|trial| trial.name.to_owned()).collect(),
            syscall_rung: self.probing.syscall_rung(capabilities),
        }
    }
}

/// Trials under way. Dropping this ends them.
pub struct Trials {
    inbox: Sender<Happening>,
    thread: Option<JoinHandle<()>>,
}

/// What the lanes of all trials share.
struct Stage {
    plan: TrialPlan,
    capabilities: Capabilities,
    recorder: Arc<Recorder>,
    happenings: Sender<Happening>,
}

impl Trials {
    /// Starts everything in the background.
    pub fn start(plan: TrialPlan, capabilities: Capabilities, recorder: Recorder) -> Self {
        let (happenings, inbox) = channel();
        let stage =
            Stage { plan, capabilities, recorder: Arc::new(recorder), happenings: happenings.clone() };
        let thread = std::thread::spawn(move || stage.run(&inbox));
        Self { inbox: happenings, thread: Some(thread) }
    }

    /// Asks for something; returns at once. A trial that is frozen runs to its end, which is near; the next
    /// one then waits.
    pub fn control(&self, control: Control) {
        let _ = self.inbox.send(Happening::Control(control));
    }

    /// A handle that asks the same from another thread.
    pub fn remote(&self) -> impl Fn(Control) + Send + Sync + use<> + 'static {
        let inbox = self.inbox.clone();
        move |control| {
            let _ = inbox.send(Happening::Control(control));
        }
    }

    /// Waits until the last run is over.
    pub fn wait(mut self) {
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Trials {
    fn drop(&mut self) {
        self.control(Control::Stop);
        self.join();
    }
}

impl Stage {
    /// One after another: a trial alone on the machine is a trial that repeats.
    fn run(&self, inbox: &Receiver<Happening>) {
        let mut is_frozen = false;
        for (index, trial) in self.plan.trials.iter().enumerate() {
            let mut lane = Lane { stage: self, index: index as u32, trial, inbox, is_frozen };
            if lane.run().is_err() {
                break;
            }
            is_frozen = lane.is_frozen;
        }
        self.recorder.close();
    }
}
