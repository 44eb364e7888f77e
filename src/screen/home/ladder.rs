//! The rows of exercises at home, with as many columns as there is room for.

use ratatui::layout::Rect;

use super::exercise::look;
use crate::exercise::Posed;
use crate::progress::Standing;
use crate::screen::app::Setting;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;

/// Columns between two columns.
const GAP: u16 = 3;

/// Where names begin: behind the mark and the number.
const NAME: u16 = 5;

/// Columns of the longest states: `7 of 10 points` and `7 of 10`, or rather `not begun`.
const STATE: u16 = 14;
const STATE_BRIEF: u16 = 9;

/// Fewer columns than this are no title.
const TITLE_MIN: u16 = 20;

/// The columns of the table; those without room have no width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    name: u16,
    title: u16,
    lesson: u16,
    minutes: u16,
    /// Of a state's glyph, and of its words.
    glyph: u16,
    state: u16,
    hints: u16,
    gap: u16,
}

impl Columns {
    pub(super) fn fit(setting: &Setting<'_>, columns: u16) -> Self {
        let exercises = &setting.course.exercises;
        let widest = |of: &dyn Fn(&Posed) -> u16| exercises.iter().map(of).max().unwrap_or(0);
        let (names, titles) =
            (widest(&|exercise| width(&exercise.name)), widest(&|exercise| width(&exercise.manifest.title)));
        let hints = widest(&|exercise| {
            setting.progress.exercise(&exercise.name).says_hints().map_or(0, |says| width(&says))
        });
        let gap = if columns >= 60 { GAP } else { 1 };
        let room = columns.saturating_sub(NAME);
        // The name and the state first; a state is brief before the name is cut.
        let (glyph, state) = if room >= names.saturating_add(gap + 2 + STATE) {
            (2, STATE)
        } else if room >= names.saturating_add(gap + 2 + STATE_BRIEF) {
            (2, STATE_BRIEF)
        } else {
            (0, STATE_BRIEF)
        };
        let name = names.min(room.saturating_sub(gap + glyph + state));
        let mut left = room.saturating_sub(name + gap + glyph + state);
        let mut take = |wanted: u16| {
            let fits = wanted > 0 && wanted.saturating_add(gap) <= left;
            left -= if fits { wanted.saturating_add(gap) } else { 0 };
            if fits { wanted } else { 0 }
        };
        let (lesson, minutes, hints) = (take(6), take(6), take(hints));
        // Most titles are short: a long one may be cut.
        let title = titles.min(left.saturating_sub(gap));
        let title = if title >= TITLE_MIN.min(titles) { title } else { 0 };
        Self { name, title, lesson, minutes, glyph, state, hints, gap }
    }
}

/// The names of the columns.
pub(super) fn draw_head(paint: &mut Paint, area: Rect, row: u16, columns: &Columns) {
    let mut column = NAME;
    for (says, cells) in [
        ("exercise", columns.name),
        ("title", columns.title),
        ("lesson", columns.lesson),
        ("time", columns.minutes),
        ("state", columns.glyph.saturating_add(columns.state)),
        ("hints", columns.hints),
    ] {
        if cells > 0 {
            paint.text(area, column, row, &shorten(says, cells, paint.glyphs()), Role::Quiet);
            column = column.saturating_add(cells).saturating_add(columns.gap);
        }
    }
}

/// One exercise.
pub(super) fn draw_row(
    paint: &mut Paint,
    area: Rect,
    at: u16,
    index: usize,
    on: bool,
    columns: &Columns,
    setting: &Setting<'_>,
) {
    let exercise = &setting.course.exercises[index];
    let known = setting.progress.exercise(&exercise.name);
    let manifest = &exercise.manifest;
    let role = if on { Role::Focus } else { Role::Plain };
    paint.text(area, 2, at, &format!("{:>2}", exercise.number), Role::Quiet);
    let name = shorten(&exercise.name, columns.name, paint.glyphs());
    paint.text(area, NAME, at, &name, role);
    let mut column = NAME.saturating_add(columns.name).saturating_add(columns.gap);
    if columns.title > 0 {
        let title = shorten(&manifest.title, columns.title, paint.glyphs());
        paint.text(area, column, at, &title, Role::Plain);
        column = column.saturating_add(columns.title).saturating_add(columns.gap);
    }
    if columns.lesson > 0 {
        paint.text(area, column, at, &manifest.lesson.to_string(), Role::Plain);
        column = column.saturating_add(columns.lesson).saturating_add(columns.gap);
    }
    if columns.minutes > 0 {
        let end = column.saturating_add(columns.minutes);
        paint.right(area, end, at, &format!("{} min", manifest.minutes), Role::Quiet);
        column = end.saturating_add(columns.gap);
    }
    let standing = known.standing(manifest.points);
    let (glyph, role) = look(standing, paint.glyphs());
    if columns.glyph > 0 {
        paint.text(area, column, at, glyph, role);
        column = column.saturating_add(columns.glyph);
    }
    paint.text(area, column, at, &words(standing, columns.state), role);
    if let Some(hints) = known.says_hints().filter(|_| columns.hints > 0) {
        column = column.saturating_add(columns.state).saturating_add(columns.gap);
        paint.text(area, column, at, &hints, Role::Quiet);
    }
}

/// A state in so many columns.
fn words(standing: Standing, columns: u16) -> String {
    if columns >= STATE { standing.says() } else { standing.says_briefly() }
}
