//! Receives that found no buffer.

use super::{Insight, ServerView};

/// Once or twice, in a burst, is what ENOBUFS is there for.
const TIMES_MIN: u64 = 3;

/// From this share of all completions on it is no exception.
const SHARE_MIN: f64 = 0.05;

pub const INSIGHT: Insight = Insight {
    id: "buffers-ran-out",
    title: "buffers run out",
    general: "Bytes had come, and the buffer ring was empty: the receive ends with ENOBUFS, a multishot one included. \
              The bytes stay in the socket, and each time an entry has to be submitted anew, which is just what \
              multishot was to save.",
    fix: "Give each buffer back as soon as its bytes are used, before the next wait; and register as many as can be in \
          use at once.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let rings = &view.window.habits.rings;
    let share = rings.no_buffers as f64 / rings.cqes.max(1) as f64;
    (rings.no_buffers >= TIMES_MIN && share >= SHARE_MIN).then(|| {
        format!(
            "{} of {} completions that were seen are ENOBUFS ({:.0} %)",
            rings.no_buffers,
            rings.cqes,
            share * 100.0
        )
    })
}
