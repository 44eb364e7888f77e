//! The whole report, and its JSON face.

use serde::Serialize;
use std::collections::BTreeMap;

use super::check::Check;
use super::checks;
use super::verdict::{Lesson, verdict};
use crate::trace::{Capabilities, Machine};

/// Name and version of the document; later versions only grow.
pub const SCHEMA: &str = "iolab.doctor/1";

/// Everything the doctor has to say about a machine; serialized, it is the document `iolab.doctor/1`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The machine that was examined.
    pub machine: Machine,
    /// Every question and its answer.
    pub checks: Vec<Check>,
    /// Operations of io_uring by name; empty where io_uring is refused.
    pub io_uring_operations: BTreeMap<String, bool>,
    /// Features of io_uring by name; empty where io_uring is refused.
    pub io_uring_features: BTreeMap<String, bool>,
    /// The one-line end.
    pub verdict: String,
    /// Whether anything works here at all.
    #[serde(skip)]
    pub works: bool,
}

impl Report {
    /// What follows from `capabilities` for these lessons.
    pub fn of(capabilities: &Capabilities, lessons: &[Lesson]) -> Self {
        let verdict = verdict(capabilities, lessons);
        Self {
            schema: SCHEMA,
            machine: capabilities.machine.clone(),
            checks: checks::all(capabilities),
            io_uring_operations: capabilities.io_uring_operations.clone(),
            io_uring_features: capabilities.io_uring_features.clone(),
            verdict: verdict.says,
            works: verdict.works,
        }
    }
}
