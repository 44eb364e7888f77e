//! The window of the search: the query, and below it what was found, or what one of it says.

use ratatui::layout::{Rect, Size};

use super::index::{self, Entry, Goes};
use super::{Search, kind};
use crate::screen::app::Setting;
use crate::screen::layout::centred;
use crate::screen::overlay::{columns, labelled, lines_hidden, room, window};
use crate::screen::paint::{Click, Paint, shorten, width, wrap};
use crate::screen::text::Line;
use crate::screen::theme::Role;

/// More rows than this are not read but searched.
const ROWS_MAX: u16 = 20;

/// Columns of the first word of a row.
const KIND_COLUMNS: u16 = 9;

/// Rows that there are for what was found.
pub(super) fn rows(size: Size) -> u16 {
    room(size).height.saturating_sub(3).min(ROWS_MAX)
}

pub(in crate::screen) fn draw(paint: &mut Paint, search: &Search, setting: &Setting<'_>) {
    let entries = index::entries(setting.course);
    if let Some((index, scroll)) = search.reading {
        if let Some(entry) = entries.get(index) {
            let lines = reading(entry, setting);
            window(paint, setting.size, kind(entry), &lines, scroll);
        }
        return;
    }
    let room = room(setting.size);
    let rows = rows(setting.size);
    let area = centred(room, columns(room).saturating_add(4), rows.saturating_add(3));
    paint.clear(area);
    paint.frame(area);
    let found = index::found(&entries, &search.query);
    let remark = if search.query.is_empty() { String::new() } else { format!("{} found", found.len()) };
    let head = Rect {
        x: area.x.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.min(1),
        ..area
    };
    paint.title(head, 0, "search", &remark, false);
    let inner = Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    };
    draw_query(paint, inner, &search.query);
    if found.is_empty() {
        paint.text(inner, 0, 1, "nothing is called that; fewer letters find more", Role::Quiet);
    }
    let chosen = search.chosen.min(found.len().saturating_sub(1));
    let from = (chosen + 1).saturating_sub(usize::from(rows));
    for (row, (nth, index)) in (1..=rows).zip(found.iter().enumerate().skip(from)) {
        draw_row(paint, inner, row, &entries[*index], nth == chosen, setting);
        let zone = Rect { y: inner.y.saturating_add(row), height: 1, ..inner };
        paint.zone(zone, Click::Choose(nth));
    }
}

fn draw_query(paint: &mut Paint, inner: Rect, query: &str) {
    let column = paint.text(inner, 0, 0, "/ ", Role::Key);
    let after = paint.text(inner, column, 0, query, Role::Own);
    paint.text(inner, after, 0, "_", Role::Own);
    if query.is_empty() {
        let hint = "a step, an exercise, a term, a key, a number";
        paint.text(inner, after.saturating_add(2), 0, hint, Role::Quiet);
    }
    paint.cursor(inner, after, 0);
}

fn draw_row(paint: &mut Paint, inner: Rect, row: u16, entry: &Entry, on: bool, setting: &Setting<'_>) {
    let mark = if on { paint.glyphs().ask } else { " " };
    paint.text(inner, 0, row, mark, Role::Key);
    let narrow = inner.width < 50;
    let place = place(entry, setting, narrow);
    let name_at = if narrow { 2 } else { 2 + KIND_COLUMNS };
    if !narrow {
        paint.text(inner, 2, row, kind(entry), Role::Quiet);
    }
    let end = inner.width.saturating_sub(width(&place));
    let space = end.saturating_sub(name_at).saturating_sub(u16::from(!place.is_empty()));
    let name = shorten(&entry.name, space, paint.glyphs());
    paint.text(inner, name_at, row, &name, if on { Role::Focus } else { Role::Plain });
    paint.text(inner, end, row, &place, Role::Quiet);
}

/// Where a row leads; on a narrow screen, or what it is where it leads nowhere.
fn place(entry: &Entry, setting: &Setting<'_>, narrow: bool) -> String {
    let Some(goes) = entry.goes else {
        return if narrow { kind(entry).to_owned() } else { String::new() };
    };
    let Goes::Lesson { lesson, step } = goes else {
        return kind(entry).to_owned().repeat(usize::from(narrow));
    };
    let number = setting.course.lessons.get(lesson).map_or(0, |lesson| lesson.number);
    match step {
        None => kind(entry).to_owned().repeat(usize::from(narrow)),
        Some(step) if narrow => format!("{number}, {}", step + 1),
        Some(step) => format!("lesson {number}, step {}", step + 1),
    }
}

fn reading(entry: &Entry, setting: &Setting<'_>) -> Vec<Line> {
    let columns = columns(room(setting.size));
    let name = wrap(&entry.name, columns).into_iter();
    let mut lines: Vec<Line> = name.map(|line| vec![(line, Role::Title)]).collect();
    lines.push(Line::new());
    for (label, text) in &entry.says {
        let role = if matches!(*label, "check it" | "run it") { Role::Code } else { Role::Plain };
        lines.extend(labelled(label, text, role, columns));
    }
    if entry.goes.is_some() {
        lines.push(Line::new());
        lines.push(vec![("Enter".to_owned(), Role::Key), (" goes there".to_owned(), Role::Plain)]);
    }
    lines
}

/// Lines that an entry can be scrolled by.
pub(super) fn reading_scroll_max(index: usize, setting: &Setting<'_>) -> u16 {
    let entries = index::entries(setting.course);
    entries.get(index).map_or(0, |entry| lines_hidden(reading(entry, setting).len(), setting.size))
}
