//! A kernel thread that polls an empty queue.

use super::{Insight, ServerView, share_of_cpu};

/// An SQE that is really handled costs a few microseconds; above this the rest of the time went into looking.
const CPU_NS_PER_SQE_MAX: f64 = 50_000.0;

pub const INSIGHT: Insight = Insight {
    id: "sqpoll-for-nothing",
    title: "SQPOLL spins for nothing",
    general: "The SQPOLL thread uses a processor all the time and finds hardly any work: for each entry it spends \
              ten times and more of what handling one costs.",
    fix: "At such a pace an ordinary ring costs next to nothing; or let the thread sleep sooner (sq_thread_idle).",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let poller = view.sum.threads.get("iou-sqp")?;
    let busy = share_of_cpu(poller.cpu_ns, view.sum.duration_ns);
    let sqes = view.sum.sqes()?;
    let each_ns = poller.cpu_ns as f64 / sqes.max(1) as f64;
    (busy >= 0.3 && each_ns > CPU_NS_PER_SQE_MAX).then(|| {
        format!(
            "the SQPOLL thread was on a processor for {:.0} % of the time and took {sqes} SQEs: {:.0} µs each",
            busy * 100.0,
            each_ns / 1000.0
        )
    })
}
