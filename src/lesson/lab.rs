//! A lab: servers to run side by side under one load, and what of them to show.

use serde::Deserialize;

use crate::servers::{Column, Polls};
use crate::trace::{Load, Pace, Probing};

/// What a lab runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Servers, side by side under one load.
    Servers,
    /// Trials, one after another; there is no load.
    Trials,
    /// A program that nobody here wrote: its columns are its processes, as they are found.
    Processes,
}

/// A lab of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Lab {
    /// What it runs.
    pub kind: Kind,
    /// The servers or the trials, in the order of their columns.
    pub servers: Vec<String>,
    /// The load that all servers get; without meaning for trials.
    pub load: Load,
    /// Idle connections that a face without keys goes on with, one number after the other: text, a recording. On
    /// the screen the learner adds them.
    pub idle_then: Vec<u32>,
    /// Which probes may watch.
    pub probing: Probing,
    /// What to show, in order.
    pub show: Vec<Show>,
    /// The metrics to show, by their ids in the catalogue, in order.
    pub metrics: Vec<String>,
    /// The recorded run that stands in where this machine refuses; one of the lesson's recordings.
    pub recording: Option<String>,
    /// Why this is run, in a sentence.
    pub why: String,
}

impl Lab {
    /// The same with those servers only that slow motion shows side by side: two at most, the one that has the focus
    /// among them; else the last, which are the lesson's point.
    pub fn in_slow_motion(&self, column: Option<usize>) -> Self {
        const SIDE_BY_SIDE: usize = 2;
        let mut names: Vec<String> = Vec::new();
        for name in
            self.servers.iter().filter_map(|name| Column::parse(name)).map(|column| column.server.name)
        {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        let shown = names.len().min(SIDE_BY_SIDE);
        let end = column.map_or(names.len(), |column| (column + 1).clamp(shown, names.len()));
        Self { servers: names[end - shown..end].to_vec(), ..self.clone() }
    }

    /// How many groups of servers take turns: pollers each alone, all others together.
    pub fn turns(&self) -> u32 {
        let server = |name: &String| Column::parse(name).map(|column| column.server);
        let servers = || self.servers.iter().filter_map(server);
        let pollers = servers().filter(|server| server.polls != Polls::Never).count();
        let sleep = servers().any(|server| server.polls == Polls::Never);
        u32::try_from(pollers + usize::from(sleep)).unwrap_or(u32::MAX).max(1)
    }
}

/// A part of a lab's display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// The table of metrics, one column per server.
    Metrics,
    /// The rings: heads, tails, samples of how full they are.
    Rings,
    /// How many SQEs each `io_uring_enter` submitted, as a histogram.
    Batches,
    /// System calls by name.
    Names,
    /// System calls in order, with arguments and results.
    Story,
    /// The interest list of an epoll set.
    Interest,
    /// User and kernel lanes: when the server was in its own code, in the kernel, and waiting.
    Lanes,
    /// The calls of one request, server beside server.
    Receipt,
    /// Who gave a processor up and when: one column a thread.
    Switches,
    /// What an echo cost at each number of connections that was tried.
    Cost,
    /// The kernel thread that polls the submission queue: looking, asleep.
    Poller,
    /// The story of the one request that is followed.
    Follow,
    /// Insights that fired.
    Insights,
}

/// A lab as it is written in a ```` ```lab ```` block.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabText {
    pub servers: Option<Vec<String>>,
    pub trials: Option<Vec<String>>,
    // Those of LoadText once more: serde cannot both flatten and refuse unknown fields.
    connections: Option<u32>,
    message_bytes: Option<u32>,
    rate: Option<RateText>,
    burst: Option<u32>,
    idle: Option<u32>,
    pub idle_then: Option<Vec<u32>>,
    pub show: Option<Vec<Show>>,
    pub metrics: Vec<String>,
    pub recording: Option<String>,
    pub why: String,
}

/// The load as it is written; what is missing comes from the lesson, what is missing there from [`Load`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadText {
    connections: Option<u32>,
    message_bytes: Option<u32>,
    rate: Option<RateText>,
    burst: Option<u32>,
    idle: Option<u32>,
}

/// `rate = 2000` or `rate = "max"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum RateText {
    PerSecond(u64),
    Word(String),
}

impl LabText {
    /// The part of the lab that is its load.
    pub(super) fn load(&self) -> LoadText {
        let Self { connections, message_bytes, burst, idle, .. } = *self;
        LoadText { connections, message_bytes, rate: self.rate.clone(), burst, idle }
    }
}

impl LoadText {
    /// This load on top of another. A closed loop has no bursts, so `rate = "max"` ends those of `base`.
    ///
    /// # Errors
    /// What does not fit and how to mend it.
    pub(super) fn over(&self, base: &Load) -> Result<Load, (String, String)> {
        let err = |what: &str, mend: &str| Err((what.to_owned(), mend.to_owned()));
        let pace = match &self.rate {
            None => base.pace,
            Some(RateText::PerSecond(0)) => {
                return err("rate = 0 asks for nothing", "give at least 1 a second");
            }
            Some(RateText::PerSecond(rate)) => Pace::PerSecond(*rate),
            Some(RateText::Word(word)) if word == "max" => Pace::Max,
            Some(RateText::Word(_)) => {
                return err("rate is neither a number nor \"max\"", "write rate = 2000 or rate = \"max\"");
            }
        };
        let burst = match pace {
            Pace::Max if self.burst.is_some_and(|burst| burst != 1) => {
                return err("bursts in a closed loop", "give a rate in numbers, or leave burst out");
            }
            Pace::Max => 1,
            Pace::PerSecond(_) => self.burst.unwrap_or(base.burst),
        };
        let load = Load {
            connections: self.connections.unwrap_or(base.connections),
            message_bytes: self.message_bytes.unwrap_or(base.message_bytes),
            idle: self.idle.unwrap_or(base.idle),
            pace,
            burst,
            ..base.clone()
        };
        if load.connections == 0 || load.message_bytes == 0 || load.burst == 0 {
            return err("a load of nothing", "connections, message_bytes and burst are at least 1");
        }
        if load.burst > load.connections {
            return err(
                "a burst larger than the number of connections",
                "lower burst: each request of a burst goes over a connection of its own",
            );
        }
        Ok(load)
    }
}
