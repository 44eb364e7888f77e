//! An exercise at home: how its state looks, and the window that tells what it is about.

use crate::exercise::State;
use crate::progress::Standing;
use crate::screen::app::Setting;
use crate::screen::overlay::{columns, labelled, room};
use crate::screen::paint::wrap;
use crate::screen::text::Line;
use crate::screen::theme::{Glyphs, Role, Theme};

/// Columns of a criterion's glyph and word, with a gap: `✗ crashed  `.
const STATE_COLUMNS: usize = 15;

/// The glyph and the role of a standing; its word says the same.
pub(super) fn look(standing: Standing, glyphs: &Glyphs) -> (&'static str, Role) {
    match standing {
        Standing::NotBegun => (glyphs.empty, Role::Quiet),
        Standing::Opened => (glyphs.recorded, Role::Plain),
        Standing::Points { .. } => (glyphs.partial, Role::Plain),
        Standing::Passed => (glyphs.good, Role::Good),
    }
}

/// What the window says of an exercise.
pub(super) fn lines(index: usize, setting: &Setting<'_>, theme: Theme) -> Vec<Line> {
    let Some(exercise) = setting.course.exercises.get(index) else { return Vec::new() };
    let columns = columns(room(setting.size));
    let glyphs = theme.glyphs();
    let manifest = &exercise.manifest;
    let known = setting.progress.exercise(&exercise.name);
    let title = wrap(&format!("{} {}", exercise.number, manifest.title), columns);
    let mut lines: Vec<Line> = title.into_iter().map(|line| vec![(line, Role::Title)]).collect();
    lines.push(Line::new());
    lines.extend(labelled("teaches", &manifest.teaches, Role::Plain, columns));
    lines.extend(labelled("lesson", &setting.course.lesson_of(exercise), Role::Plain, columns));
    lines.extend(labelled("takes", &exercise.takes(), Role::Plain, columns));
    let (glyph, role) = look(known.standing(manifest.points), glyphs);
    lines.extend(labelled("state", &format!("{glyph} {}", known.says(manifest.points)), role, columns));
    let command = exercise.command(setting.has_workspace);
    lines.extend(labelled("go on", &command, Role::Code, columns));
    if !setting.has_workspace {
        lines.extend(labelled("then", &exercise.command(true), Role::Code, columns));
    }
    lines.push(Line::new());
    lines.push(vec![("what is judged".to_owned(), Role::Strong)]);
    for criterion in &manifest.criteria {
        let last = known.last.as_ref().and_then(|last| last.criterion(&criterion.id));
        lines.extend(judged(&criterion.what, last.map(|kept| kept.state), columns, glyphs));
    }
    lines
}

/// A criterion: its last state as glyph and word, and what must be true.
fn judged(what: &str, state: Option<State>, columns: u16, glyphs: &Glyphs) -> Vec<Line> {
    let (glyph, role) = match state {
        Some(State::Pass) => (glyphs.good, Role::Good),
        Some(state) if state.is_failure() => (glyphs.bad, Role::Bad),
        _ => (glyphs.empty, Role::Quiet),
    };
    let says = format!("{glyph} {}", state.map_or("not checked", State::word));
    let indent = if columns >= 40 { STATE_COLUMNS } else { 0 };
    let mut lines = Vec::new();
    if indent == 0 {
        lines.push(vec![(says.clone(), role)]);
    }
    let width = columns.saturating_sub(u16::try_from(indent).unwrap_or(0));
    for (nth, line) in wrap(what, width).into_iter().enumerate() {
        let first = if nth == 0 && indent > 0 { says.as_str() } else { "" };
        lines.push(vec![(format!("{first:<indent$}"), role), (line, Role::Plain)]);
    }
    lines
}
