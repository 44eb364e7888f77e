//! A multishot operation that ended unnoticed.

use super::{Insight, ServerView};

pub const INSIGHT: Insight = Insight {
    id: "multishot-ended",
    title: "a multishot ended, and nobody asked again",
    general: "A multishot operation goes on for as long as its completions carry IORING_CQE_F_MORE. It may end at any \
              of them: no buffer was free, the CQ was full, or the kernel thought it better. After that nothing more is \
              reported, and the peer waits for good.",
    fix: "Look at the flags of every completion: without IORING_CQE_F_MORE submit the operation again, unless the \
          result says that the connection is over.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let rings = &view.window.habits.rings;
    // Where records were lost, the submission may be among them.
    (rings.waits_without > 0 && view.window.lost == 0).then(|| {
        let times = if rings.waits_without == 1 { "once".into() } else { format!("{} times", rings.waits_without) };
        format!(
            "a completion came without IORING_CQE_F_MORE, nothing was submitted in its place, and the program waited \
             {times} in vain for the next"
        )
    })
}
