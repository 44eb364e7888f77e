//! Lessons: `lessons/NN-name/lesson.md` read into steps, predictions and lab settings.
//!
//! This room knows what a lesson says, never how it is drawn and never what a machine can do. Nothing here
//! reads a file, a clock or the environment at run time: each lesson travels inside the binary. To add a
//! lesson: one folder in `lessons/`, one row in [`LESSONS`]; a test compares the two.

mod answer;
mod course;
mod directive;
mod glossary;
mod lab;
mod mistake;
mod model;
mod observed;
pub mod plain_prose;
mod playground;
mod prediction;
pub mod prose;
mod reader;
mod recorded;
mod runner;
pub mod wrap;

pub use course::{Course, Place};
pub use glossary::{CourseEarlyUse, CourseTerm, EarlyUse, Glossary, Term};
pub use lab::{Kind, Lab, Show};
pub use mistake::Mistake;
pub use model::{Block, Form, Insight, Lesson, Objective, Step};
pub use observed::observed;
pub use playground::{playground, recording};
pub use prediction::{Closeness, Prediction, Verdict, Within};
pub use recorded::{Recorded, SLOW};
pub use runner::{Go, LabEvent, Runner};

/// One lesson as it is embedded: its folder's name, its text, its recorded runs.
#[derive(Debug)]
pub struct Source {
    /// Name of its folder in `lessons/`: two digits, a hyphen, the lesson's name.
    pub folder: &'static str,
    /// `lesson.md`.
    pub text: &'static str,
    /// Its recorded runs: file name and bytes.
    pub recordings: &'static [(&'static str, &'static [u8])],
}

/// A row of [`LESSONS`]: the folder, then the file names of its recorded runs.
macro_rules! lesson {
    ($folder:literal $(, $recording:literal)* $(,)?) => {
        Source {
            folder: $folder,
            text: include_str!(concat!("../../lessons/", $folder, "/lesson.md")),
            recordings: &[
                $(($recording, include_bytes!(concat!("../../lessons/", $folder, "/", $recording)))),*
            ],
        }
    };
}

/// All lessons that are written, in order. The one table of them.
pub const LESSONS: &[Source] = &[
    lesson!(
        "00-blocking-and-threads",
        "getppid.trace.gz",
        "turns.trace.gz",
        "one-and-64.trace.gz",
        "call-by-call.trace.gz",
        "flat-out.trace.gz",
        "short-write.trace.gz",
        "signal.trace.gz",
        "gone.trace.gz",
        "recv-spin.trace.gz",
        "observer.trace.gz",
    ),
    lesson!(
        "01-select-and-poll",
        "bursts.trace.gz",
        "call-by-call.trace.gz",
        "idle.trace.gz",
        "add-idle.trace.gz",
        "all-active.trace.gz",
        "beyond-fd-set.trace.gz",
        "full-house.trace.gz",
        "hang-up.trace.gz",
        "poll-armed.trace.gz",
    ),
    lesson!(
        "02-epoll-readiness",
        "bursts.trace.gz",
        "edge.trace.gz",
        "call-by-call.trace.gz",
        "edge-stall.trace.gz",
        "unread-edge.trace.gz",
        "armed.trace.gz",
        "flood.trace.gz",
        "one-shot.trace.gz",
        "herd.trace.gz",
        "ghost-event.trace.gz",
        "loop-fds.trace.gz",
        "slow.trace.gz",
    ),
    lesson!(
        "03-io-uring-rings",
        "epoll.trace.gz",
        "naive.trace.gz",
        "bursts.trace.gz",
        "one-by-one.trace.gz",
        "call-by-call.trace.gz",
        "rings.trace.gz",
        "cq-overflow.trace.gz",
        "link-short-read.trace.gz",
        "link-timeout.trace.gz",
        "close-in-flight.trace.gz",
        "nonblock-pends.trace.gz",
        "setup.trace.gz",
        "three-ways.trace.gz",
        "flat-out.trace.gz",
        "slow.trace.gz",
    ),
    lesson!(
        "04-sqpoll",
        "one-connection.trace.gz",
        "bursts.trace.gz",
        "call-by-call.trace.gz",
        "control.trace.gz",
        "for-nothing.trace.gz",
        "asleep.trace.gz",
        "sqpoll-idle.trace.gz",
        "sqpoll-asleep.trace.gz",
        "sqpoll-flags.trace.gz",
    ),
];

/// The lesson of that number (`3`, `03`) or name (`io-uring-rings`).
pub fn find(number_or_name: &str) -> Option<&'static Source> {
    LESSONS
        .iter()
        .find(|source| source.name() == number_or_name || number_or_name.parse() == Ok(source.number()))
}

impl Source {
    /// Its number, from the folder's first two digits; a folder without them (a test names it) is 255.
    pub fn number(&self) -> u8 {
        self.folder.get(..2).and_then(|digits| digits.parse().ok()).unwrap_or(u8::MAX)
    }

    /// Its name: what follows the number and the hyphen.
    pub fn name(&self) -> &'static str {
        self.folder.get(3..).unwrap_or_default()
    }

    /// Reads the lesson.
    ///
    /// # Errors
    /// The first [`Mistake`] in `lesson.md`. The tests read every lesson, so a released program has none.
    pub fn read(&self) -> Result<Lesson, Mistake> {
        reader::read(self)
    }

    /// A recorded run by its file name.
    pub fn recording(&self, name: &str) -> Option<&'static [u8]> {
        self.recordings.iter().find(|(file, _)| *file == name).map(|(_, bytes)| *bytes)
    }
}
