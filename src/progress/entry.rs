//! One thing that happened, and its line in the journal.

use serde::{Deserialize, Serialize};

/// What happened in a lesson. A kind that this iolab does not know is a line that it skips: journals outlive
/// versions in both directions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The lesson was begun anew: its predictions are to be made again.
    Begun,
    /// A step was on the screen.
    StepSeen {
        /// Which, from 1, as `--step` counts.
        step: usize,
    },
    /// A prediction was made.
    Answered {
        /// The prediction's id.
        prediction: String,
        /// The answer as it was typed.
        answer: String,
    },
    /// A prediction was asked and passed over.
    PassedOver {
        /// The prediction's id.
        prediction: String,
    },
    /// The number of a prediction was measured.
    Measured {
        /// The prediction's id.
        prediction: String,
        /// The number, in the metric's unit.
        value: f64,
    },
    /// All steps have been seen.
    Completed,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, milliseconds since 1970 by this machine's clock. For people: nothing rests on it.
    pub unix_ms: u64,
    /// The lesson's name, which outlives its number.
    pub lesson: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Entry {
    /// Its line, with the line's end.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// The entry on a line; `None` for a damaged one and for one of a later version.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}
