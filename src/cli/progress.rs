//! Progress while a lab is measuring.

use std::collections::BTreeSet;

use super::one_line;
use crate::lab::Plan;
use crate::trace::{Entry, Purpose, Record};

/// One line on the terminal that says what is being measured; silent elsewhere.
pub struct Progress {
    servers: Vec<String>,
    rounds: u32,
    running: BTreeSet<(u32, String)>,
}

impl Progress {
    /// Progress of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            servers: plan.columns.iter().map(ToString::to_string).collect(),
            rounds: plan.rounds,
            running: BTreeSet::new(),
        }
    }

    /// Takes notice of an entry.
    pub fn see(&mut self, entry: &Entry) {
        let Some(run) = entry.run else { return };
        match &entry.record {
            Record::Start(start) => {
                let what = match start.purpose {
                    Purpose::Measure => format!("round {} of {}", start.round + 1, self.rounds),
                    Purpose::Window => "system calls by name".into(),
                    Purpose::Observe => "observed".into(),
                    Purpose::Slow => "slow motion".into(),
                    Purpose::Unobserved => format!("round {} of {}, no probes", start.round + 1, self.rounds),
                };
                self.running.insert((run, format!("{} ({what})", self.servers[start.server as usize])));
            }
            Record::End { .. } => self.running.retain(|(other, _)| *other != run),
            _ => return,
        }
        self.draw();
    }

    fn draw(&self) {
        let running: Vec<_> = self.running.iter().map(|(_, what)| what.as_str()).collect();
        one_line::say(&format!("measuring {}", running.join(", ")));
    }

    /// Takes the line away.
    pub fn done(&self) {
        one_line::clear();
    }
}
