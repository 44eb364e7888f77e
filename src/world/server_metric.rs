//! The metrics of servers: how each is computed from what a server's runs did.

use super::{Counted, Deltas, Measured, MetricId, ServerView};
use crate::servers::Polls;
use crate::trace::{Contents, Refusal, Rung};

/// One tick of the kernel's accounting as /proc shows it (USER_HZ is 100), nanoseconds.
const TICK_NS: u64 = 10_000_000;

/// Ticks from which on a ratio of them means something: a share of a half is then known to a tenth or so.
const TICKS_MIN: u64 = 20;

/// A number of a server; `None` where it does not apply to it.
pub(super) fn of(id: MetricId, view: &ServerView<'_>, deltas: &Deltas) -> Option<Measured> {
    let known = !deltas.threads.is_empty();
    let of_threads = |value: f64| match known {
        true => per_request(value, deltas.thread_requests, Rung::Proc),
        false => unknown(view.refusal_of(Rung::Proc), "the process was not read yet"),
    };
    let of_rings = |value: Option<u64>| match value {
        Some(count) => per_request(count as f64, deltas.ring_requests, Rung::Ring),
        None => unknown(view.refusal_of(Rung::Ring), "no ring was found"),
    };
    Some(match id {
        MetricId::SyscallsPerRequest => syscalls(view, deltas),
        MetricId::VoluntarySwitchesPerRequest => {
            of_threads(deltas.over_threads(|thread| thread.voluntary_switches) as f64)
        }
        MetricId::InvoluntarySwitchesPerRequest => {
            of_threads(deltas.over_threads(|thread| thread.involuntary_switches) as f64)
        }
        MetricId::VoluntarySwitchesPerSyscall => switches_per_syscall(view, deltas),
        MetricId::CpuNsPerRequest => of_threads(deltas.over_threads(|thread| thread.cpu_ns) as f64),
        MetricId::UserNsPerRequest | MetricId::KernelNsPerRequest if known => split(id, deltas),
        MetricId::UserNsPerRequest | MetricId::KernelNsPerRequest => of_threads(0.0),
        MetricId::SqesPerRequest | MetricId::CqesPerRequest | MetricId::SqesPerEnter if !view.has_ring() => {
            return None;
        }
        MetricId::SqesPerEnter if polled(view) => return None,
        MetricId::SqesPerRequest => of_rings(deltas.sqes()),
        MetricId::CqesPerRequest => of_rings(deltas.cqes()),
        MetricId::SqesPerEnter => sqes_per_enter(view, deltas),
        MetricId::CqeContentsSeen => contents_seen(deltas.contents()?),
        MetricId::RequestsPerSecond => requests_per_second(deltas),
        MetricId::LatencyP50Ns => latency(deltas, 0.50),
        MetricId::LatencyP99Ns => latency(deltas, 0.99),
        MetricId::Syscalls
        | MetricId::VoluntarySwitches
        | MetricId::InvoluntarySwitches
        | MetricId::CpuNs
        | MetricId::SyscallsPerSecond
        | MetricId::VoluntarySwitchesPerSecond
        | MetricId::InvoluntarySwitchesPerSecond
        | MetricId::CpuShare
        | MetricId::Sqes
        | MetricId::Cqes => {
            return None;
        }
    })
}

/// In per cent. Not rounded up: a thousandth that is missing shows.
fn contents_seen(contents: Contents) -> Measured {
    match contents.passed {
        0 => Measured::unknown("no completion has passed yet"),
        passed => Measured::known(100.0 * contents.seen as f64 / passed as f64, Rung::Ring),
    }
}

/// Whether a kernel thread takes the submissions: then none travels in a system call.
fn polled(view: &ServerView<'_>) -> bool {
    view.server.is_some_and(|server| server.polls == Polls::KernelThread)
}

fn per_request(value: f64, requests: u64, rung: Rung) -> Measured {
    match requests {
        0 => Measured::unknown("nothing was answered yet"),
        _ => Measured::known(value / requests as f64, rung),
    }
}

pub(super) fn unknown(refusal: Option<&Refusal>, otherwise: &str) -> Measured {
    Measured::unknown(refusal.map_or(otherwise, |refusal| &refusal.says))
}

/// Counted where a rung counts at full speed, else from the windows under ptrace.
fn syscalls(view: &ServerView<'_>, deltas: &Deltas) -> Measured {
    match (deltas.syscalls, view.window.rung) {
        (Some(counted), _) => per_request(counted.calls as f64, counted.requests, counted.rung),
        (None, Some(rung)) => per_request(view.window.syscalls as f64, view.window.requests, rung),
        (None, None) => unknown(not_counted(view), "no rung has counted yet"),
    }
}

pub(super) fn not_counted<'w>(view: &ServerView<'w>) -> Option<&'w Refusal> {
    let tried = [Rung::Perf, Rung::PerfUser, Rung::Ptrace].into_iter().find_map(|rung| view.refusal_of(rung));
    tried.or(view.header.syscall_rung.as_ref().err())
}

/// Counted: the ring's tail by the counter of system calls, both read at the same instants. In windows: what
/// the calls themselves said they submitted.
fn sqes_per_enter(view: &ServerView<'_>, deltas: &Deltas) -> Measured {
    let window = &view.window;
    match (deltas.sqes(), deltas.syscalls, window.rung) {
        (Some(_), Some(Counted { calls: 0, .. }), _) => Measured::unknown("no system call was made"),
        (Some(sqes), Some(Counted { calls, rung, .. }), _) => {
            Measured::known(sqes as f64 / calls as f64, rung)
        }
        (_, None, Some(rung)) if window.syscalls > 0 => {
            let sqes = window.batches.0.iter().map(|(sqes, times)| *sqes as f64 * *times as f64).sum::<f64>();
            Measured::known(sqes / window.syscalls as f64, rung)
        }
        _ => unknown(view.refusal_of(Rung::Ring).or(not_counted(view)), "SQEs or system calls are not known"),
    }
}

/// Both are read at the same instants, by two rungs; the rarer one is named.
fn switches_per_syscall(view: &ServerView<'_>, deltas: &Deltas) -> Measured {
    match deltas.syscalls {
        _ if deltas.threads.is_empty() => {
            unknown(view.refusal_of(Rung::Proc), "the process was not read yet")
        }
        None => unknown(
            not_counted(view),
            "system calls are counted in windows only, where switches are the tracer's",
        ),
        Some(Counted { calls: 0, .. }) => Measured::unknown("no system call was made"),
        Some(Counted { calls, rung, .. }) => {
            let switches = deltas.over_threads(|thread| thread.voluntary_switches);
            Measured::known(switches as f64 / calls as f64, rung)
        }
    }
}

/// User or kernel time: the exact total, split in the ratio of utime and stime. The timer interrupt looks who
/// runs, so the ratio is a sample: few looks say nothing, many leave the error of a share.
fn split(part: MetricId, deltas: &Deltas) -> Measured {
    let total_ns = deltas.over_threads(|thread| thread.cpu_ns) as f64;
    let (user_ns, kernel_ns) = (deltas.user_ns, deltas.kernel_ns);
    let both_ns = user_ns.saturating_add(kernel_ns);
    let ticks = both_ns / TICK_NS;
    if ticks < TICKS_MIN {
        return Measured::unknown(format!(
            "/proc tells user from kernel time in ticks of 10 ms, and only {ticks} were counted in this run"
        ));
    }
    let mine_ns = if part == MetricId::UserNsPerRequest { user_ns } else { kernel_ns };
    if mine_ns == 0 {
        // It is not nothing, only less than a look: half of one, give or take as much.
        let share = 0.5 / (ticks as f64 + 1.0);
        return match per_request(total_ns * share, deltas.thread_requests, Rung::Proc) {
            Measured::Known { value, rung, .. } => Measured::Known { value, rung, spread: Some(value) },
            unknown => unknown,
        };
    }
    let share = mine_ns as f64 / both_ns as f64;
    per_request(total_ns * share, deltas.thread_requests, Rung::Proc)
}

fn requests_per_second(deltas: &Deltas) -> Measured {
    match deltas.duration_ns {
        0 => Measured::unknown("the run has just begun"),
        ns => Measured::known(deltas.requests as f64 * 1e9 / ns as f64, Rung::Client),
    }
}

fn latency(deltas: &Deltas, share: f64) -> Measured {
    match deltas.latency_ns.quantile(share) {
        Some(ns) => Measured::known(ns as f64, Rung::Client),
        None => Measured::unknown("nothing was answered yet"),
    }
}
