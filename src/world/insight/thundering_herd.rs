//! Many are woken for what only one of them can have.

use super::{Insight, ServerView};
use crate::trace::{EpollSet, Interest, Socket};

/// Fewer are no evidence: two threads may come to the same connection by chance.
const IN_VAIN_MIN: u64 = 8;

/// Of the accepts right after a wait, at least such a share came too late. More do than are seen to: who is woken and
/// finds nothing while still inside epoll_wait sleeps on without coming back.
const SHARE_MIN: f64 = 0.1;

pub const INSIGHT: Insight = Insight {
    id: "thundering-herd",
    title: "a thundering herd",
    general: "Several interest lists watch the same listener, so each connection wakes everybody who waits. One gets \
              it, the others find nothing and go back to sleep: that is switches for nothing, the more the more \
              threads there are.",
    fix: "Add the listener with EPOLLEXCLUSIVE, and one or a few are woken; or give each thread a listener of its own \
          (SO_REUSEPORT).",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let run = view.latest()?;
    let (fd, lists) = shared_listener(&run.epoll_sets, &run.sockets)?;
    let accepts = &view.window.habits.accepts;
    let share = accepts.in_vain as f64 / accepts.woken.max(1) as f64;
    (accepts.in_vain >= IN_VAIN_MIN && share >= SHARE_MIN).then(|| {
        format!(
            "{lists} interest lists watch the listener (fd {fd}) without EPOLLEXCLUSIVE; in the window {} of {} accepts \
             right after a wait came too late (EAGAIN)",
            accepts.in_vain, accepts.woken
        )
    })
}

/// A listener that several lists watch, and each as if it were the only one: its descriptor, and how many do.
fn shared_listener(sets: &[EpollSet], sockets: &[Socket]) -> Option<(i32, usize)> {
    let watches = |set: &EpollSet, fd: i32| {
        let plain = |entry: &&Interest| entry.fd == fd && entry.events & Interest::EXCLUSIVE == 0;
        set.interest.iter().any(|entry| plain(&entry))
    };
    let listeners = sockets.iter().filter(|socket| socket.listening).map(|socket| socket.fd);
    let shared = listeners.map(|fd| (fd, sets.iter().filter(|set| watches(set, fd)).count()));
    shared.into_iter().find(|(_, lists)| *lists > 1)
}
