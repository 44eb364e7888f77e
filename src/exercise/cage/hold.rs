//! What a cage holds, and what it does not: each limit is tried, and each refusal is kept.

use serde::{Deserialize, Serialize};

use crate::trace::Refusal;

/// One thing that a cage keeps a program from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holding {
    /// A network namespace.
    Network,
    /// Landlock's rules for TCP, listed only where there is no network namespace.
    Tcp,
    /// A PID namespace.
    Processes,
    /// An IPC namespace.
    Ipc,
    /// A mount namespace in which nothing but its own directories can be changed.
    Mounts,
    /// Landlock's rules for files.
    Files,
    /// A PID namespace, or Landlock's scope of signals.
    Signals,
    /// No new privileges, and none kept.
    Privileges,
    /// The keeper's watch over memory and threads; RLIMIT_DATA and, in a user namespace, RLIMIT_NPROC.
    Memory,
    /// RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_CORE.
    Limits,
}

impl Holding {
    /// What it protects, as a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Network => {
                "The program has a network of its own: it reaches nobody outside and takes no port of this machine."
            }
            Self::Tcp => {
                "The program can neither connect by TCP nor take a port, except where the exercise says so."
            }
            Self::Processes => "All processes of the program end with it, whatever they did to get away.",
            Self::Ipc => "The program sees no shared memory and no message queue of others.",
            Self::Mounts => {
                "Nothing outside of the program's directories can be changed, not even the mode of a file."
            }
            Self::Files => {
                "The program reads the system's files and its own, and writes in its directories only."
            }
            Self::Signals => "The program can neither signal nor trace a process that is not its own.",
            Self::Privileges => "The program has no privilege and cannot gain one, not even as root.",
            Self::Memory => "A program that uses more memory or more threads than it may is ended.",
            Self::Limits => {
                "Processor time, open descriptors and the size of a file are limited; no core is dumped."
            }
        }
    }
}

/// Whether one of them is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What.
    pub what: Holding,
    /// Why it is not held; `None` where it is.
    pub refused: Option<Refusal>,
}

impl Hold {
    /// From what trying it came to.
    pub(super) fn of(what: Holding, tried: Result<(), Refusal>) -> Self {
        Self { what, refused: tried.err() }
    }
}

/// Whether `what` is held.
pub fn holds(held: &[Hold], what: Holding) -> bool {
    held.iter().any(|hold| hold.what == what && hold.refused.is_none())
}
