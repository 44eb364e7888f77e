//! A trace's records: the header, and what follows it line by line.

use serde::{Deserialize, Serialize};

use super::load::Load;
use super::machine::Capabilities;
use super::program::Program;
use super::rung::{Refusal, Rung};
use super::state::{EpollSet, Socket};
use super::stop::Stop;
use super::story::{Story, Window};
use super::totals::{ClientTotals, ProcessTotals};

/// First line of a trace. Nothing of the machine that replays it leaks in: what is shown comes from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `iolab.trace/1`.
    pub schema: String,
    /// The machine, and what it allowed.
    pub capabilities: Capabilities,
    /// What the client did.
    pub load: Load,
    /// Names of the servers, in the order they were asked for.
    pub servers: Vec<String>,
    /// The rung that counts system calls, or why none does.
    pub syscall_rung: Result<Rung, Refusal>,
}

/// Which run a record belongs to: an index, from 0, in the order the runs started.
pub type RunId = u32;

/// One line of a trace after the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The run; `None` for notes about the whole trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Nanoseconds since the run's zero (CLOCK_MONOTONIC); runs in alternation are aligned at their zeros.
    pub t_ns: u64,
    /// What.
    #[serde(flatten)]
    pub record: Record,
}

/// The kinds of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// A run begins; always its first record, at its zero.
    Start(Start),
    /// Totals of the server's process.
    Process(ProcessTotals),
    /// Totals of its client.
    Client(ClientTotals),
    /// What a process that somebody else wrote is: told once it is known, and again when that changes.
    Program(Program),
    /// The interest lists.
    EpollSets {
        /// One for each epoll descriptor.
        sets: Vec<EpollSet>,
    },
    /// The sockets and their queues.
    Sockets {
        /// One for each TCP socket.
        sockets: Vec<Socket>,
    },
    /// One event of the story, inside a window.
    Story(Story),
    /// A server stands still at the edge of a call: slow motion.
    Stop(Box<Stop>),
    /// A window ends; it began at `t_ns - duration_ns`.
    Window {
        /// How long it was open, nanoseconds.
        duration_ns: u64,
        /// What it held.
        window: Window,
    },
    /// A rung that was wanted for this run and refused.
    Refused {
        /// Which.
        rung: Rung,
        /// Why.
        refusal: Refusal,
    },
    /// Something a person did or the lab has to say.
    Note(Note),
    /// A run ends.
    End {
        /// How.
        end: End,
    },
}

/// How a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Index into the header's servers.
    pub server: u32,
    /// Which round of the alternation, from 0.
    pub round: u32,
    /// What the run is for.
    pub purpose: Purpose,
    /// The server's process.
    pub pid: u32,
    /// The load of this run where it is not the header's: a column with its own number of connections, or a
    /// change the learner made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Measured with the always-on probes; metrics come from these.
    Measure,
    /// A run from rest to rest for its story: system calls by name and in order. Told by perf at full speed; else under
    /// ptrace, and then its switches and times are not used.
    Window,
    /// A run without any probe, to know what the probes cost (`--probe-cost`).
    Unobserved,
    /// A process that was found and looked at, of whatever program: it has no client, and its totals are what
    /// can be known.
    Observe,
    /// Stopped at each system call, for somebody who looks: never times, switches or throughput.
    Slow,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum End {
    /// All that was asked for was done.
    Done,
    /// Stopped on request.
    Stopped,
    /// Cut short because a person froze it; the next run goes on.
    Frozen,
    /// Cut short because a person changed the load; the next run has the new one.
    Changed,
    /// The server's process ended by itself or was killed from outside.
    ServerGone {
        /// Exit code or signal, in words, and the last line it said on stderr.
        says: String,
    },
    /// An observed process has ended, as programs do.
    Exited {
        /// Its exit status; `None` where a signal ended it, or where only its parent hears of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    },
    /// The client could not go on.
    ClientFailed {
        /// Why.
        says: String,
    },
    /// The run could not begin.
    Refused {
        /// The layer and its reason.
        refusal: Refusal,
    },
}

impl std::fmt::Display for End {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done => out.write_str("done"),
            Self::Stopped => out.write_str("stopped"),
            Self::Frozen => out.write_str("frozen"),
            Self::Changed => out.write_str("the load was changed"),
            Self::ServerGone { says } => write!(out, "the server's process has ended: {says}"),
            Self::Exited { status: Some(status), .. } => write!(out, "it ended with exit status {status}"),
            Self::Exited { signal: Some(signal), .. } => write!(out, "signal {signal} ended it"),
            Self::Exited { .. } => out.write_str("it has ended"),
            Self::ClientFailed { says } => write!(out, "the client could not go on: {says}"),
            Self::Refused { refusal } => write!(out, "refused: {refusal}"),
        }
    }
}

/// Notes: marks, predictions, changes of the learner's, and what a server said on stderr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum Note {
    /// A place worth coming back to.
    Mark {
        /// In the learner's words.
        says: String,
    },
    /// A prediction was made.
    Prediction {
        /// Its id in the lesson.
        id: String,
        /// The answer as typed.
        answer: String,
    },
    /// The window was closed after so many calls, and the process went on unseen.
    Cut {
        /// System calls that were seen.
        calls: u64,
    },
    /// What has to be known to read the numbers of a run right: what is part of them and what is not.
    Remark {
        /// In a sentence.
        says: String,
    },
    /// A server said a line on stderr (a feature it does without, a limit it met).
    Said {
        /// The line.
        line: String,
    },
}
