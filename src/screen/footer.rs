//! The last row: the keys of the moment, or an answer to the last one.

use ratatui::layout::Rect;

use super::keys::{self, Binding, Context};
use super::paint::{Click, Paint, shorten, width};
use super::theme::Role;
use super::update::Stage;
use super::view::View;
use crate::lesson::Lesson;

/// The keys; `more_text`: whether the text goes on below what is shown of it.
pub(super) fn draw(paint: &mut Paint, area: Rect, view: &View, lesson: &Lesson, more_text: bool) {
    if area.is_empty() {
        return;
    }
    if let Some(notice) = &view.notice {
        return draw_notice(paint, area, notice);
    }
    let size = ratatui::layout::Size { width: area.width, height: area.height };
    let stage = Stage { lesson, trace: None, size };
    let rows = keys::here(Context::of(view)).filter(|binding| keys::in_footer(binding, view, &stage));
    let rank = |binding: &Binding| keys::rank(binding, view, &stage, more_text);
    draw_ranked(paint, area, rows, |binding| keys::word(binding, view, &stage), rank);
}

/// An answer to the last key.
pub(super) fn draw_notice(paint: &mut Paint, area: Rect, notice: &str) {
    let text = shorten(notice, area.width.saturating_sub(3), paint.glyphs());
    let glyph = paint.glyphs().warn;
    let column = paint.text(area, 1, 0, glyph, Role::Warn);
    paint.text(area, column.saturating_add(1), 0, &text, Role::Warn);
}

/// Keys with their words, as many as there is room for.
pub(super) fn draw_keys(
    paint: &mut Paint,
    area: Rect,
    rows: impl Iterator<Item = &'static Binding>,
    word: impl Fn(&Binding) -> Option<&'static str>,
) {
    draw_ranked(paint, area, rows, word, |binding| binding.footer.map_or(0, |(_, rank)| rank));
}

fn draw_ranked(
    paint: &mut Paint,
    area: Rect,
    rows: impl Iterator<Item = &'static Binding>,
    word: impl Fn(&Binding) -> Option<&'static str>,
    rank: impl Fn(&Binding) -> u8,
) {
    let mut rows: Vec<_> = rows.collect();
    let gap = match area.width {
        76.. => 3,
        24.. => 2,
        _ => 1,
    };
    let indent = u16::from(area.width >= 40);
    // Columns that a row takes.
    let cell = |paint: &Paint, row: &Binding| {
        let word = word(row).map_or(0, |word| width(word).saturating_add(1));
        width(&keys::label(row, paint.glyphs())).saturating_add(word)
    };
    // The least needed give way first; quitting stays longest.
    while rows.iter().map(|row| cell(paint, row).saturating_add(gap)).fold(indent, u16::saturating_add)
        > area.width.saturating_add(gap)
    {
        let Some(least) = (0..rows.len()).max_by_key(|index| rank(rows[*index])) else { break };
        rows.remove(least);
    }
    let mut column = indent;
    for row in rows {
        let from = column;
        column = paint.text(area, column, 0, &keys::label(row, paint.glyphs()), Role::Key);
        if let Some(word) = word(row) {
            column = paint.text(area, column.saturating_add(1), 0, word, Role::Plain);
        }
        let zone =
            Rect { x: area.x.saturating_add(from), width: column.saturating_sub(from), height: 1, ..area };
        paint.zone(zone, Click::Act(row.action));
        column = column.saturating_add(gap);
    }
}
