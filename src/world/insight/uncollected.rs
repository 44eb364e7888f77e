//! Completions that wait for a call.

use super::{Insight, ServerView};

/// Readings in a row, at least 20 ms apart: so long a program that enters its ring at all is not away.
const READINGS_MIN: u64 = 3;

pub const INSIGHT: Insight = Insight {
    id: "uncollected",
    title: "completions wait for a call",
    general: "With IORING_SETUP_DEFER_TASKRUN the kernel finishes an operation only while the program is inside \
              io_uring_enter for completions. Who merely looks at the CQ sees nothing come, however long: the work \
              is ready, and IORING_SQ_TASKRUN says so.",
    fix: "Wait with io_uring_enter and IORING_ENTER_GETEVENTS (submit_and_wait), also with a timeout of 0; a loop that \
          only peeks has to look at IORING_SQ_TASKRUN, or do without DEFER_TASKRUN.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let ring = view.sum.rings.iter().find(|ring| ring.uncollected >= READINGS_MIN)?;
    Some(format!(
        "{} readings in a row found IORING_SQ_TASKRUN set at ring fd {}, and not one CQE came meanwhile",
        ring.uncollected, ring.now.fd
    ))
}
