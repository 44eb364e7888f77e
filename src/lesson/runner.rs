//! Who makes the traces that the screen shows: the lab on a live machine, a recording elsewhere.
//!
//! The terminal loop knows this trait and nothing of processes, probes or files.

use std::sync::mpsc::Sender;

use super::Lab;
use crate::trace::{Entry, Header, Load, Note, Trace};

/// What arrives from a run.
#[derive(Debug)]
pub enum LabEvent {
    /// A new trace begins; what was shown before is over.
    Begin(Box<Header>),
    /// More of it, in order. Sent in batches: a batch is one reason to draw.
    Entries(Vec<Entry>),
    /// A recording stands in, whole; the screen plays it from its zero.
    Recording {
        /// The recorded run.
        trace: Box<Trace>,
        /// Why it is not live, in a sentence that names the layer that refused.
        why: String,
    },
    /// The run is over; what was seen stays.
    Over,
    /// It could not run at all: what happened, why it matters, what to try.
    Failed(String),
}

/// How far a server that is stopped call by call may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// To its next stop.
    Stop,
    /// To the end of the request, or of the next one.
    Request,
    /// To the next completion: a CQE, or a call that moved bytes.
    Completion,
    /// On and on, untraced, request after request, until it is stopped again.
    Free,
}

/// Starts and stops runs.
pub trait Runner {
    /// Starts a run of this lab, ending the one before. Returns at once; everything else comes as events,
    /// from other threads.
    fn start(&mut self, lab: &Lab, events: Sender<LabEvent>);

    /// Goes on under another load: the servers stay, the run in the trace ends and another begins. Does
    /// nothing when no run is under way.
    fn change(&mut self, load: &Load);

    /// Plays the lab's recorded run in place of a live one.
    fn replay(&mut self, lab: &Lab, events: Sender<LabEvent>);

    /// Holds the run at rest, or lets it go on: the load pauses, the servers stay and are quiet. While it is
    /// at rest nothing is sent, so that nothing wakes. Does nothing when no run is under way.
    fn freeze(&mut self, frozen: bool);

    /// Keeps a note of the learner's where runs are kept beyond the screen; what is to be said of it. Its time is
    /// nanoseconds since the trace's zero.
    fn note(&mut self, _t_ns: u64, _note: &Note) -> Option<String> {
        None
    }

    /// Asks the run to end well: the last totals and [`LabEvent::Over`] follow. Returns at once.
    fn finish(&mut self);

    /// Starts the servers of this lab in slow motion, each with a client of its own that sends what it is told to.
    /// As [`start`](Self::start) otherwise. A machine that refuses shows a recorded run, or says why it cannot.
    fn slow(&mut self, lab: &Lab, events: Sender<LabEvent>);

    /// Lets the server of that index among those in slow motion go on; all, where none is named: then those that
    /// have ended a request wait for those that have not.
    fn go(&mut self, go: Go, server: Option<usize>);

    /// Ends the run: when this returns, every process it started is gone. Does nothing when no run is under
    /// way.
    fn stop(&mut self);
}
