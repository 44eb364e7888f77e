//! What is run to get evidence. Each experiment runs once, however many claims ask for it.

use crate::servers::Polls;
use crate::servers::{self, Column};
use crate::trace::{Load, Pace};
use crate::trials;

/// One row of [`EXPERIMENTS`].
#[derive(Debug)]
pub struct Experiment {
    /// Its name.
    pub id: &'static str,
    /// What it does, for whoever waits for it.
    pub says: &'static str,
    /// What is run.
    pub asks: Asks,
}

/// What an experiment runs.
#[derive(Debug)]
pub enum Asks {
    /// Servers under one load, in a closed loop, each alone and in turn with the others.
    Servers {
        /// The columns, as in `iolab lab`.
        columns: &'static [&'static str],
        /// Connections of columns that name none.
        connections: u32,
        /// Connections that are open beside them and do nothing.
        idle: u32,
        /// Requests of each server, all rounds together.
        requests: u64,
        /// Rounds.
        rounds: u32,
        /// Whether server and client take turns on one processor.
        in_turns: bool,
    },
    /// Trials, one after another.
    Trials(&'static [&'static str]),
    /// A look at the machine itself.
    Machine,
}

/// Requests where only counts matter: few enough for a machine that is busy with other things, and enough to round
/// nothing away.
const COUNTED: u64 = 4_000;

/// One connection, counted: there is one request at a time, wherever client and server run.
const fn single(id: &'static str, says: &'static str, column: &'static [&'static str]) -> Experiment {
    counted(id, says, column, COUNTED, false)
}

/// Many connections, counted while all of them have something to ask: client and server take turns. Side by side the
/// quicker of the two would decide how many requests wait at a time, and a slow client make 64 connections look like
/// one.
const fn crowd(id: &'static str, says: &'static str, column: &'static [&'static str]) -> Experiment {
    counted(id, says, column, COUNTED, true)
}

const fn counted(
    id: &'static str,
    says: &'static str,
    columns: &'static [&'static str],
    requests: u64,
    in_turns: bool,
) -> Experiment {
    let asks = Asks::Servers { columns, connections: 64, idle: 0, requests, rounds: 1, in_turns };
    Experiment { id, says, asks }
}

/// Every experiment there is, in the order they run.
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment { id: "machine", says: "looking at what runs on this machine", asks: Asks::Machine },
    Experiment {
        id: "calls",
        says: "system calls that wait, and some that do not",
        asks: Asks::Trials(&["getppid", "turns"]),
    },
    single("epoll@1", "epoll, one connection", &["epoll@1"]),
    crowd("epoll@64", "epoll, 64 connections", &["epoll@64"]),
    crowd("epoll@1000", "epoll, 1000 connections", &["epoll@1000"]),
    crowd("epoll-edge@64", "epoll, edge-triggered", &["epoll-edge@64"]),
    crowd("uring-naive@64", "io_uring, one entry a call", &["uring-naive@64"]),
    single("uring@1", "io_uring, one connection", &["uring@1"]),
    crowd("uring@8", "io_uring, 8 connections", &["uring@8"]),
    crowd("uring@64", "io_uring, 64 connections", &["uring@64"]),
    crowd("uring@512", "io_uring, 512 connections", &["uring@512"]),
    // Where others want the processors each of its requests waits for them.
    counted("sqpoll@1", "SQPOLL, one connection", &["sqpoll@1"], COUNTED / 16, false),
    Experiment {
        id: "active",
        says: "poll and epoll, ten connections",
        asks: Asks::Servers {
            columns: &["poll", "epoll"],
            connections: 10,
            idle: 0,
            requests: 30_000,
            rounds: 3,
            in_turns: false,
        },
    },
    Experiment {
        id: "idle",
        says: "the same beside 4000 idle connections",
        asks: Asks::Servers {
            columns: &["poll", "epoll"],
            connections: 10,
            idle: 4_000,
            requests: 6_000,
            rounds: 1,
            in_turns: false,
        },
    },
    Experiment {
        id: "ladder",
        says: "what an echo costs, feature by feature",
        asks: Asks::Servers {
            columns: &["epoll", "uring-naive", "uring", "uring-multishot"],
            connections: 64,
            idle: 0,
            requests: 90_000,
            rounds: 3,
            in_turns: false,
        },
    },
    Experiment {
        id: "tail",
        says: "the slowest answers, with one connection and with 1000",
        asks: Asks::Servers {
            columns: &["epoll@1", "epoll@1000"],
            connections: 1,
            idle: 0,
            requests: 12_000,
            rounds: 3,
            in_turns: false,
        },
    },
    Experiment {
        id: "pollers",
        says: "sleeping and spinning, one connection",
        asks: Asks::Servers {
            columns: &["epoll", "sqpoll", "epoll-spin"],
            connections: 1,
            idle: 0,
            requests: 6_000,
            rounds: 3,
            in_turns: false,
        },
    },
    Experiment {
        id: "nops",
        says: "operations that do nothing, alone and in batches",
        asks: Asks::Trials(&["nops-alone", "nops-in-batches"]),
    },
    Experiment {
        id: "sqpoll-idle",
        says: "an SQPOLL thread without work",
        asks: Asks::Trials(&["sqpoll-idle"]),
    },
    Experiment { id: "fsync", says: "fsync through a ring", asks: Asks::Trials(&["ring-fsync"]) },
];

/// The experiment of that id.
pub fn experiment(id: &str) -> Option<&'static Experiment> {
    EXPERIMENTS.iter().find(|experiment| experiment.id == id)
}

impl Experiment {
    /// Whether it needs io_uring_setup(2) to be allowed.
    pub fn io_uring(&self) -> bool {
        match &self.asks {
            Asks::Servers { .. } => self.columns().iter().any(|column| column.server.io_uring),
            Asks::Trials(names) => {
                names.iter().filter_map(|name| trials::by_name(name)).any(|trial| trial.io_uring)
            }
            Asks::Machine => false,
        }
    }

    /// Whether somebody in it polls, and takes a processor for that.
    pub fn polls(&self) -> bool {
        match &self.asks {
            Asks::Servers { .. } => self.columns().iter().any(|column| column.server.polls != Polls::Never),
            Asks::Trials(names) => {
                names.iter().filter_map(|name| trials::by_name(name)).any(|trial| trial.polls)
            }
            Asks::Machine => false,
        }
    }

    /// Its servers.
    pub fn columns(&self) -> Vec<servers::Column> {
        match &self.asks {
            Asks::Servers { columns, .. } => {
                columns.iter().filter_map(|column| Column::parse(column)).collect()
            }
            Asks::Trials(_) | Asks::Machine => Vec::new(),
        }
    }

    /// Its load; the default one where nobody is asked anything.
    pub fn load(&self) -> Load {
        match self.asks {
            Asks::Servers { connections, idle, requests, .. } => {
                Load { connections, idle, pace: Pace::Max, requests: Some(requests), ..Load::default() }
            }
            Asks::Trials(_) | Asks::Machine => Load::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_run_exists() {
        for Experiment { id, asks, .. } in EXPERIMENTS {
            match asks {
                Asks::Servers { columns, .. } => {
                    assert!(columns.iter().all(|column| Column::parse(column).is_some()), "{id}");
                }
                Asks::Trials(names) => {
                    assert!(names.iter().all(|name| trials::by_name(name).is_some()), "{id}");
                }
                Asks::Machine => {}
            }
        }
    }
}
