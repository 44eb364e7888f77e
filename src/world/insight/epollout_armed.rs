//! Asking to be told that a socket can be written, with nothing to write.

use super::{Insight, ServerView};
use crate::trace::Interest;

/// A socket is rarely caught between a short write and its end; above this share it is a habit.
const ARMED_SHARE_MIN: f64 = 0.3;

pub const INSIGHT: Insight = Insight {
    id: "epollout-armed",
    title: "EPOLLOUT left armed",
    general: "Descriptors are watched for EPOLLOUT while their send queues have room. A socket that can be written is \
              always ready, so a level-triggered epoll_wait returns at once, again and again.",
    fix: "Ask for EPOLLOUT (EPOLL_CTL_MOD) only while there is unsent data, and take it back when all is sent.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let run = view.latest()?;
    let (idle, seen) = run.idle_epollout;
    let share = idle as f64 / seen.max(1) as f64;
    // Edge-triggered sets hear of EPOLLOUT only when it changes: armed for good is how they are meant.
    let edge = |interest: &Interest| interest.events & Interest::ET != 0;
    let all_edge = run
        .epoll_sets
        .iter()
        .flat_map(|set| &set.interest)
        .filter(|i| i.events & Interest::OUT != 0)
        .all(edge);
    (seen > 0 && share >= ARMED_SHARE_MIN && !all_edge).then(|| {
        format!(
            "{:.0} % of the sockets seen in the interest list had EPOLLOUT armed and room to send",
            share * 100.0
        )
    })
}
