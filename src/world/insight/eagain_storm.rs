//! Asking sockets that have nothing to say.

use super::{Insight, ServerView};
use crate::trace::Pace;
use crate::world::Counted;

/// Fewer calls than this are no evidence.
const CALLS_MIN: u64 = 100;

/// An edge-triggered server that drains each socket asks once more than there is something, and once in vain
/// when it had drained the bytes that a later edge tells of: a third of its calls, seldom more.
const SHARE_MIN: f64 = 0.5;

/// In a free run the same server makes at most twice the calls that are needed where nothing is shared.
const SHARE_AT_FULL_SPEED_MIN: f64 = 0.55;

/// At a pace it makes one more at most, whatever arrived together in the window; what is beyond five times the
/// calls that are needed is somebody who asks again and again.
const SHARE_AT_A_PACE_MIN: f64 = 0.8;

/// Messages up to this size arrive in one piece.
const PIECE_BYTES: u32 = 4096;

pub const INSIGHT: Insight = Insight {
    id: "eagain-storm",
    title: "a storm of EAGAIN",
    general: "More than half of all system calls answer EAGAIN: the program asks sockets that are not ready \
              instead of waiting until one is.",
    fix: "Wait with epoll_wait (or a ring) and touch only the descriptors it names.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let window = &view.window;
    let calls: u64 = window.by_name.values().fold(0, |sum, calls| sum.saturating_add(*calls));
    let share = window.eagain as f64 / calls.max(1) as f64;
    if calls < CALLS_MIN {
        None
    } else if share > SHARE_MIN {
        let percent = share * 100.0;
        Some(format!(
            "{} of {calls} system calls in the window answered EAGAIN ({percent:.0} %)",
            window.eagain
        ))
    } else if share >= 0.1 {
        at_full_speed(view, calls.saturating_sub(window.eagain) as f64 / window.requests.max(1) as f64)
    } else {
        None
    }
}

/// In a window the server is slow, and sockets have more time to become ready. What it calls beyond the
/// `needed` calls of a request when it runs freely are further questions of the kind the window saw. This
/// holds where each request is received and answered in one piece: for short messages.
fn at_full_speed(view: &ServerView<'_>, needed: f64) -> Option<String> {
    // Nobody asks anything of a trial, nor of a program that is merely observed.
    if view.trial.is_some() || view.load().message_bytes > PIECE_BYTES {
        return None;
    }
    let Counted { rung, calls, .. } = view.sum.syscalls.filter(|_| view.sum.requests > 0)?;
    let each = calls as f64 / view.sum.requests.max(1) as f64;
    let share_min = if view.load().pace == Pace::Max { SHARE_AT_FULL_SPEED_MIN } else { SHARE_AT_A_PACE_MIN };
    (1.0 - needed / each > share_min).then(|| {
        format!(
            "{each:.1} system calls for each request at full speed ({}), where {needed:.1} are answered by \
             something else than EAGAIN in the window",
            rung.word()
        )
    })
}
