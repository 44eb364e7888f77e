//! Asking sockets that have nothing to say.

use super::{Insight, ServerView};

/// Fewer calls than this are no evidence.
const CALLS_MIN: u64 = 100;

pub const INSIGHT: Insight = Insight {
    id: "eagain-storm",
    title: "a storm of EAGAIN",
    general: "More than half of all system calls answer EAGAIN: the program asks sockets that are not ready instead \
              of waiting until one is.",
    fix: "Wait with epoll_wait (or a ring) and touch only the descriptors it names.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let calls: u64 = view.window.by_name.values().sum();
    let share = view.window.eagain as f64 / calls.max(1) as f64;
    (calls >= CALLS_MIN && share > 0.5).then(|| {
        format!(
            "{} of {calls} system calls in the window answered EAGAIN ({:.0} %)",
            view.window.eagain,
            share * 100.0
        )
    })
}
