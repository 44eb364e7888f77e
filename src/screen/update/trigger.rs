//! Stop when: a run is watched for an event, or searched for the next one.

use super::time::rest_at;
use super::{Effect, Stage};
use crate::screen::number::clock;
use crate::screen::view::{Armed, Overlay, Playhead, State, View};
use crate::world::trigger::{Hit, Looked, TRIGGERS};

/// The chosen row: a run that goes on is watched for it, all else is searched.
pub(super) fn arm(view: &mut View, stage: &Stage<'_>) -> Effect {
    let Some(Overlay::Triggers { row }) = view.overlay.take() else { return Effect::None };
    let (Some(trigger), Some(trace)) = (TRIGGERS.get(row), stage.trace) else { return Effect::None };
    if view.playhead == Playhead::Live && view.state(stage.lesson) == Some(&State::Running) {
        view.armed = Some(Armed { trigger: row, looked: Looked::all(trace) });
        view.notice = Some(format!("it goes on and stops at: {}", trigger.title));
        return Effect::None;
    }
    // Of a run that is over and shown as a whole, the first one is meant.
    let after_ns = match view.playhead {
        Playhead::Live | Playhead::End(_) => 0,
        Playhead::Frozen(t_ns) | Playhead::Playing(t_ns) => t_ns,
    };
    match trigger.next(trace, after_ns) {
        Some(hit) => stop_at(view, stage, &hit),
        None => {
            let after = if after_ns > 0 { format!(" after {}", clock(after_ns)) } else { String::new() };
            view.notice = Some(format!("{}: none found{after}", trigger.title));
            Effect::None
        }
    }
}

fn stop_at(view: &mut View, stage: &Stage<'_>, hit: &Hit) -> Effect {
    let server = stage.trace.and_then(|trace| trace.header().servers.get(hit.server as usize));
    let server = server.map_or("", String::as_str);
    view.notice = Some(format!("{server}: {}", hit.says));
    rest_at(view, stage, hit.t_ns)
}

/// Looks through what has come since the last look at a live run.
pub(super) fn watch(view: &mut View, stage: &Stage<'_>) -> Effect {
    let Some(trace) = stage.trace.filter(|_| view.playhead == Playhead::Live) else { return Effect::None };
    let Some(armed) = &mut view.armed else { return Effect::None };
    let Some(hit) = TRIGGERS.get(armed.trigger).and_then(|row| row.news(trace, &mut armed.looked)) else {
        return Effect::None;
    };
    view.armed = None;
    stop_at(view, stage, &hit)
}

/// The same of a recording that was played on from a time.
pub(super) fn played(view: &mut View, stage: &Stage<'_>, from_ns: u64) {
    let (Some(armed), Some(trace)) = (&view.armed, stage.trace) else { return };
    let hit = TRIGGERS.get(armed.trigger).and_then(|row| row.next(trace, from_ns));
    if let Some(hit) = hit.filter(|hit| hit.t_ns <= view.t_ns()) {
        view.armed = None;
        let _ = stop_at(view, stage, &hit);
    }
}
