//! Slow motion: which stop is looked at, and when servers are let go on.

use super::{Effect, Stage, remember, set_state};
use crate::lesson::{Go, Kind};
use crate::screen::keys::Action;
use crate::screen::slow::{Slow, State};
use crate::screen::view::{Focus, View};
use crate::trace::{Record, Stop, Trace};

/// What is to be done outside for slow motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowEffect {
    /// End what runs, and start the view's servers in slow motion.
    Open,
    /// Let the server of this index go on, or all.
    Go(Go, Option<usize>),
    /// End it.
    Close,
}

/// News of slow motion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlowNews {
    /// Its trace has begun.
    Began,
    /// A recording stands in, and why.
    Recording(String),
    /// It is over.
    Over,
    /// It could not be.
    Failed(String),
}

pub(super) fn open(view: &mut View, stage: &Stage<'_>) -> Effect {
    let Some(lab) = view.lab(stage.lesson).filter(|lab| lab.kind == Kind::Servers) else {
        return Effect::None;
    };
    let column = if let Focus::Number { column, .. } = view.focus { Some(column) } else { None };
    let servers = lab.in_slow_motion(column).servers;
    if view.is_running() {
        remember(view, stage);
        if view.recorded().is_none() {
            set_state(view, crate::screen::view::State::Over);
        }
    }
    view.slow = Some(Slow::new(servers));
    Effect::Slow(SlowEffect::Open)
}

pub(super) fn hear(view: &mut View, stage: &Stage<'_>, news: SlowNews) {
    let Some(slow) = &mut view.slow else { return };
    match news {
        SlowNews::Began => slow.state = State::Underway,
        SlowNews::Recording(why) => {
            if let Some(trace) = stage.trace {
                slow.servers.clone_from(&trace.header().servers);
                slow.at_ns = slow.times(trace).first().copied();
            }
            slow.state = State::Recorded(why);
        }
        SlowNews::Over if matches!(slow.state, State::Recorded(_) | State::Failed(_)) => {}
        SlowNews::Over => slow.state = State::Over,
        SlowNews::Failed(why) => slow.state = State::Failed(why),
    }
}

pub(super) fn act(view: &mut View, stage: &Stage<'_>, action: Action) -> Effect {
    let Some(slow) = &mut view.slow else { return Effect::None };
    match action {
        Action::SlowForward => return go(view, stage, Go::Stop),
        Action::SlowRequest => return go(view, stage, Go::Request),
        Action::SlowCompletion => return go(view, stage, Go::Completion),
        Action::SlowFree if slow.state == State::Free => return go(view, stage, Go::Stop),
        Action::SlowFree => return go(view, stage, Go::Free),
        Action::SlowBack => back(view, stage),
        Action::SlowNewest => slow.at_ns = None,
        Action::SlowServer => {
            let next = slow.chosen.map_or(0, |chosen| chosen + 1);
            slow.chosen = Some(next).filter(|next| *next < slow.servers.len() && slow.servers.len() > 1);
        }
        _ => {
            view.slow = None;
            return Effect::Slow(SlowEffect::Close);
        }
    }
    Effect::None
}

/// On to what was seen later; at the newest stop the servers go on.
fn go(view: &mut View, stage: &Stage<'_>, go: Go) -> Effect {
    let Some(slow) = &mut view.slow else { return Effect::None };
    if let (Some(at_ns), Some(trace)) = (slow.at_ns, stage.trace) {
        let times = slow.times(trace);
        let later = times.iter().copied().filter(|t_ns| *t_ns > at_ns);
        let to = match go {
            Go::Stop => later.min(),
            Go::Free => times.last().copied(),
            Go::Request | Go::Completion => later.filter(|t_ns| is_there(slow, trace, *t_ns, go)).min(),
        };
        let to = to.or_else(|| times.last().copied()).unwrap_or(at_ns);
        let recorded = matches!(slow.state, State::Recorded(_));
        if to == at_ns && recorded {
            view.notice = Some("nothing later was recorded".into());
        }
        slow.at_ns = Some(to).filter(|to| recorded || Some(to) != times.last());
        return Effect::None;
    }
    match slow.state {
        State::Free if go != Go::Stop => {
            view.notice = Some("the servers run free; f stops them".into());
            Effect::None
        }
        State::Underway | State::Free => {
            slow.state = if go == Go::Free { State::Free } else { State::Underway };
            Effect::Slow(SlowEffect::Go(go, slow.chosen))
        }
        State::Starting => Effect::None,
        _ => {
            view.notice = Some("it is over; z goes back, z again begins anew".into());
            Effect::None
        }
    }
}

fn back(view: &mut View, stage: &Stage<'_>) {
    let (Some(slow), Some(trace)) = (&mut view.slow, stage.trace) else { return };
    let times = slow.times(trace);
    let now_ns = slow.at_ns.or(times.last().copied()).unwrap_or(0);
    match times.iter().rev().find(|t_ns| **t_ns < now_ns) {
        Some(before) => slow.at_ns = Some(*before),
        None => view.notice = Some("this is the first stop".into()),
    }
}

/// Whether a stop at a time is the end of a request, or one at which a completion had come.
fn is_there(slow: &Slow, trace: &Trace, t_ns: u64, go: Go) -> bool {
    let completions = |stop: &Stop| stop.rings.iter().fold(0_u64, |sum, ring| sum.saturating_add(ring.cq.1));
    trace
        .runs()
        .iter()
        .filter(|run| slow.chosen.is_none_or(|chosen| run.start.server as usize == chosen))
        .any(|run| {
            let mut before: Option<&Stop> = None;
            for (own_ns, record) in &run.records {
                let Record::Stop(stop) = record else { continue };
                if run.began_ns.saturating_add(*own_ns) == t_ns {
                    return match go {
                        Go::Request => {
                            stop.request > 0
                                && stop.answered
                                && before
                                    .is_none_or(|before| before.request != stop.request || !before.answered)
                        }
                        _ => {
                            before.is_some_and(|before| completions(before) != completions(stop))
                                || stop.moves_bytes()
                        }
                    };
                }
                before = Some(stop);
            }
            false
        })
}
