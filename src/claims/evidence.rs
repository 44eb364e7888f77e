//! What the experiments gave, as judges ask for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::host::Host;
use super::quiet::Quiet;
use crate::trace::{Capabilities, End, Refusal, Trace};
use crate::world::{METRICS, Measured, MetricId, ServerView, World};

/// Everything that was found out.
#[derive(Debug)]
pub struct Evidence {
    /// The machine.
    pub capabilities: Capabilities,
    /// What each experiment gave, by its id.
    pub traces: BTreeMap<String, Trace>,
    /// Whether the machine was quiet around each.
    pub quiet: BTreeMap<String, Quiet>,
    /// What else runs here, once somebody has looked.
    pub host: Option<Host>,
}

/// Why a claim cannot be judged here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untestable {
    /// What is missing, and which layer of the machine keeps it back.
    pub says: String,
    /// The refusal behind it, if there is one.
    pub refusal: Option<Refusal>,
}

impl Untestable {
    /// For a reason that no layer gave.
    pub fn because(says: impl Into<String>) -> Self {
        Self { says: says.into(), refusal: None }
    }
}

impl From<Refusal> for Untestable {
    fn from(refusal: Refusal) -> Self {
        Self { says: refusal.says.clone(), refusal: Some(refusal) }
    }
}

/// A number that a verdict rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// What it is, for people: `epoll, 64 connections: syscalls`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The number and where it came from.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Number {
    /// The number itself; 0 where there is none, which [`Evidence::number`] does not hand out.
    pub fn value(&self) -> f64 {
        self.measured.value().unwrap_or_default()
    }
}

impl Evidence {
    /// Nothing yet.
    pub fn new(capabilities: Capabilities) -> Self {
        Self { capabilities, traces: BTreeMap::new(), quiet: BTreeMap::new(), host: None }
    }

    /// A trace by its experiment.
    ///
    /// # Errors
    /// It was not run.
    pub fn trace(&self, experiment: &str) -> Result<&Trace, Untestable> {
        let missing = || Untestable::because(format!("the experiment {experiment} was not run"));
        self.traces.get(experiment).ok_or_else(missing)
    }

    /// What a judge reads of one server or trial of an experiment.
    ///
    /// # Errors
    /// It was not run, was refused, or failed.
    pub fn view<T>(
        &self,
        experiment: &str,
        name: &str,
        read: impl FnOnce(&ServerView<'_>) -> Result<T, Untestable>,
    ) -> Result<T, Untestable> {
        let world = World::at(self.trace(experiment)?, u64::MAX);
        let Some(view) = world.server(name) else {
            return Err(Untestable::because(format!("{name} was not run")));
        };
        if let Some(refusal) = view.refused() {
            return Err(refusal.clone().into());
        }
        let trouble =
            view.troubles().find(|end| !matches!(end, End::Refused { .. })).map(ToString::to_string);
        match trouble {
            Some(trouble) => Err(Untestable::because(format!("{name}: {trouble}"))),
            None => read(&view),
        }
    }

    /// A metric of a server or trial that runs in an experiment of several.
    ///
    /// # Errors
    /// It is not known, and why.
    pub fn number_in(&self, experiment: &str, name: &str, id: MetricId) -> Result<Number, Untestable> {
        // The same server may run in several experiments.
        let named = if experiment == name { name.to_owned() } else { format!("{name}, {experiment}") };
        self.view(experiment, name, |view| match view.metric(id) {
            Some(measured @ Measured::Known { .. }) => Ok(number(&named, id, measured)),
            Some(Measured::Unknown { why, .. }) => {
                Err(Untestable { says: format!("{name}: {why}"), refusal: None })
            }
            None => Err(Untestable::because(format!("{name} has no such number"))),
        })
    }

    /// A metric of a server that is an experiment by itself.
    ///
    /// # Errors
    /// It is not known, and why.
    pub fn number(&self, column: &str, id: MetricId) -> Result<Number, Untestable> {
        self.number_in(column, column, id)
    }
}

/// A metric as a number of the evidence.
fn number(name: &str, id: MetricId, measured: Measured) -> Number {
    let row = METRICS.iter().find(|row| row.id == id);
    let (label, unit) = row.map_or(("", ""), |row| (row.label, row.unit));
    Number { name: format!("{name}: {label}"), unit: unit.to_owned(), measured }
}
