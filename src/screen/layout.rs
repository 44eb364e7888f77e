//! Where things stand. Rectangles are split and intersected, never subtracted by hand: any size works.
//!
//! ```text
//! 100 columns and more        fewer                   too low for both
//! ┌ header ──────────────┐    ┌ header ───────┐       ┌ header ───────┐
//! │ text      │ lab      │    │ text          │       │ text, or lab  │
//! │           │          │    │ lab           │       │ once it ran   │
//! └ keys ────────────────┘    └ keys ─────────┘       └ keys ─────────┘
//! ```

use ratatui::layout::{Rect, Size};

use super::text;
use super::view::{Focus, Pane, View};
use crate::lesson::Lesson;

/// From here on text and lab stand side by side.
const SIDE_BY_SIDE_COLUMNS: u16 = 100;

/// A body lower than this shows text or lab, not both one above the other.
const STACKED_ROWS_MIN: u16 = 17;

/// Longer lines than this are hard to read.
const TEXT_COLUMNS_MAX: u16 = 78;

/// The parts of the screen of a lesson. A part that has no room is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The first row.
    pub header: Rect,
    /// The row or frame that the text's title stands in.
    pub text_title: Rect,
    /// The text.
    pub text: Rect,
    /// The row that the lab's title stands in.
    pub lab_title: Rect,
    /// The lab.
    pub lab: Rect,
    /// The rows of the scrubber, below text and lab.
    pub scrubber: Rect,
    /// The last row.
    pub footer: Rect,
    /// The frame around both, where they stand side by side.
    pub frame: Option<Rect>,
}

/// Divides the screen.
pub fn areas(size: Size, view: &View, lesson: &Lesson) -> Areas {
    let screen = Rect::new(0, 0, size.width, size.height);
    let (header, rest) = top(screen, 1);
    let (body, footer) = bottom(rest, u16::from(rest.height > 1));
    let (body, scrubber) =
        bottom(body, if view.has_scrubber(lesson) { scrubber_rows(body.height) } else { 0 });
    let mut areas = Areas { header, scrubber, footer, ..Areas::default() };
    let has_lab = view.step(lesson).lab().is_some();
    let low = body.height < STACKED_ROWS_MIN;
    let side_by_side = size.width >= SIDE_BY_SIDE_COLUMNS && body.height >= 6;
    let typing = matches!(view.focus, Focus::Typing { .. });
    let pane = match view.pane {
        _ if !has_lab => Pane::Text,
        // Who types an answer must see the question.
        Pane::Lab if typing => Pane::Text,
        // Letters on a projector are large and few: one thing at a time.
        Pane::Both if view.present.is_some() || (!side_by_side && low) => only_one(view, lesson),
        pane => pane,
    };
    match pane {
        Pane::Both if side_by_side => columns(&mut areas, body),
        Pane::Both => stack(&mut areas, body, view, lesson),
        Pane::Text => (areas.text_title, areas.text) = titled(body),
        Pane::Lab => (areas.lab_title, areas.lab) = titled(body),
    }
    areas
}

/// Rows of the scrubber: its line, and what stands there in words where there is room for that.
fn scrubber_rows(height: u16) -> u16 {
    match height {
        12.. => 2,
        7.. => 1,
        _ => 0,
    }
}

/// Lines that the text can be scrolled by.
pub fn scroll_max(size: Size, view: &View, lesson: &Lesson) -> u16 {
    let area = areas(size, view, lesson).text;
    let lines = text::lines(view, lesson, area.width, &text::Told::AtMost).lines.len();
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(area.height)
}

/// Before a run there is something to read, from then on something to see; who types reads.
fn only_one(view: &View, lesson: &Lesson) -> Pane {
    match view.focus {
        Focus::Typing { .. } => Pane::Text,
        Focus::Number { .. } | Focus::Panel(_) => Pane::Lab,
        Focus::Text if view.state(lesson).is_some() => Pane::Lab,
        Focus::Text => Pane::Text,
    }
}

fn columns(areas: &mut Areas, body: Rect) {
    areas.frame = Some(body);
    let text_width = (body.width / 20 * 9).clamp(46, TEXT_COLUMNS_MAX + 4);
    let (left, right) = left(body, text_width);
    areas.text_title = Rect { x: left.x + 1, width: left.width.saturating_sub(1), height: 1, ..left };
    areas.text = inner(left);
    // The lab's frame shares the line between them.
    areas.lab_title = Rect { x: right.x + 1, width: right.width.saturating_sub(2), height: 1, ..right };
    areas.lab = inner(right);
}

fn stack(areas: &mut Areas, body: Rect, view: &View, lesson: &Lesson) {
    let wanted = text::lines(view, lesson, padded(body).width, &text::Told::AtMost).lines.len();
    // Before a run there is something to read, from then on something to see.
    let most = (body.height * if view.state(lesson).is_some() { 6 } else { 9 } / 20).max(6);
    let text_rows = u16::try_from(wanted).unwrap_or(u16::MAX).clamp(3, most);
    let (above, below) = top(body, text_rows.saturating_add(1));
    (areas.text_title, areas.text) = titled(above);
    (areas.lab_title, areas.lab) = titled(below);
}

/// A row for the title and the padded rest; where there are only few rows, no title.
fn titled(area: Rect) -> (Rect, Rect) {
    let (title, rest) = top(area, u16::from(area.height > 3));
    (title, padded(rest))
}

/// One column free at each side where there is room.
fn padded(area: Rect) -> Rect {
    let by = u16::from(area.width >= 40);
    let width = area.width.saturating_sub(by * 2).min(TEXT_COLUMNS_MAX.max(area.width.saturating_sub(2)));
    Rect { x: area.x.saturating_add(by), width, ..area }
}

/// What is inside a frame, with a column of padding.
fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// The first rows, and the rest.
pub(super) fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let rest = Rect { y: area.y.saturating_add(rows), height: area.height - rows, ..area };
    (Rect { height: rows, ..area }, rest)
}

/// The rest, and the last rows.
pub(super) fn bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let (rest, last) = top(area, area.height.saturating_sub(rows));
    (rest, last)
}

/// The first columns, and the rest.
pub(super) fn left(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    let rest = Rect { x: area.x.saturating_add(columns), width: area.width - columns, ..area };
    (Rect { width: columns, ..area }, rest)
}

/// A rectangle of that size in the middle of another, or as much of it as there is.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x.saturating_add((area.width - width) / 2),
        y: area.y.saturating_add((area.height - height) / 2),
        width,
        height,
    }
}
