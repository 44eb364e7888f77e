//! An observation for the full screen: what a [`Runner`] asks for becomes one.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::Signal;

use super::observation::{Asks, Observation, Outcome};
use super::plan::Plan;
use super::unstarted::Unstarted;
use crate::lab::{Recorder, capabilities};
use crate::lesson::{Go, Lab, LabEvent, Runner};
use crate::trace::{Entry, Load};

/// What became of the observation that the screen showed last.
pub type Became = Arc<Mutex<Option<Result<Outcome, Unstarted>>>>;

/// What is told beside the screen.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'e> {
    /// An observation begins: what was told before is of another one, whose runs have the same numbers.
    Begins,
    /// Something was seen.
    Entries(&'e [Entry]),
}

/// Who hears everything that was seen, beside the screen.
pub type Listener = Arc<Mutex<dyn FnMut(Heard<'_>) + Send>>;

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

    fn became(&self, outcome: Result<Outcome, Unstarted>) {
        *self.became.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl Runner for Watching {
    fn start(&mut self, _: &Lab, events: Sender<LabEvent>) {
        self.stop();
        tell(&self.listener, Heard::Begins);
        let _ = events.send(LabEvent::Begin(Box::new(self.plan.header(capabilities()))));
        let (over, failed) = (events.clone(), events.clone());
        let listener = Arc::clone(&self.listener);
        let recorder = Recorder::new(move |entries| {
            tell(&listener, Heard::Entries(&entries));
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
                let unstarted = Unstarted::new(self.plan.subject.name(), &error);
                let _ = failed.send(LabEvent::Failed(unstarted.to_string()));
                self.became(Err(unstarted));
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
            self.became(Ok(outcome));
        }
    }
}

fn tell(listener: &Listener, heard: Heard<'_>) {
    (listener.lock().unwrap_or_else(PoisonError::into_inner))(heard);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::lesson::{Block, observed};
    use crate::observe::{Output, Subject};
    use crate::trace::Probing;

    fn plan(file: &std::path::Path) -> Plan {
        let line = vec![file.into()];
        let subject = Subject::Command { file: file.into(), line, output: Output::Aside(None) };
        Plan { subject, probing: Probing::Proc, duration: None }
    }

    /// The kernel refuses it at its exec: the screen shows why, and the command ends with what shells say.
    #[test]
    fn a_command_that_is_not_started_says_so_and_has_a_status() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let heard = Arc::new(Mutex::new(0));
        let begins = Arc::clone(&heard);
        let listener: Listener = Arc::new(Mutex::new(move |heard: Heard<'_>| {
            *begins.lock().unwrap() += u32::from(matches!(heard, Heard::Begins));
        }));
        let became = Became::default();
        let mut watching = Watching::new(plan(&file), listener, Arc::clone(&became));
        let lesson = observed("program", Probing::Proc);
        let lab = lesson.steps[0].blocks.iter().find_map(|block| match block {
            Block::Lab(lab) => Some(lab),
            _ => None,
        });
        let (sender, events) = channel();
        watching.start(lab.unwrap(), sender.clone());
        watching.start(lab.unwrap(), sender);
        watching.stop();
        let says: Vec<_> = events
            .try_iter()
            .filter_map(|event| match event {
                LabEvent::Failed(says) => Some(says),
                _ => None,
            })
            .collect();
        assert!(says.len() == 2 && says[0].contains("cannot be started: execve: ENOENT"), "{says:?}");
        let became = became.lock().unwrap().take();
        assert_eq!(became.unwrap().unwrap_err().status(), Some(127));
        assert_eq!(*heard.lock().unwrap(), 2, "each run begins anew");
    }
}
