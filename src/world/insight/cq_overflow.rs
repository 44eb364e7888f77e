//! More completions than the queue has slots.

use super::{Insight, ServerView};

pub const INSIGHT: Insight = Insight {
    id: "cq-overflow",
    title: "the completion queue overflowed",
    general: "The kernel had more completions than the CQ has slots. It keeps the rest in a list of its own and sets \
              IORING_SQ_CQ_OVERFLOW; they come only when the program enters the kernel again. The ring's overflow \
              counter stays 0 all the while.",
    fix: "A larger CQ (IORING_SETUP_CQSIZE), and take completions more often; when the flag is set, enter with \
          IORING_ENTER_GETEVENTS.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let ring = view.sum.rings.iter().find(|ring| ring.overflow_seen > 0)?;
    Some(format!(
        "{} samples of ring fd {} saw IORING_SQ_CQ_OVERFLOW; its CQ has {} slots, and its overflow counter stands at {}",
        ring.overflow_seen, ring.now.fd, ring.now.cq_entries, ring.now.cq_overflow
    ))
}
