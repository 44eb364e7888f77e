//! A mode switch taken for a context switch.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
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

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let (idle, at_least) = switches(evidence, "getppid")?;
    let (waiting, _) = switches(evidence, "turns")?;
    let calls = evidence.number("epoll@64", MetricId::SyscallsPerRequest)?;
    let served = evidence.number("epoll@64", MetricId::VoluntarySwitchesPerRequest)?;
    let each = idle.value() / at_least;
    let verdict = match each {
        each if each < NONE => Verdict::Fails,
        each if each > 0.9 => Verdict::Holds,
        _ => Verdict::Partly,
    };
    let says = format!(
        "{:.0} context switches in {at_least:.0} calls or more that have nothing to wait for; an echo server with 64 \
         connections switched {:.4} times an echo and made {:.2} calls. Calls that have to wait do switch: {:.0} \
         switches when two threads hand one byte to and fro 10 000 times.",
        idle.value(),
        served.value(),
        calls.value(),
        waiting.value(),
    );
    ruling(verdict, says, vec![idle, waiting, calls, served])
}

/// Voluntary switches of a trial, and how many calls it made at least: all of them where they were counted, else
/// those that its window saw before it was closed.
fn switches(evidence: &Evidence, trial: &str) -> Result<(Number, f64), Untestable> {
    let switches = evidence.number_in("calls", trial, MetricId::VoluntarySwitches)?;
    let counted = evidence.number_in("calls", trial, MetricId::Syscalls).map(|calls| calls.value());
    let calls = counted.or_else(|missing| {
        let seen = evidence.view("calls", trial, |view| Ok(view.window.cut_after))?;
        seen.map(|seen| seen as f64).ok_or(missing)
    })?;
    Ok((switches, calls.max(1.0)))
}
