//! Who counts system calls by name, and of which processes.

use super::plan::{Plan, Subject};
use crate::probe::perf;
use crate::trace::{Capabilities, Layer, Probing, Refusal, Rung};

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

/// Starts to count the calls of a process and of all that it will start; `None` where another rung does that.
pub fn counters(pid: u32, rung: Rung) -> Option<Result<perf::Counters, Refusal>> {
    let kind = match rung {
        Rung::Perf => perf::Kind::PerfNames,
        Rung::PerfUser => perf::Kind::PerfUserNames,
        _ => return None,
    };
    Some(perf::Counters::open(pid, kind))
}
