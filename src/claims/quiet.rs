//! Whether the machine had nothing else to do.

use serde::{Deserialize, Serialize};

/// What else wanted a processor around an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    /// Processors that others used or wanted, on average: threads of theirs that could have run just before and after
    /// (`procs_running` of proc_stat(5), less the one that looked), or processor time of theirs meanwhile, time that
    /// a hypervisor took included, whichever is more.
    pub others: f64,
    /// Processors that are online.
    pub processors: u32,
}

/// From so many on a machine is busy, for each processor: one in two is half taken.
const BUSY: f64 = 0.25;

impl Quiet {
    /// Whether times mean something.
    pub fn is_quiet(self) -> bool {
        self.others < BUSY * f64::from(self.processors.max(1))
    }

    /// The busier of two looks.
    pub fn busier(self, other: Self) -> Self {
        Self { others: self.others.max(other.others), processors: self.processors.max(other.processors) }
    }
}
