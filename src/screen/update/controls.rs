//! Changing what the lab runs: while it runs, where that is possible, else from its next run on.

use super::{Effect, Stage, remember};
use crate::lesson::Lab;
use crate::screen::controls::{Control, rows};
use crate::screen::keys::Action;
use crate::screen::view::{Overlay, Playhead, Run, State, View};
use crate::trace::Pace;
use crate::world::trigger::TRIGGERS;

/// A key that changes one thing without the list of all.
pub(super) fn shortcut(view: &mut View, stage: &Stage<'_>, action: Action) -> Effect {
    let (control, up) = match action {
        Action::MoreConnections => (Control::Connections, true),
        Action::FewerConnections => (Control::Connections, false),
        Action::MoreIdle => (Control::Idle, true),
        _ => (Control::Idle, false),
    };
    turn(view, stage, control, up)
}

/// To another row of the list.
pub(super) fn choose(view: &mut View, stage: &Stage<'_>, by: isize) {
    let count = match view.overlay {
        Some(Overlay::Triggers { .. }) => TRIGGERS.len(),
        _ => view.lab(stage.lesson).map_or(0, |lab| rows(lab).len()),
    };
    if let Some(Overlay::Controls { row } | Overlay::Triggers { row }) = &mut view.overlay {
        *row = row.saturating_add_signed(by).min(count.saturating_sub(1));
    }
}

/// Changes the chosen row.
pub(super) fn turn_chosen(view: &mut View, stage: &Stage<'_>, up: bool) -> Effect {
    let Some(Overlay::Controls { row }) = view.overlay else { return Effect::None };
    let Some(control) = view.lab(stage.lesson).and_then(|lab| rows(lab).get(row).copied()) else {
        return Effect::None;
    };
    let effect = turn(view, stage, control, up);
    // A flawed server that was taken out is no longer listed.
    choose(view, stage, 0);
    effect
}

fn turn(view: &mut View, stage: &Stage<'_>, control: Control, up: bool) -> Effect {
    let Some(lab) = view.lab(stage.lesson) else { return Effect::None };
    match control.turned(lab, up) {
        Ok(lab) => change(view, stage, lab),
        Err(why) => {
            view.notice = Some(format!("{}: {why}", control.label()));
            Effect::None
        }
    }
}

/// Takes everything back.
pub(super) fn reset(view: &mut View, stage: &Stage<'_>) -> Effect {
    match view.step(stage.lesson).lab().cloned() {
        Some(lab) => change(view, stage, lab),
        None => Effect::None,
    }
}

fn change(view: &mut View, stage: &Stage<'_>, lab: Lab) -> Effect {
    remember(view, stage);
    let before = view.lab(stage.lesson).cloned();
    let live = before.is_some_and(|before| can_change_live(&before, &lab)) && view.recorded().is_none();
    view.tuned = (view.step(stage.lesson).lab() != Some(&lab)).then_some(lab);
    match view.state(stage.lesson) {
        Some(State::Running) if live => Effect::Change,
        Some(State::Starting | State::Running) => {
            view.run = Run::Some { step: view.step, state: State::Starting, recorded: None };
            view.playhead = Playhead::Live;
            Effect::Start
        }
        _ => Effect::None,
    }
}

/// Paced servers can be given another load while they run; a closed loop and other servers begin anew.
fn can_change_live(before: &Lab, after: &Lab) -> bool {
    let is_paced = |lab: &Lab| lab.load.pace != Pace::Max;
    before.servers == after.servers && before.probing == after.probing && is_paced(before) && is_paced(after)
}

/// Plays the recording of the step, as the lesson has it.
pub(super) fn replay(view: &mut View, stage: &Stage<'_>) -> Effect {
    remember(view, stage);
    view.tuned = None;
    view.run = Run::Some { step: view.step, state: State::Starting, recorded: None };
    view.playhead = Playhead::Live;
    Effect::Replay
}
