//! Who counts system calls by name, and of which processes.

use super::plan::{Plan, Subject};
use super::tracing::Tracing;
use crate::probe::perf;
use crate::trace::{Capabilities, Layer, Probing, Refusal, Rung, SyscallTotals};

impl Plan {
    /// The rung that will count system calls, or the reason why none does.
    ///
    /// # Errors
    /// No counter is allowed, and ptrace(2) is refused too, or was not asked for: attaching to a process that runs
    /// interrupts calls that wait, so that is done on request only.
    pub fn syscall_rung(&self, capabilities: &Capabilities) -> Result<Rung, Refusal> {
        match (self.probing.syscall_rung(capabilities), &self.subject) {
            (Ok(Rung::Ptrace), Subject::Process(pid)) if self.probing != Probing::Ptrace => {
                Err(only_when_asked(*pid, capabilities))
            }
            (rung, _) => rung,
        }
    }
}

/// Why ptrace is not used though it could be.
fn only_when_asked(pid: u32, capabilities: &Capabilities) -> Refusal {
    let counters = capabilities.perf_user.refusal().or(capabilities.perf.refusal());
    let says = match counters {
        Some(refusal) => refusal.says.clone(),
        None => "no counters".to_owned(),
    };
    let attempt = counters.map(|refusal| refusal.try_this.clone()).filter(|attempt| !attempt.is_empty());
    let attempt = attempt.map(|attempt| format!("{attempt}; or ")).unwrap_or_default();
    Refusal {
        layer: counters.map_or(Layer::Sysctl, |refusal| refusal.layer),
        says,
        try_this: format!(
            "{attempt}iolab observe -p {pid} --probe ptrace (it interrupts calls that wait); or let iolab start the \
             program: iolab observe -- COMMAND"
        ),
    }
}

/// Whatever counts the system calls of a process.
#[derive(Debug)]
pub enum Counting {
    /// Counters of it and of all that it starts.
    Perf(perf::Counters),
    /// A tracer of its threads; what it starts is not in it.
    Ptrace(Tracing),
}

impl Counting {
    /// Starts to count; of a process that is held before its exec, everything.
    ///
    /// # Errors
    /// The layer that refused.
    pub fn start(pid: u32, rung: Rung) -> Result<Self, Refusal> {
        let kind = match rung {
            Rung::Perf => perf::Kind::PerfNames,
            Rung::PerfUser => perf::Kind::PerfUserNames,
            _ => return Tracing::attach(pid).map(Self::Ptrace),
        };
        perf::Counters::open(pid, kind).map(Self::Perf)
    }

    /// What was counted so far.
    pub fn totals(&mut self) -> Option<SyscallTotals> {
        match self {
            Self::Perf(counters) => counters.totals().ok(),
            Self::Ptrace(tracing) => Some(tracing.totals()),
        }
    }

    /// Why it counts no more, if it does not.
    pub fn failure(&self) -> Option<&Refusal> {
        match self {
            Self::Perf(_) => None,
            Self::Ptrace(tracing) => tracing.failure(),
        }
    }

    /// Whether processes that are started from now on are counted in it.
    pub fn counts_children(&self) -> bool {
        matches!(self, Self::Perf(_))
    }
}
