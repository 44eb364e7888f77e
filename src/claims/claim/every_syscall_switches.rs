//! A mode switch taken for a context switch.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "every-syscall-switches",
    says: "Each system call triggers a context switch.",
    rests_on: RestsOn::Counts,
    needs: &["calls", "epoll@64"],
    authority: "syscalls(2); getrusage(2): a voluntary switch is counted when a process gives its processor up \
                because it has to wait",
    would_change: "calls that have to wait: each of those switches once",
    rule,
};

/// Fewer switches a call than this are none.
const NONE: f64 = 0.01;

/// Calls that the trial makes; where none may count them its end says that it made them all.
const CALLS: u64 = 300_000;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let idle = evidence.number_in("calls", "getppid", MetricId::VoluntarySwitches)?;
    let waiting = evidence.number_in("calls", "turns", MetricId::VoluntarySwitches)?;
    let calls = evidence.number("epoll@64", MetricId::SyscallsPerRequest)?;
    let served = evidence.number("epoll@64", MetricId::VoluntarySwitchesPerRequest)?;
    let (verdict, so) = match idle.value() / CALLS as f64 {
        each if each < NONE => (Verdict::Fails, "Only calls that have to wait switch"),
        each if each > 0.9 => (Verdict::Holds, "Even calls that need not wait switched"),
        _ => (Verdict::Partly, "Some calls that need not wait switched"),
    };
    let says = format!(
        "{so}: {:.0} voluntary switches in {CALLS} calls that have nothing to wait for; {:.0} when two threads hand one \
         byte to and fro 10 000 times. An echo server with 64 connections switched {:.4} times an echo and made {:.2} \
         calls.",
        idle.value(),
        waiting.value(),
        served.value(),
        calls.value(),
    );
    ruling(verdict, says, vec![idle, waiting, calls, served])
}

#[cfg(all(test, feature = "live"))]
mod tests {
    #[test]
    fn the_trial_makes_so_many_calls() {
        assert_eq!(super::CALLS, crate::trials::getppid::TIMES as u64);
    }
}
