//! An exercise at home: how its state looks, and the window that tells what it is about.

use crate::exercise::{Posed, State};
use crate::progress::{ExerciseProgress, Standing};
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
    lines.extend(labelled("lesson", &lesson(exercise, setting), Role::Plain, columns));
    lines.extend(labelled("takes", &takes(exercise), Role::Plain, columns));
    let standing = known.standing(manifest.points);
    let (glyph, role) = look(standing, glyphs);
    lines.extend(labelled("state", &format!("{glyph} {}", state(standing, known)), role, columns));
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

/// Which lesson it belongs to, by number and, where it is written, by title.
fn lesson(exercise: &Posed, setting: &Setting<'_>) -> String {
    let number = exercise.manifest.lesson;
    let lesson = setting.course.lessons.iter().find(|lesson| lesson.number == number);
    lesson.map_or_else(|| number.to_string(), |lesson| format!("{number}, {}", lesson.title))
}

fn takes(exercise: &Posed) -> String {
    let manifest = &exercise.manifest;
    let needs = exercise.needs();
    let needs = if needs.is_empty() { needs } else { format!("; needs {needs}") };
    format!("about {} minutes, for {} points{needs}", manifest.minutes, manifest.points)
}

fn state(standing: Standing, known: &ExerciseProgress) -> String {
    let after = if known.passed.is_some() && known.solution_seen_first { " after its solution" } else { "" };
    let hints = known.says_hints().map(|hints| format!(", {hints}")).unwrap_or_default();
    format!("{}{after}{hints}", standing.says())
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
