//! The labs of lessons, live: what a face's [`Runner`] asks for becomes sessions.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::plan::Plan;
use super::recorder::Recorder;
use super::session::{Control, Session};
use super::slow::{Slow, SlowPlan};
use super::trial::{TrialPlan, Trials};
use crate::lesson::{Go, Kind, Lab, LabEvent, Recorded, Runner, Source};
use crate::servers::{Column, Options};
use crate::trace::{Capabilities, Header, Layer, Load, Pace, Refusal};
use crate::trials;

/// How long each server of a closed loop runs in a lesson, nanoseconds, all rounds together.
const AT_MAX_NS: u64 = 2_000_000_000;

/// Runs labs on this machine, or plays their recordings where it refuses.
pub struct Live {
    /// The lesson, whose recordings stand in where this machine refuses; none in the playground.
    source: Option<&'static Source>,
    /// What the servers are told.
    options: Options,
    /// What slow motion is to be like, where it was asked for; its servers come from the lab.
    slow: Option<SlowPlan>,
    underway: Option<Underway>,
}

/// What is under way. Dropping it ends its processes before it returns.
enum Underway {
    Servers(Session),
    Trials(Trials),
    Slow(Slow),
}

/// What a lab runs.
enum Checked {
    Servers(Plan),
    Trials(TrialPlan),
}

impl Live {
    /// A runner of the labs of one lesson.
    pub fn new(source: &'static Source) -> Self {
        Self { source: Some(source), options: Options::default(), slow: None, underway: None }
    }

    /// A runner of whatever is asked for; what this machine refuses is said server by server.
    pub fn playground(options: Options) -> Self {
        Self { source: None, options, slow: None, underway: None }
    }

    /// The same, with slow motion of these connections, messages and options.
    pub fn with_slow(self, plan: SlowPlan) -> Self {
        Self { slow: Some(plan), ..self }
    }
}

/// What this machine allows; found out once.
pub fn capabilities() -> &'static Capabilities {
    static CAPABILITIES: OnceLock<Capabilities> = OnceLock::new();
    CAPABILITIES.get_or_init(crate::doctor::examine)
}

/// Why this machine cannot run a lab, if so.
fn refused(lab: &Lab) -> Option<Refusal> {
    let names = || lab.servers.iter();
    let needs = match lab.kind {
        Kind::Servers => names().filter_map(|name| Column::parse(name)).any(|column| column.server.io_uring),
        Kind::Trials => names().filter_map(|name| trials::by_name(name)).any(|trial| trial.io_uring),
        Kind::Processes => false,
    };
    let io_uring = &capabilities().io_uring;
    if needs && !io_uring.is_usable() {
        return io_uring.refusal().cloned();
    }
    if lab.kind == Kind::Trials { names().find_map(|name| unprepared(name)) } else { None }
}

/// What is missing to get a trial ready, if something is; tried once.
fn unprepared(trial: &str) -> Option<Refusal> {
    static TRIED: Mutex<BTreeMap<String, Option<Refusal>>> = Mutex::new(BTreeMap::new());
    let prepare = trials::prepared::of(trial)?;
    let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = || {
        prepare().err().map(|error| Refusal {
            layer: Layer::Filesystem,
            says: format!("{trial} cannot be built here: {error:#}"),
            try_this: "install a C compiler and liburing (Debian: apt install gcc liburing-dev)".into(),
        })
    };
    tried.entry(trial.to_owned()).or_insert_with(missing).clone()
}

/// Why this machine cannot show these servers in slow motion, if so.
fn slow_refused(plan: &SlowPlan) -> Option<String> {
    let capabilities = capabilities();
    let needs_rings = plan.servers.iter().any(|server| server.io_uring);
    match (&capabilities.io_uring, &capabilities.ptrace) {
        (_, ptrace) if !ptrace.is_usable() => {
            let refusal = ptrace.refusal().map(ToString::to_string).unwrap_or_default();
            Some(format!("this machine refuses ptrace: {refusal}"))
        }
        (io_uring, _) if needs_rings && !io_uring.is_usable() => {
            let refusal = io_uring.refusal().map(ToString::to_string).unwrap_or_default();
            Some(format!("this machine refuses io_uring: {refusal}"))
        }
        _ => None,
    }
}

/// The plan of a lab.
fn plan(lab: &Lab, options: Options) -> Checked {
    if lab.kind == Kind::Trials {
        let trials = lab.servers.iter().filter_map(|name| trials::by_name(name)).collect();
        return Checked::Trials(TrialPlan::new(trials));
    }
    let columns = lab.servers.iter().filter_map(|name| Column::parse(name)).collect();
    let plan = match lab.load.pace {
        Pace::Max => Plan::new(columns, Load { duration_ns: Some(AT_MAX_NS), ..lab.load.clone() }),
        Pace::PerSecond(_) => Plan::endless(columns, lab.load.clone()),
    };
    Checked::Servers(Plan { probing: lab.probing, options, ..plan })
}

impl Checked {
    fn header(&self) -> Header {
        match self {
            Self::Servers(plan) => Session::header(plan, capabilities()),
            Self::Trials(plan) => plan.header(capabilities()),
        }
    }

    fn start(self, recorder: Recorder) -> Underway {
        match self {
            Self::Servers(plan) => Underway::Servers(Session::start(plan, capabilities().clone(), recorder)),
            Self::Trials(plan) => Underway::Trials(Trials::start(plan, capabilities().clone(), recorder)),
        }
    }
}

impl Underway {
    fn control(&self, control: Control) {
        match self {
            Self::Servers(session) => session.control(control),
            Self::Trials(trials) => trials.control(control),
            // It has no load, and stands still by itself.
            Self::Slow(_) => {}
        }
    }
}

impl Runner for Live {
    fn start(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.stop();
        if let Some((source, refusal)) = self.source.zip(refused(lab)) {
            let why = match refusal.layer {
                Layer::Filesystem => refusal.to_string(),
                _ => format!("this machine refuses io_uring: {refusal}"),
            };
            return Recorded::new(source, why).start(lab, events);
        }
        let plan = plan(lab, self.options.clone());
        let _ = events.send(LabEvent::Begin(Box::new(plan.header())));
        let over = events.clone();
        let recorder = Recorder::new(move |entries| {
            let _ = events.send(LabEvent::Entries(entries));
        })
        .when_closed(move || {
            let _ = over.send(LabEvent::Over);
        });
        self.underway = Some(plan.start(recorder));
    }

    fn change(&mut self, load: &Load) {
        if let Some(underway) = &self.underway {
            underway.control(Control::Load(load.clone()));
        }
    }

    fn replay(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.stop();
        if let Some(source) = self.source {
            Recorded::new(source, "you asked for it").start(lab, events);
        }
    }

    fn freeze(&mut self, frozen: bool) {
        if let Some(underway) = &self.underway {
            underway.control(Control::Freeze(frozen));
        }
    }

    fn slow(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.stop();
        let columns = lab.servers.iter().filter_map(|name| Column::parse(name));
        let mut plan = SlowPlan::new(columns.map(|column| column.server).collect());
        if let Some(tuned) = &self.slow {
            (plan.connections, plan.message_bytes) = (tuned.connections, tuned.message_bytes);
            plan.options = tuned.options.clone();
        }
        if let Some((source, why)) = self.source.zip(slow_refused(&plan)) {
            return Recorded::new(source, why).slow(lab, events);
        }
        let _ = events.send(LabEvent::Begin(Box::new(plan.header(capabilities()))));
        let (entries, over) = (events.clone(), events.clone());
        let recorder = Recorder::new(move |batch| {
            let _ = entries.send(LabEvent::Entries(batch));
        })
        .when_closed(move || {
            let _ = over.send(LabEvent::Over);
        });
        match Slow::start(&plan, recorder) {
            Ok(slow) => self.underway = Some(Underway::Slow(slow)),
            Err(error) => {
                let _ = events.send(LabEvent::Failed(format!("slow motion cannot begin: {error:#}")));
            }
        }
    }

    fn go(&mut self, go: Go, server: Option<usize>) {
        if let Some(Underway::Slow(slow)) = &self.underway {
            slow.go(go, server);
        }
    }

    fn finish(&mut self) {
        if let Some(underway) = &self.underway {
            underway.control(Control::Stop);
        }
    }

    fn stop(&mut self) {
        self.underway = None;
    }
}
