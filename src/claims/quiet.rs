//! Whether the machine had nothing else to do.

use serde::{Deserialize, Serialize};

/// What else wanted a processor around an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    /// Threads of others that could have run, on average (`procs_running` of proc_stat(5), less the one that
    /// looked).
    pub others: f64,
}

/// From so many on a machine is busy: one processor in two is half taken.
const BUSY: f64 = 0.5;

impl Quiet {
    /// Whether times mean something.
    pub fn is_quiet(self) -> bool {
        self.others < BUSY
    }
}
