//! More threads that never sleep than processors to hold them.

use super::{Insight, ServerView, pieces, share_of_cpu};
use crate::world::MetricId;

/// About what the scheduler gives a thread before it puts it aside for another.
const TIME_SLICE_NS: u64 = 3_000_000;

/// System calls for each piece of a message beyond which there can have been nothing to do.
const CALLS_EACH_MIN: f64 = 20.0;

pub const INSIGHT: Insight = Insight {
    id: "too-many-pollers",
    title: "more pollers than processors",
    general: "A thread that polls keeps its processor although it has nothing to do. When pollers take every \
              processor there is, the program and its clients wait for a whole time slice at each step.",
    fix: "Give each poller a processor of its own and leave one for the rest, or let the thread sleep.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let sqpoll = view.sum.threads.get("iou-sqp").filter(|thread| {
        let wanted_ns = thread.cpu_ns.saturating_add(waited_ns(thread.involuntary_switches));
        share_of_cpu(wanted_ns, view.sum.duration_ns) >= 0.3
    });
    let spinner = view
        .metric(MetricId::SyscallsPerRequest)
        .and_then(|calls| calls.value())
        .is_some_and(|calls| calls > CALLS_EACH_MIN * pieces(view));
    let pollers = u32::from(sqpoll.is_some()) + u32::from(spinner);
    let cpus = view.machine().cpus;
    (pollers >= cpus && view.sum.requests > 0).then(|| {
        let who = match (sqpoll.is_some(), spinner) {
            (true, true) => "the SQPOLL thread and the server itself poll",
            (true, false) => "the SQPOLL thread polls",
            _ => "the server polls",
        };
        format!("{who}, and there {} for everything that runs here", processors(cpus))
    })
}

/// Being put aside again and again is how a poller without a processor of its own looks: each time costs it
/// about one time slice.
fn waited_ns(involuntary_switches: u64) -> u64 {
    involuntary_switches.saturating_mul(TIME_SLICE_NS)
}

fn processors(cpus: u32) -> String {
    match cpus {
        1 => "is one processor".into(),
        n => format!("are {n} processors"),
    }
}
