//! A ring used like a system call.

use super::{Insight, ServerView};
use crate::world::MetricId;

/// Requests handled between two sleeps: from here on several were waiting at once and could have shared a
/// call. Two or three come together by chance where other programs use the processors.
const COMPANY_MIN: f64 = 4.0;

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
    if view.sum.threads.contains_key("iou-sqp") {
        // A kernel thread takes the entries; system calls only wait.
        return None;
    }
    let sqes = view.sum.sqes().filter(|sqes| *sqes >= SQES_MIN)?;
    let batch = view.metric(MetricId::SqesPerEnter)?.value()?;
    let sleeps = view.metric(MetricId::VoluntarySwitchesPerRequest)?.value()?;
    let company = 1.0 / sleeps.max(1e-6);
    // With one connection the next request comes only after the answer: however busy, none waits beside it.
    let several = view.load().connections > 1;
    (several && batch < 1.2 && company >= COMPANY_MIN).then(|| {
        let together = match company {
            many if many >= 1000.0 => "more than a thousand requests".to_owned(),
            some => format!("{some:.0} requests"),
        };
        format!(
            "{sqes} SQEs went {batch:.2} to a system call, although the server handled {together} between two \
             sleeps: they were waiting together"
        )
    })
}
