//! A session: every round of every server of a plan, from the first process to the last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::lane::{Happening, Lane};
use super::plan::Plan;
use super::recorder::Recorder;
use crate::servers::Column;
use crate::trace::{Capabilities, End, Header, Load, Purpose, Record, SCHEMA, Start};

/// What a person may ask of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// End everything.
    Stop,
    /// Stop the load and every probe, keep the servers (`true`); go on (`false`).
    Freeze(bool),
    /// Go on under this load: the run ends, the next one has it. The servers stay.
    Load(Load),
}

/// A running session. Dropping it ends it.
pub struct Session {
    stage: Arc<Stage>,
    thread: Option<JoinHandle<()>>,
}

/// What all lanes of a session share.
pub(super) struct Stage {
    pub plan: Plan,
    pub capabilities: Capabilities,
    pub recorder: Arc<Recorder>,
    stopped: AtomicBool,
    frozen: AtomicBool,
    /// The load as it was last changed to; at first the plan's.
    load: Mutex<Load>,
    /// The load under which each server's last window was opened.
    seen: Mutex<BTreeMap<usize, Load>>,
    /// Servers that failed once: further rounds would only repeat it.
    given_up: Mutex<BTreeSet<usize>>,
    lanes: Mutex<Vec<Sender<Happening>>>,
    /// Whether a window is open, and who waits to open the next.
    window: (Mutex<bool>, Condvar),
}

/// A window whose server has stopped answering keeps the others waiting no longer than this.
const WINDOW_TURN: Duration = Duration::from_secs(3);

/// The turn to open a window; dropping it passes it on.
pub(super) struct WindowTurn<'s>(&'s Stage);

impl Drop for WindowTurn<'_> {
    fn drop(&mut self) {
        let (open, next) = &self.0.window;
        *open.lock().unwrap_or_else(PoisonError::into_inner) = false;
        next.notify_one();
    }
}

impl Session {
    /// The header of the trace that a session of this plan makes on this machine.
    pub fn header(plan: &Plan, capabilities: &Capabilities) -> Header {
        Header {
            schema: SCHEMA.into(),
            capabilities: capabilities.clone(),
            load: plan.load.clone(),
            servers: plan.columns.iter().map(Column::to_string).collect(),
            syscall_rung: plan.syscall_rung(capabilities),
        }
    }

    /// Starts everything in the background.
    pub fn start(plan: Plan, capabilities: Capabilities, recorder: Recorder) -> Self {
        let stage = Arc::new(Stage {
            load: Mutex::new(plan.load.clone()),
            plan,
            capabilities,
            recorder: Arc::new(recorder),
            stopped: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
            seen: Mutex::default(),
            given_up: Mutex::default(),
            lanes: Mutex::default(),
            window: Default::default(),
        });
        let own = Arc::clone(&stage);
        Self { stage, thread: Some(std::thread::spawn(move || own.run())) }
    }

    /// Asks for something; returns at once.
    pub fn control(&self, control: Control) {
        self.stage.control(control);
    }

    /// A handle that asks the same of the session from another thread.
    pub fn remote(&self) -> impl Fn(Control) + Send + Sync + use<> + 'static {
        let stage = Arc::clone(&self.stage);
        move |control| stage.control(control)
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

impl Drop for Session {
    fn drop(&mut self) {
        self.control(Control::Stop);
        self.join();
    }
}

impl Stage {
    fn control(&self, control: Control) {
        match &control {
            Control::Stop => self.stopped.store(true, Ordering::Release),
            Control::Freeze(frozen) => self.frozen.store(*frozen, Ordering::Release),
            Control::Load(load) => {
                load.clone_into(&mut self.load.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for lane in lanes.iter() {
            let _ = lane.send(Happening::Control(control.clone()));
        }
    }

    /// Whether the session was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether a person wants everything at rest.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    /// The load of a column as it stands now.
    pub fn load_of(&self, column: usize) -> Load {
        let load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        match self.plan.columns[column].connections {
            Some(connections) => load.with_connections(connections),
            None => load.clone(),
        }
    }

    /// Waits for the turn to open a window. Each tracer takes a processor for itself: of several at once the
    /// servers fall so far behind that requests of one connection share their calls.
    pub fn window_turn(&self) -> WindowTurn<'_> {
        let (open, next) = &self.window;
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = next.wait_timeout_while(open, WINDOW_TURN, |open| *open && !self.is_stopped());
        let (mut open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *open = true;
        WindowTurn(self)
    }

    /// Whether no window of a server was opened under this load; from now on one was.
    pub fn is_unseen(&self, server: usize, load: &Load) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(server, load.clone()).as_ref() != Some(load)
    }

    /// Starts no further round of a server.
    pub fn give_up(&self, server: usize) {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).insert(server);
    }

    fn goes_on(&self, server: usize) -> bool {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        !self.is_stopped() && !given_up.contains(&server)
    }

    /// Rounds outside, servers inside: what is compared runs as close in time as it can.
    fn run(&self) {
        for round in 0..self.plan.rounds {
            if !(0..self.plan.columns.len()).any(|server| self.goes_on(server)) {
                break;
            }
            for group in self.plan.groups() {
                for purpose in self.purposes(round) {
                    self.together(&group, round, purpose);
                }
            }
        }
        self.recorder.close();
    }

    /// With `--probe-cost`, observed and unobserved rounds alternate, and take turns in going first.
    fn purposes(&self, round: u32) -> Vec<Purpose> {
        let mut purposes = vec![Purpose::Measure];
        if self.plan.probe_cost {
            purposes.push(Purpose::Unobserved);
        }
        if round % 2 == 1 {
            purposes.reverse();
        }
        purposes
    }

    fn together(&self, group: &[usize], round: u32, purpose: Purpose) {
        std::thread::scope(|scope| {
            let lanes: Vec<_> = group
                .iter()
                .map(|&index| {
                    let lane = std::thread::Builder::new();
                    (index, lane.spawn_scoped(scope, move || self.lane(index, round, purpose)))
                })
                .collect();
            for (index, lane) in lanes {
                let failed = match lane {
                    Ok(lane) => lane.join().is_err().then(|| "a thread of the lab failed".to_owned()),
                    Err(error) => {
                        Some(format!("no thread can be started: {error}; `ulimit -u` says how many may"))
                    }
                };
                if let Some(says) = failed {
                    self.failed(index, round, purpose, says);
                }
            }
        });
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn lane(&self, index: usize, round: u32, purpose: Purpose) {
        let mut next = Some(round);
        while let Some(round) = next {
            // Registered first: who asks to stop from now on is heard by the lane, who asked before is seen here.
            let (happenings, inbox) = std::sync::mpsc::channel();
            self.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(happenings.clone());
            let goes_on = self.goes_on(index);
            next = goes_on.then(|| Lane::new(self, index, happenings, inbox).run(round, purpose)).flatten();
        }
    }

    /// A lane that could not go on says so in a run of its own.
    fn failed(&self, index: usize, round: u32, purpose: Purpose, says: String) {
        self.give_up(index);
        let start = Start { server: index as u32, round, purpose, pid: 0, load: None };
        let run = self.recorder.begin(start);
        self.recorder.push(run, [(0, Record::End { end: End::ClientFailed { says } })]);
    }
}
