//! Events that nobody uses: a wait that never waits.

use super::{Insight, ServerView, epollout_armed, pieces};
use crate::servers::Polls;
use crate::trace::is_wait;

/// Fewer reports, or fewer waits, are no evidence.
const REPORTS_MIN: u64 = 100;

/// A correct server does something for each descriptor that is reported to it, mostly two things: it receives
/// and it sends.
const REPORTS_EACH_MIN: f64 = 3.0;

/// In a window the server is slow, and a descriptor has more time to become ready: so many reports for each call
/// are enough there if at full speed it makes more calls for each request than any use explains.
const REPORTS_EACH_IN_COMPANY_MIN: f64 = 1.25;

/// Waits, or calls of any kind, for each request beyond which there can have been nothing to do.
const CALLS_EACH_MIN: f64 = 20.0;

pub const INSIGHT: Insight = Insight {
    id: "wakes-for-nothing",
    title: "woken for nothing",
    general: "The kernel reports descriptors as ready with which the program then does nothing: it has asked for an \
              event that is nearly always there, such as room to write, or passes over one that was not asked for, \
              such as POLLHUP. The next wait returns at once, so the thread never sleeps and keeps a processor busy.",
    fix: "Ask for an event only while it would be used: POLLOUT while there is unsent data, nothing of a descriptor \
          that is to rest. And deal with every event that is reported, POLLERR and POLLHUP included.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    // The interest list tells more: then the cause is known.
    if (epollout_armed::INSIGHT.rule)(view).is_some() {
        return None;
    }
    if view.window.rung.is_some() { by_answers(view) } else { by_names(view) }
}

/// In a window it is known what each wait reported and what came of it.
fn by_answers(view: &ServerView<'_>) -> Option<String> {
    let window = &view.window;
    let each = window.reports as f64 / window.done.max(1) as f64;
    let nothing_else = each > REPORTS_EACH_MIN
        || each > REPORTS_EACH_IN_COMPANY_MIN && calls_each(view) > CALLS_EACH_MIN * pieces(view);
    let waits: Vec<_> = window.by_name.keys().filter(|name| is_wait(name)).map(String::as_str).collect();
    (window.reports >= REPORTS_MIN && nothing_else).then(|| {
        format!(
            "{} reported a descriptor as ready {} times in the window, and {} other calls did anything: it was woken \
             {each:.1} times for each of them",
            waits.join(" and "),
            window.reports,
            window.done
        )
    })
}

/// System calls of each request outside windows, as far as they were counted; 0 where nobody knows of requests.
fn calls_each(view: &ServerView<'_>) -> f64 {
    let counted = view.sum.syscalls.filter(|counted| counted.requests > 0 || view.trial.is_some());
    counted.map_or(0.0, |counted| counted.calls as f64 / counted.requests.max(1) as f64)
}

/// Counters by name say how often it waited, not what came of it. Whoever polls on purpose does so with a
/// timeout of 0, and is known for it.
fn by_names(view: &ServerView<'_>) -> Option<String> {
    // What a request of a foreign program is, nobody knows.
    if view.is_observed() || view.server.is_some_and(|server| server.polls == Polls::Itself) {
        return None;
    }
    // Of a program that nobody here asks anything of it is not known how often it had to wait.
    let counted = view.sum.syscalls.filter(|counted| counted.requests > 0 || view.trial.is_some())?;
    let waits = view.sum.by_name.iter().filter(|(name, _)| is_wait(name));
    let waits = waits.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let each = waits as f64 / counted.requests.max(1) as f64;
    (waits >= REPORTS_MIN && each > CALLS_EACH_MIN * pieces(view)).then(|| {
        format!(
            "it waited {each:.0} times for each request ({}), and one wait is enough",
            counted.rung.word()
        )
    })
}
