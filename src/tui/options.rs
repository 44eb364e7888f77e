//! How the screen is opened, and how it ended.

use std::io;

use super::signals;
use crate::lesson::{Lesson, Runner};
use crate::screen::{Opening, Theme};

/// How the screen is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The lesson that it begins with; home when `None`.
    pub opening: Option<Opening>,
    /// The look.
    pub theme: Theme,
    /// A recording that is there already: it is shown at once, at rest at this time, nanoseconds.
    pub recorded_at_ns: Option<u64>,
    /// For a projector: one thing at a time, answers hidden until they are asked for.
    pub present: bool,
    /// Whether slow motion is opened at once.
    pub slow: bool,
}

/// What the loop is given and knows nothing about.
pub struct Given<'g> {
    /// Who makes the runs of a lesson.
    pub runner: &'g dyn Fn(&Lesson) -> Box<dyn Runner>,
    /// Finds out what this machine allows, in a line. May take its time: a thread of its own does it.
    pub machine: Box<dyn FnOnce() -> String + Send>,
    /// Whether there is a workspace of exercises where iolab was started.
    pub has_workspace: bool,
}

/// How it ended.
#[derive(Debug)]
pub struct Ending {
    /// A few lines for the scrollback.
    pub receipt: Vec<String>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
}

impl Ending {
    /// Ends the process by the signal that ended the screen, if one did; else returns.
    pub fn pass_signal_on(&self) -> io::Result<()> {
        self.signal.map_or(Ok(()), signals::end_by)
    }
}
