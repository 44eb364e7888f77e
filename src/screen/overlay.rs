//! What lies over the screen: the keys of the moment, and what a number is.

mod controls;
pub(super) mod help;
mod info;
mod triggers;

use ratatui::layout::{Rect, Size};

use super::layout::{bottom, centred};
use super::paint::Paint;
use super::text::Line;
use super::theme::{Role, Theme};
use super::update::Stage;
use super::view::{Overlay, View};
use crate::lesson::Lesson;
use crate::world::{ServerView, World};

/// Wider than this is hard to read.
const COLUMNS_MAX: u16 = 76;

pub(super) fn draw(paint: &mut Paint, size: Size, view: &View, lesson: &Lesson, servers: &[ServerView<'_>]) {
    let Some(overlay) = view.overlay else { return };
    let columns = columns(room(size));
    let stage = Stage { lesson, trace: None, size };
    let lines = lines(overlay, view, &stage, servers, columns, paint.theme());
    let title = match overlay {
        Overlay::Help => "keys",
        Overlay::Controls { .. } => "controls",
        Overlay::Triggers { .. } => "stop when…",
        Overlay::Info { .. } => "what is this?",
    };
    let scroll = match overlay {
        // The row that keys change stays in sight.
        Overlay::Controls { row } => lines_hidden(row.saturating_add(1), size),
        Overlay::Triggers { row } => lines_hidden(row.saturating_add(1).saturating_mul(triggers::ROWS), size),
        _ => view.scroll_over,
    };
    window(paint, size, title, &lines, scroll);
}

/// A window in the middle of the screen, as high as its lines.
pub(super) fn window(paint: &mut Paint, size: Size, title: &str, lines: &[Line], scroll: u16) {
    let room = room(size);
    let columns = columns(room);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = centred(room, columns.saturating_add(4), height);
    paint.clear(area);
    paint.frame(area);
    let inner = Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    };
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let from = scroll.min(count.saturating_sub(inner.height));
    let more = count.saturating_sub(from).saturating_sub(inner.height);
    let remark = if more > 0 { format!("{more} more {}", paint.glyphs().down) } else { String::new() };
    let head = Rect {
        x: area.x.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.min(1),
        ..area
    };
    paint.title(head, 0, title, &remark, false);
    for (row, line) in (0..inner.height).zip(lines.iter().skip(usize::from(from))) {
        line.iter().fold(0, |column, (text, role)| paint.text(inner, column, row, text, *role));
    }
    paint.cursor(inner, 0, 0);
}

/// Lines that the overlay can be scrolled by.
pub(super) fn scroll_max(view: &View, stage: &Stage<'_>) -> u16 {
    let Some(overlay) = view.overlay else { return 0 };
    let room = room(stage.size);
    let world = stage.trace.map(|trace| World::at(trace, view.t_ns()));
    let servers = world.as_ref().map(World::servers).unwrap_or_default();
    let lines = lines(overlay, view, stage, &servers, columns(room), Theme::DEFAULT).len();
    lines_hidden(lines, stage.size)
}

/// Lines that a window of so many can be scrolled by.
pub(super) fn lines_hidden(lines: usize, size: Size) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(room(size).height.saturating_sub(2))
}

/// Everything but the keys.
pub(super) fn room(size: Size) -> Rect {
    bottom(Rect::new(0, 0, size.width, size.height), u16::from(size.height > 1)).0
}

pub(super) fn columns(room: Rect) -> u16 {
    room.width.saturating_sub(4).clamp(1, COLUMNS_MAX)
}

fn lines(
    overlay: Overlay,
    view: &View,
    stage: &Stage<'_>,
    servers: &[ServerView<'_>],
    columns: u16,
    theme: Theme,
) -> Vec<Line> {
    match overlay {
        Overlay::Help => help::lines(view, stage, columns, theme),
        Overlay::Controls { row } => controls::lines(view, stage, row, columns, theme),
        Overlay::Triggers { row } => triggers::lines(view, row, columns, theme),
        Overlay::Info { .. } => info::lines(view, stage, servers, columns, theme),
    }
}

/// A word before, and text behind it whose lines are indented as far.
pub(super) fn labelled(label: &str, text: &str, role: Role, columns: u16) -> Vec<Line> {
    const INDENT: u16 = 10;
    let indent = if columns >= 40 { INDENT } else { 0 };
    let mut lines = Vec::new();
    if indent == 0 {
        lines.push(vec![(label.to_owned(), Role::Quiet)]);
    }
    for (index, line) in super::paint::wrap(text, columns.saturating_sub(indent)).into_iter().enumerate() {
        let first = if index == 0 && indent > 0 { label } else { "" };
        lines
            .push(vec![(format!("{first:<width$}", width = usize::from(indent)), Role::Quiet), (line, role)]);
    }
    lines
}
