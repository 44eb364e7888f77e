//! Frozen, played, stepped through: what moves the playhead.

use super::{Effect, Stage, remember, set_state};
use crate::screen::keys::Action;
use crate::screen::view::{Playhead, State, View, neighbours};
use crate::trace::Trace;
use crate::world::What;

/// A leap in frozen time, nanoseconds.
const LEAP_NS: u64 = 500_000_000;

pub(super) fn freeze(view: &mut View, stage: &Stage<'_>) -> Effect {
    let end_ns = stage.trace.map_or(0, Trace::end_ns);
    let recorded = view.recorded().is_some();
    let running = matches!(view.state(stage.lesson), Some(State::Running));
    match view.playhead {
        Playhead::Live => {
            view.playhead = Playhead::Frozen(end_ns);
            view.seen_ns = running.then_some(end_ns);
            if running && !recorded { Effect::Freeze(true) } else { Effect::None }
        }
        Playhead::Playing(t_ns) => {
            view.playhead = Playhead::Frozen(t_ns);
            Effect::None
        }
        Playhead::Frozen(t_ns) if recorded => {
            set_state(view, State::Running);
            view.playhead = Playhead::Playing(t_ns);
            Effect::None
        }
        Playhead::End(_) => {
            set_state(view, State::Running);
            view.playhead = Playhead::Playing(0);
            Effect::None
        }
        Playhead::Frozen(_) => {
            view.seen_ns = None;
            view.playhead = Playhead::Live;
            if running { Effect::Freeze(false) } else { Effect::None }
        }
    }
}

pub(super) fn move_in_time(view: &mut View, stage: &Stage<'_>, action: Action) {
    let (Playhead::Frozen(t_ns) | Playhead::End(t_ns), Some(trace)) = (view.playhead, stage.trace) else {
        return;
    };
    let end_ns = trace.end_ns();
    let (before, after) = neighbours(trace, t_ns);
    // A spot that is the instant goes with it.
    if view.spot.is_some_and(|spot| spot.what == What::Instant) {
        view.spot = None;
    }
    let to_ns = match action {
        Action::StepBack => before.unwrap_or(0),
        Action::StepForward => after.unwrap_or(end_ns),
        Action::LeapBack => t_ns.saturating_sub(LEAP_NS),
        _ => t_ns.saturating_add(LEAP_NS).min(end_ns),
    };
    if to_ns == t_ns {
        let end = if t_ns == 0 { "this is the beginning" } else { "nothing later was recorded" };
        view.notice = Some(end.into());
    }
    view.playhead = match view.recorded() {
        Some(_) if to_ns >= end_ns => Playhead::End(end_ns),
        _ => Playhead::Frozen(to_ns),
    };
}

/// To an instant that was clicked on. Who plays a recording plays on from there, all else is at rest there.
pub(super) fn seek(view: &mut View, stage: &Stage<'_>, t_ns: u64) -> Effect {
    let end_ns = stage.trace.map_or(0, Trace::end_ns);
    let t_ns = t_ns.min(end_ns);
    match view.playhead {
        Playhead::Playing(_) => view.playhead = Playhead::Playing(t_ns),
        _ => return rest_at(view, stage, t_ns),
    }
    Effect::None
}

/// Is at rest at a time, whatever it was doing.
pub(super) fn rest_at(view: &mut View, stage: &Stage<'_>, t_ns: u64) -> Effect {
    let end_ns = stage.trace.map_or(0, Trace::end_ns);
    let was_live = view.playhead == Playhead::Live && view.recorded().is_none();
    let running = matches!(view.state(stage.lesson), Some(State::Running));
    view.playhead = match view.recorded() {
        Some(_) if t_ns >= end_ns => Playhead::End(end_ns),
        _ => Playhead::Frozen(t_ns),
    };
    if was_live && running {
        view.seen_ns = Some(end_ns);
        return Effect::Freeze(true);
    }
    Effect::None
}

pub(super) fn tick(view: &mut View, stage: &Stage<'_>, ns: u64) -> Effect {
    let Playhead::Playing(t_ns) = view.playhead else { return super::trigger::watch(view, stage) };
    let end_ns = stage.trace.map_or(0, Trace::end_ns);
    let to_ns = t_ns.saturating_add(ns);
    if to_ns < end_ns {
        view.playhead = Playhead::Playing(to_ns);
        super::trigger::played(view, stage, t_ns);
    } else {
        view.playhead = Playhead::End(end_ns);
        set_state(view, State::Over);
        remember(view, stage);
    }
    Effect::None
}
