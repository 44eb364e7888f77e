//! Metrics of observed processes: how often a second, and what went through their rings.

use super::{Deltas, Measured, MetricId, ServerView, trial_metric};
use crate::trace::Rung;

/// A number of an observed process; `None` where it does not apply to it.
pub(super) fn of(id: MetricId, view: &ServerView<'_>, deltas: &Deltas) -> Option<Measured> {
    let rings = |count: Option<u64>| count.map(|count| Measured::known(count as f64, Rung::Ring));
    let total = match id {
        MetricId::SyscallsPerSecond => MetricId::Syscalls,
        MetricId::VoluntarySwitchesPerSecond => MetricId::VoluntarySwitches,
        MetricId::InvoluntarySwitchesPerSecond => MetricId::InvoluntarySwitches,
        MetricId::CpuShare => MetricId::CpuNs,
        MetricId::Sqes => return rings(deltas.sqes()),
        _ => return rings(deltas.cqes()),
    };
    let per_second = match id {
        // Nanoseconds a nanosecond, in per cent.
        MetricId::CpuShare => 100.0,
        _ => 1e9,
    };
    Some(match (trial_metric::of(total, view, deltas), deltas.duration_ns) {
        (Measured::Known { .. }, 0) => Measured::unknown("the process was found only now"),
        (Measured::Known { value, rung, .. }, ns) => Measured::known(value * per_second / ns as f64, rung),
        (unknown, _) => unknown,
    })
}
