//! Which probes a person lets watch.

use super::rung::Rung;

/// Which probes may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Probing {
    /// All that the machine allows.
    #[default]
    Auto,
    /// Only what /proc shows.
    Proc,
    /// And the rings.
    Ring,
    /// And counted system calls; no windows under ptrace.
    Perf,
    /// Windows under ptrace in place of counters.
    Ptrace,
}

impl Probing {
    /// Whether a rung may be used.
    pub fn allows(self, rung: Rung) -> bool {
        match rung {
            Rung::Proc | Rung::EpollSet | Rung::Sock | Rung::Client => true,
            Rung::Ring => self != Self::Proc,
            Rung::Perf | Rung::PerfUser => matches!(self, Self::Auto | Self::Perf),
            Rung::Ptrace => matches!(self, Self::Auto | Self::Ptrace),
        }
    }

    /// Its name, as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Proc => "proc",
            Self::Ring => "ring",
            Self::Perf => "perf",
            Self::Ptrace => "ptrace",
        }
    }
}
