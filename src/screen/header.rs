//! The first row: which lesson, which step, whether what is shown is live.

use ratatui::layout::Rect;

use super::keys::Action;
use super::number::seconds;
use super::paint::{Click, Paint, shorten, width};
use super::theme::Role;
use super::view::{Playhead, Run, State, View};
use crate::lesson::{Form, Lesson};
use crate::world::World;

pub(super) fn draw(paint: &mut Paint, area: Rect, view: &View, lesson: &Lesson, world: Option<&World<'_>>) {
    if area.is_empty() {
        return;
    }
    let (word, role) = mode(paint, view, lesson, world);
    let rung = world.and_then(rung).map(|rung| format!("   {rung}")).unwrap_or_default();
    let steps = lesson.steps.len();
    let word_of_step = if lesson.form == Form::Course { "step" } else { "page" };
    let of_several = lesson.form == Form::Course || steps > 1;
    let step =
        if of_several { format!("{word_of_step} {} of {steps}", view.step + 1) } else { String::new() };
    let short = if of_several { format!("{}/{steps}", view.step + 1) } else { String::new() };
    let roomy = area.width >= 76;
    // Where both have no room, the state's first word says enough.
    let tight = width(&word).saturating_add(width(&short)).saturating_add(1) > area.width;
    let word = if tight { first_word(&word) } else { word };
    let right = width(&word).saturating_add(if roomy { width(&rung) } else { 0 }).saturating_add(1);

    let mut column = 0;
    if roomy {
        column = paint.text(area, 1, 0, "iolab", Role::Title);
        column = column.saturating_add(2);
    }
    let step = if area.width >= 60 { step } else { short };
    let bar = if roomy && of_several {
        u16::try_from(steps).unwrap_or(u16::MAX).min(20).saturating_add(2)
    } else {
        0
    };
    let middle = width(&step).saturating_add(bar).saturating_add(3);
    let room = area.width.saturating_sub(column).saturating_sub(right).saturating_sub(middle);
    let title = shorten(&lesson.heading(), room, paint.glyphs());
    column = paint.text(area, column, 0, &title, Role::Strong);

    // Step and progress stand in the middle where there is room, else right after the title.
    let centre = (area.width.saturating_sub(middle)) / 2;
    let ends = area.width.saturating_sub(right).saturating_sub(middle);
    let gap = u16::from(column > 0);
    let mut column = centre.max(column.saturating_add(2)).min(ends.max(column.saturating_add(gap)));
    column = paint.text(area, column, 0, &step, Role::Plain);
    if bar > 0 {
        progress(paint, area, column.saturating_add(1), view.step, steps);
    }
    let at = area.width.saturating_sub(right);
    let after = paint.text(area, at, 0, &word, role);
    if roomy {
        paint.text(area, after, 0, &rung, Role::Quiet);
    }
}

/// The glyph and the word behind it.
fn first_word(mode: &str) -> String {
    let words: Vec<_> = mode.split(' ').take(2).collect();
    words.join(" ").trim_end_matches(',').to_owned()
}

fn progress(paint: &mut Paint, area: Rect, column: u16, step: usize, steps: usize) {
    let cells = steps.min(20);
    // At least the first cell is filled, and the last one only at the last step.
    let filled = ((step + 1) * cells / steps.max(1)).max(1);
    let glyphs = paint.glyphs();
    let column = paint.text(area, column, 0, &glyphs.done.repeat(filled), Role::Good);
    paint.text(area, column, 0, &glyphs.open.repeat(cells.saturating_sub(filled)), Role::Frame);
    let zone = Rect { x: area.x.saturating_add(column), width: 1, height: 1, ..area };
    paint.zone(zone, Click::Act(Action::NextStep));
}

/// Glyph, word and time of what is shown.
fn mode(paint: &Paint, view: &View, lesson: &Lesson, world: Option<&World<'_>>) -> (String, Role) {
    let glyphs = paint.glyphs();
    let end_ns = world.map_or(0, World::end_ns);
    let recorded = view.recorded().is_some();
    let Some(state) = view.state(lesson) else {
        if lesson.steps.iter().all(|step| step.lab().is_none()) {
            return (String::new(), Role::Quiet);
        }
        let elsewhere = matches!(view.run, Run::Some { state: State::Running, .. });
        let word = if elsewhere { "running" } else { "not running" };
        return (format!("{} {word}", glyphs.stopped), Role::Quiet);
    };
    let live = if recorded { "recorded" } else { "live" };
    match (state, view.playhead) {
        (State::Failed(_), _) => (format!("{} failed", glyphs.bad), Role::Bad),
        (_, Playhead::Frozen(t_ns)) => {
            let ms = t_ns / 1_000_000;
            (format!("{} frozen at {}.{:03} s", glyphs.frozen, ms / 1000, ms % 1000), Role::Warn)
        }
        (_, Playhead::End(t_ns)) => (format!("{} over, {}", glyphs.stopped, seconds(t_ns)), Role::Plain),
        (State::Starting, _) => (format!("{} starting", glyphs.open), Role::Warn),
        (State::Running, Playhead::Playing(t_ns)) => {
            (format!("{} {live} {}", glyphs.recorded, seconds(t_ns)), Role::Good)
        }
        (State::Running, _) => (format!("{} {live} {}", glyphs.live, seconds(end_ns)), Role::Good),
        (State::Over, _) => (format!("{} over, {}", glyphs.stopped, seconds(end_ns)), Role::Plain),
    }
}

/// Who counts system calls here.
fn rung(world: &World<'_>) -> Option<&'static str> {
    world.header.syscall_rung.as_ref().ok().map(|rung| rung.word())
}
