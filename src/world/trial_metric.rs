//! Metrics of trials: totals of the whole run, where servers have a mean for each request.

use super::server_metric::{not_counted, unknown};
use super::{Deltas, Measured, MetricId, ServerView};
use crate::trace::Rung;

/// A total of a trial's whole run.
pub(super) fn of(id: MetricId, view: &ServerView<'_>, deltas: &Deltas) -> Measured {
    let total = match id {
        MetricId::VoluntarySwitches => deltas.over_threads(|thread| thread.voluntary_switches),
        MetricId::InvoluntarySwitches => deltas.over_threads(|thread| thread.involuntary_switches),
        MetricId::CpuNs => deltas.over_threads(|thread| thread.cpu_ns),
        _ => return syscalls(view, deltas),
    };
    match deltas.threads.is_empty() {
        false => Measured::known(total as f64, Rung::Proc),
        true => unknown(view.refusal_of(Rung::Proc), "the process was not read yet"),
    }
}

/// Counted where a rung counts at full speed, else from a window that saw the whole trial.
fn syscalls(view: &ServerView<'_>, deltas: &Deltas) -> Measured {
    match (deltas.syscalls, view.window.rung, view.window.cut_after) {
        (Some(counted), ..) => Measured::known(counted.calls as f64, counted.rung),
        (None, Some(rung), None) => Measured::known(view.window.syscalls as f64, rung),
        (None, Some(_), Some(calls)) => {
            let why = not_counted(view).map(|refusal| format!("; {refusal}")).unwrap_or_default();
            Measured::unknown(format!("only the first {calls} were told one by one{why}"))
        }
        (None, None, _) if view.counted_with().is_some() => {
            let pid = view.counted_with().unwrap_or_default();
            Measured::unknown(format!("counted with those of process {pid}, which it comes from"))
        }
        (None, None, _) => unknown(not_counted(view), "no rung has counted yet"),
    }
}
