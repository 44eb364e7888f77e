//! An interest list that is written anew for each message.

use super::{Insight, ServerView};
use crate::trace::{EpollSet, Interest};

/// Fewer are no evidence.
const CHANGES_MIN: u64 = 50;

/// Changes for each descriptor that a wait reported, from which on it is a habit.
const EACH_MIN: f64 = 0.4;

pub const INSIGHT: Insight = Insight {
    id: "interest-rewritten",
    title: "the interest list is rewritten all the time",
    general: "The interest list is the kernel's memory of what a program waits for, so that it need not be said again. \
              Here it is changed for every message: a system call each time, and mostly another wait, to learn that \
              there is room to write, which there nearly always is.",
    fix: "Send at once. Ask for EPOLLOUT only if the send took a part or answered EAGAIN, and take it back when the rest \
          has gone; leave an entry that is still right as it is.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let sets = &view.latest()?.epoll_sets;
    // One-shot entries are switched off by each report: who arms them again does as is meant.
    if sets.iter().all(|set| set.interest.is_empty()) || is_one_shot(sets) {
        return None;
    }
    let window = &view.window;
    let needless = window.habits.interest.needless;
    let each = needless as f64 / window.reports.max(1) as f64;
    (needless >= CHANGES_MIN && each >= EACH_MIN).then(|| {
        format!(
            "epoll_ctl changed entries {needless} times in the window without a backlog to tell of, where waits reported \
             {} descriptors: {each:.1} changes for each",
            window.reports
        )
    })
}

fn is_one_shot(sets: &[EpollSet]) -> bool {
    sets.iter().flat_map(|set| &set.interest).any(|entry| entry.events & Interest::ONESHOT != 0)
}
