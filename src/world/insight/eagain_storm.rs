//! Asking sockets that have nothing to say.

use super::{Insight, ServerView};

/// Fewer calls than this are no evidence.
const CALLS_MIN: u64 = 100;

/// An edge-triggered server that drains each socket asks once more than there is something: one EAGAIN beside
/// a receive and a send, never more than a third of its calls.
const SHARE_MIN: f64 = 0.36;

pub const INSIGHT: Insight = Insight {
    id: "eagain-storm",
    title: "a storm of EAGAIN",
    general: "More than a third of all system calls answer EAGAIN: the program asks sockets that are not ready \
              instead of waiting until one is. The window is slowed down, which gives sockets more time to become \
              ready: at full speed the share is larger.",
    fix: "Wait with epoll_wait (or a ring) and touch only the descriptors it names.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let calls: u64 = view.window.by_name.values().sum();
    let share = view.window.eagain as f64 / calls.max(1) as f64;
    (calls >= CALLS_MIN && share >= SHARE_MIN).then(|| {
        format!(
            "{} of {calls} system calls in the window answered EAGAIN ({:.0} %)",
            view.window.eagain,
            share * 100.0
        )
    })
}
