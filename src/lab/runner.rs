//! The labs of lessons, live: what a face's [`Runner`] asks for becomes sessions.

use std::sync::OnceLock;
use std::sync::mpsc::Sender;

use super::plan::Plan;
use super::recorder::Recorder;
use super::session::{Control, Session};
use crate::lesson::{Lab, LabEvent, Recorded, Runner, Source};
use crate::servers::{Column, Options};
use crate::trace::{Capabilities, Load, Pace, Refusal};

/// How long each server of a closed loop runs in a lesson, nanoseconds, all rounds together.
const AT_MAX_NS: u64 = 2_000_000_000;

/// Runs labs on this machine, or plays their recordings where it refuses.
pub struct Live {
    /// The lesson, whose recordings stand in where this machine refuses; none in the playground.
    source: Option<&'static Source>,
    /// What the servers are told.
    options: Options,
    session: Option<Session>,
}

impl Live {
    /// A runner of the labs of one lesson.
    pub fn new(source: &'static Source) -> Self {
        Self { source: Some(source), options: Options::default(), session: None }
    }

    /// A runner of whatever is asked for; what this machine refuses is said server by server.
    pub fn playground(options: Options) -> Self {
        Self { source: None, options, session: None }
    }
}

/// What this machine allows; found out once.
pub fn capabilities() -> &'static Capabilities {
    static CAPABILITIES: OnceLock<Capabilities> = OnceLock::new();
    CAPABILITIES.get_or_init(crate::doctor::examine)
}

/// Why this machine cannot run a lab, if so.
fn refused(lab: &Lab) -> Option<Refusal> {
    let needs = columns(lab).iter().any(|column| column.server.io_uring);
    let io_uring = &capabilities().io_uring;
    if needs && !io_uring.is_usable() { io_uring.refusal().cloned() } else { None }
}

fn columns(lab: &Lab) -> Vec<Column> {
    lab.servers.iter().filter_map(|name| Column::parse(name)).collect()
}

/// The plan of a lab.
fn plan(lab: &Lab, options: Options) -> Plan {
    let servers = columns(lab);
    let plan = match lab.load.pace {
        Pace::Max => Plan::new(servers, Load { duration_ns: Some(AT_MAX_NS), ..lab.load.clone() }),
        Pace::PerSecond(_) => Plan::endless(servers, lab.load.clone()),
    };
    Plan { probing: lab.probing, options, ..plan }
}

impl Runner for Live {
    fn start(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.stop();
        if let Some((source, refusal)) = self.source.zip(refused(lab)) {
            let why = format!("this machine refuses io_uring: {refusal}");
            return Recorded::new(source, why).start(lab, events);
        }
        let plan = plan(lab, self.options.clone());
        let _ = events.send(LabEvent::Begin(Box::new(Session::header(&plan, capabilities()))));
        let over = events.clone();
        let recorder = Recorder::new(move |entries| {
            let _ = events.send(LabEvent::Entries(entries));
        })
        .when_closed(move || {
            let _ = over.send(LabEvent::Over);
        });
        self.session = Some(Session::start(plan, capabilities().clone(), recorder));
    }

    fn change(&mut self, load: &Load) {
        if let Some(session) = &self.session {
            session.control(Control::Load(load.clone()));
        }
    }

    fn replay(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.stop();
        if let Some(source) = self.source {
            Recorded::new(source, "you asked for it").start(lab, events);
        }
    }

    fn freeze(&mut self, frozen: bool) {
        if let Some(session) = &self.session {
            session.control(Control::Freeze(frozen));
        }
    }

    fn finish(&mut self) {
        if let Some(session) = &self.session {
            session.control(Control::Stop);
        }
    }

    fn stop(&mut self) {
        // Dropping a session ends its processes before it returns.
        self.session = None;
    }
}
