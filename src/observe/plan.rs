//! What is to be observed, and how.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use crate::trace::{Capabilities, Header, Load, Probing, SCHEMA};

/// What is observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A program that iolab starts, and all that comes of it.
    Command {
        /// The file to execute.
        file: PathBuf,
        /// Its command line, its own name first.
        line: Vec<OsString>,
        /// Where its standard output goes.
        output: Output,
    },
    /// A process that runs, and all that it has started or will start.
    Process(u32),
}

impl Subject {
    /// The command as it was given; empty of a process that runs.
    pub fn name(&self) -> &OsStr {
        match self {
            Self::Command { line, .. } => line.first().map(OsString::as_os_str).unwrap_or_default(),
            Self::Process(_) => OsStr::new(""),
        }
    }
}

/// Where the standard output of an observed program goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Where it would go without iolab.
    AsItIs,
    /// To iolab's standard error, beside its standard error: standard output belongs to the result.
    ToStderr,
    /// Both to the end of this file.
    File(PathBuf),
    /// Both aside, as a full screen has the terminal; all of it to the end of this file, if there is one.
    Aside(Option<PathBuf>),
}

/// An observation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whom.
    pub subject: Subject,
    /// Which probes may watch.
    pub probing: Probing,
    /// For how long at most; `None`: until it ends.
    pub duration: Option<Duration>,
}

impl Plan {
    /// The header of the trace that this makes on this machine. It has no columns yet: each process brings its own.
    /// Its load means nothing, as nobody here asks anything of the program.
    pub fn header(&self, capabilities: &Capabilities) -> Header {
        Header {
            schema: SCHEMA.into(),
            capabilities: capabilities.clone(),
            load: Load::default(),
            servers: Vec::new(),
            syscall_rung: self.syscall_rung(capabilities),
        }
    }
}
