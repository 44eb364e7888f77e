//! A ring used like a system call.

use super::{Insight, ServerView};
use crate::world::MetricId;

/// Completions that wait together are worth a batch; below this share of samples there is nothing to batch.
const SAMPLES_WITH_COMPANY_MIN: f64 = 0.005;

/// Fewer SQEs than this are no evidence.
const SQES_MIN: u64 = 200;

pub const INSIGHT: Insight = Insight {
    id: "single-sqe-enters",
    title: "a ring used like a system call",
    general: "Each io_uring_enter hands over a single submission although several completions were waiting: the \
              ring saves no system call that way.",
    fix: "Handle every completion that waits, push one SQE for each, and submit them together: \
          submit_and_wait(1) once a round.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let sqes = view.sum.sqes().filter(|sqes| *sqes >= SQES_MIN)?;
    let batch = view.metric(MetricId::SqesPerEnter)?.value()?;
    let together: u64 =
        view.sum.rings.iter().map(|ring| ring.cq_depth.0.range(2..).map(|(_, n)| n).sum::<u64>()).sum();
    let samples: u64 = view.sum.rings.iter().map(|ring| ring.cq_depth.samples()).sum();
    let company = together as f64 / samples.max(1) as f64;
    (batch < 1.2 && company >= SAMPLES_WITH_COMPANY_MIN).then(|| {
        format!(
            "{sqes} SQEs went in {batch:.2} to a system call, while two or more completions were waiting in \
             {:.0} % of the samples",
            company * 100.0
        )
    })
}
