//! The run of a lesson's lab within the loop: who makes it, what it said, its trace.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::run::Message;
use crate::lesson::{Go, Lab, LabEvent, Runner};
use crate::screen::Input;
use crate::trace::{Entry, Load, Note, Record, Thinner, Trace};
use crate::world::{Cursor, Survey, World};

/// Events of a run, kept until the next frame: twenty batches between two frames wake the screen once.
#[derive(Debug, Default)]
struct Inbox(Mutex<Vec<LabEvent>>);

impl Inbox {
    /// Adds an event; `true` when it is the first since they were taken, so that somebody must be told.
    fn add(&self, event: LabEvent) -> bool {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        events.len() == 1
    }

    /// Takes all events.
    fn take(&self) -> Vec<LabEvent> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How a run begins: live, or as a recording.
pub(super) type Begin = fn(&mut dyn Runner, &Lab, Sender<LabEvent>);

/// Where runs are made and kept.
pub(super) struct Bench {
    runner: Box<dyn Runner>,
    trace: Option<Trace>,
    cursor: Cursor,
    thinner: Thinner,
    survey: Survey,
    /// What the run said since the last frame. A new run has a new one, so that what an earlier run still
    /// says cannot be taken for it.
    inbox: Arc<Inbox>,
}

impl Bench {
    /// A bench on which nothing has run.
    pub(super) fn new(runner: Box<dyn Runner>) -> Self {
        let (cursor, thinner, survey) = (Cursor::new(), Thinner::default(), Survey::default());
        Self { runner, trace: None, cursor, thinner, survey, inbox: Arc::default() }
    }

    /// Starts a lab; that it has something to say is told by [`Message::Lab`].
    pub(super) fn start(&mut self, lab: &Lab, begin: Begin, to: Sender<Message>) -> io::Result<()> {
        self.trace = None;
        self.cursor = Cursor::new();
        self.inbox = Arc::default();
        let inbox = Arc::clone(&self.inbox);
        let (events, incoming) = mpsc::channel();
        let forward = move || {
            for event in incoming {
                if inbox.add(event) && to.send(Message::Lab).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("iolab-events".into()).spawn(forward)?;
        begin(self.runner.as_mut(), lab, events);
        Ok(())
    }

    /// Gives the run under way another load.
    pub(super) fn change(&mut self, load: &Load) {
        self.runner.change(load);
    }

    /// Holds the run at rest, or lets it go on.
    pub(super) fn freeze(&mut self, frozen: bool) {
        self.runner.freeze(frozen);
    }

    /// Lets servers in slow motion go on.
    pub(super) fn go(&mut self, go: Go, server: Option<usize>) {
        self.runner.go(go, server);
    }

    /// Ends the run; every process of it is gone when this returns.
    pub(super) fn stop(&mut self) {
        self.runner.stop();
        // What it saw to its end still counts; that it began or ended is known better by whoever stopped it.
        for event in std::mem::take(&mut self.inbox).take() {
            if matches!(event, LabEvent::Entries(_)) {
                self.hear(event);
            }
        }
    }

    /// All that the run said since this was asked last, in order, for [`hear`](Self::hear).
    pub(super) fn said(&mut self) -> Vec<LabEvent> {
        self.inbox.take()
    }

    /// Takes notice of news from the run; what they are to the view.
    pub(super) fn hear(&mut self, event: LabEvent) -> Option<Input> {
        Some(match event {
            LabEvent::Begin(header) => {
                // It is watched as it goes: its clock never turns back.
                self.begin(Trace::in_sequence(*header));
                Input::Began
            }
            LabEvent::Entries(entries) => {
                let trace = self.trace.as_mut()?;
                for entry in entries {
                    // The lab is part of this program: an entry that no trace can hold is a mistake in it,
                    // and what was seen before is still true.
                    let _ = trace.push(entry);
                }
                return None;
            }
            LabEvent::Recording { trace, why } => {
                self.begin(*trace);
                if let Some(trace) = &mut self.trace {
                    Survey::whole(trace, &mut self.cursor);
                }
                Input::Recording(why)
            }
            LabEvent::Over => Input::Over,
            LabEvent::Failed(why) => Input::Failed(why),
        })
    }

    fn begin(&mut self, trace: Trace) {
        self.trace = Some(trace);
        self.cursor = Cursor::new();
        self.thinner = Thinner::default();
        self.survey = Survey::default();
    }

    /// Writes a mark into the trace; what is to be said of it.
    pub(super) fn mark(&mut self, t_ns: u64, says: String) -> Option<String> {
        let note = Note::Mark { says };
        let kept = self.runner.note(t_ns, &note);
        // A note of the whole trace is never refused.
        let _ = self.trace.as_mut()?.push(Entry { run: None, t_ns, record: Record::Note(note) });
        kept
    }

    /// Looks whether rules have begun to hold, now and then.
    pub(super) fn look(&mut self) {
        if let Some(trace) = &mut self.trace {
            self.survey.go_on(trace, &mut self.cursor);
        }
    }

    /// A run may go on for hours; what it keeps in memory may not grow for hours.
    pub(super) fn thin(&mut self) {
        if let Some(trace) = &mut self.trace
            && self.thinner.thin(trace)
        {
            self.cursor = Cursor::new();
        }
    }

    /// What was seen.
    pub(super) fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// What was seen, folded up to a time, and the trace itself.
    pub(super) fn world(&mut self, t_ns: u64) -> (Option<World<'_>>, Option<&Trace>) {
        let Self { trace, cursor, .. } = self;
        let trace = trace.as_ref();
        (trace.map(|trace| cursor.world(trace, t_ns)), trace)
    }
}
