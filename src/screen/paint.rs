//! Drawing into a buffer without ever leaving an area: text is cut, rows that do not exist are not drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::keys::Action;
use super::theme::{Glyphs, Role, Theme};
use super::view::Focus;

/// A screen, ready to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its cells.
    pub buffer: Buffer,
    /// Where the hardware cursor stands; hidden where there is none. Screen readers follow it.
    pub cursor: Option<Position>,
    /// What can be clicked.
    pub zones: Vec<Zone>,
}

/// A place that can be clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Where.
    pub area: Rect,
    /// What a click does.
    pub does: Click,
}

/// What a click does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Click {
    /// The same as a key.
    Act(Action),
    /// The focus goes there.
    Point(Focus),
    /// A row of a list is chosen.
    Choose(usize),
    /// That instant of the run is shown, nanoseconds since the trace's zero.
    Seek(u64),
}

/// A frame in the making.
#[derive(Debug)]
pub struct Paint {
    frame: Frame,
    theme: Theme,
}

impl Paint {
    /// An empty screen of that area.
    pub fn new(area: Rect, theme: Theme) -> Self {
        Self { frame: Frame { buffer: Buffer::empty(area), cursor: None, zones: Vec::new() }, theme }
    }

    /// A finished frame, for something to be drawn over it.
    pub fn over(frame: Frame, theme: Theme) -> Self {
        Self { frame, theme }
    }

    /// The finished frame.
    pub fn done(self) -> Frame {
        self.frame
    }

    /// All of the screen.
    pub fn area(&self) -> Rect {
        self.frame.buffer.area
    }

    /// The characters to draw with.
    pub fn glyphs(&self) -> &'static Glyphs {
        self.theme.glyphs()
    }

    /// The look.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// Writes a text into row `row` of an area from column `column` on, cut at the area's edge. Returns the
    /// column after it.
    pub fn text(&mut self, area: Rect, column: u16, row: u16, text: &str, role: Role) -> u16 {
        self.styled(area, column, row, text, self.theme.style(role))
    }

    /// The same in a style.
    pub fn styled(&mut self, area: Rect, column: u16, row: u16, text: &str, style: Style) -> u16 {
        let area = area.intersection(self.frame.buffer.area);
        if row >= area.height || column >= area.width {
            return column;
        }
        let (x, y) = (area.x.saturating_add(column), area.y.saturating_add(row));
        let room = usize::from(area.width - column);
        let spelt = self.theme.spell(text);
        if spelt.chars().all(is_one_cell) {
            // Nearly all text: a character a cell, without asking what belongs together.
            let mut after = column;
            for (x, c) in (x..).zip(spelt.chars().take(room)) {
                self.frame.buffer[(x, y)].set_char(c).set_style(style);
                after = after.saturating_add(1);
            }
            return after;
        }
        let (after, _) = self.frame.buffer.set_stringn(x, y, spelt, room, style);
        after.saturating_sub(area.x)
    }

    /// Writes a text that ends at column `end` (exclusive).
    pub fn right(&mut self, area: Rect, end: u16, row: u16, text: &str, role: Role) {
        let column = end.saturating_sub(width(&self.theme.spell(text)));
        self.text(area, column, row, text, role);
    }

    /// A horizontal line of bar: `share` (0 to 1) of `columns`, in eighths of a cell.
    pub fn bar(&mut self, area: Rect, column: u16, row: u16, columns: u16, share: f64, role: Role) {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let mut eighths = (share * f64::from(columns) * 8.0).round() as u32;
        if share > 0.0 {
            // What was seen at all is seen here.
            eighths = eighths.max(if self.theme.ascii { 4 } else { 1 });
        }
        for index in 0..columns {
            let part = eighths.saturating_sub(u32::from(index) * 8).min(8);
            let Some(part) = part.checked_sub(1) else { break };
            let glyph = self.glyphs().eighths[part as usize];
            self.text(area, column.saturating_add(index), row, glyph, role);
        }
    }

    /// A horizontal rule over the whole row with a title in it, and a remark at its end.
    pub fn rule(&mut self, area: Rect, row: u16, title: &str, remark: &str, on: bool) {
        let line = self.glyphs().lines[0].repeat(usize::from(area.width));
        self.text(area, 0, row, &line, Role::Frame);
        self.title(area, row, title, remark, on);
    }

    /// A title that interrupts a line, and a remark at the line's end where both have room.
    pub fn title(&mut self, area: Rect, row: u16, title: &str, remark: &str, on: bool) {
        let role = if on { Role::Focus } else { Role::Title };
        let mut column = if area.width > 30 { 1 } else { 0 };
        if !title.is_empty() {
            column = self.text(area, column, row, " ", Role::Plain);
            let room = area.width.saturating_sub(column).saturating_sub(2);
            let cut = shorten(title, room, self.glyphs());
            column = self.text(area, column, row, &cut, role);
            column = self.text(area, column, row, " ", Role::Plain);
        }
        let remark = self.theme.spell(remark);
        if !remark.is_empty() && column.saturating_add(width(&remark)).saturating_add(4) <= area.width {
            let end = area.width.saturating_sub(1);
            self.right(area, end, row, &format!(" {remark} "), Role::Quiet);
        }
    }

    /// A frame along the edge of an area.
    pub fn frame(&mut self, area: Rect) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let [across, down, tl, tr, bl, br, ..] = self.glyphs().lines;
        let (right, bottom) = (area.width - 1, area.height - 1);
        let middle = across.repeat(usize::from(right.saturating_sub(1)));
        for row in 1..bottom {
            self.text(area, 0, row, down, Role::Frame);
            self.text(area, right, row, down, Role::Frame);
        }
        for (row, left, end) in [(0, tl, tr), (bottom, bl, br)] {
            let column = self.text(area, 0, row, left, Role::Frame);
            let column = self.text(area, column, row, &middle, Role::Frame);
            self.text(area, column, row, end, Role::Frame);
        }
    }

    /// Empties an area: something will lie over what was there.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.frame.buffer.area);
        for position in area.positions() {
            self.frame.buffer[position].reset();
        }
        self.frame.cursor = None;
        self.frame.zones.retain(|zone| zone.area.intersection(area).is_empty());
    }

    /// Empties a row; the cursor stays where it is.
    pub fn clear_row(&mut self, row: Rect) {
        let cursor = self.frame.cursor;
        self.clear(row);
        self.frame.cursor = cursor;
    }

    /// Makes a place answer to clicks.
    pub fn zone(&mut self, area: Rect, does: Click) {
        let area = area.intersection(self.frame.buffer.area);
        if !area.is_empty() {
            self.frame.zones.push(Zone { area, does });
        }
    }

    /// Puts the hardware cursor there, if that is on the screen.
    pub fn cursor(&mut self, area: Rect, column: u16, row: u16) {
        let area = area.intersection(self.frame.buffer.area);
        if row < area.height && !area.is_empty() {
            let x = area.x.saturating_add(column.min(area.width - 1));
            self.frame.cursor = Some(Position { x, y: area.y.saturating_add(row) });
        }
    }
}

/// Whether a character takes one cell and never joins its neighbours: printable ASCII, lines, blocks and
/// shapes.
fn is_one_cell(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{2500}'..='\u{25ff}')
}

/// Columns that a text takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// A text of at most so many columns; what is cut off leaves a mark.
pub fn shorten(text: &str, columns: u16, glyphs: &Glyphs) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        let mut longer = out.clone();
        longer.push(c);
        if width(&longer) >= columns {
            break;
        }
        out = longer;
    }
    if columns > 0 {
        out = out.trim_end().to_owned() + glyphs.ellipsis;
    }
    out
}

/// Words broken into lines of a width; a word that is longer than a line is cut.
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        loop {
            let line = lines.last_mut().map_or(0, |line| line.width());
            let gap = usize::from(line > 0);
            if line + gap + word.width() <= columns {
                if let Some(last) = lines.last_mut() {
                    last.push_str(if gap > 0 { " " } else { "" });
                    last.push_str(word);
                }
                break;
            }
            if line > 0 {
                lines.push(String::new());
                continue;
            }
            let cut = word.char_indices().nth(columns).map_or(word.len(), |(at, _)| at);
            lines[..].last_mut().map(|last| last.push_str(&word[..cut])).unwrap_or_default();
            word = &word[cut..];
            if word.is_empty() {
                break;
            }
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_long_ones_cut() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn what_is_cut_leaves_a_mark() {
        let glyphs = Theme::DEFAULT.glyphs();
        assert_eq!(shorten("voluntary switches", 10, glyphs), "voluntary…");
        assert_eq!(shorten("short", 10, glyphs), "short");
        assert_eq!(shorten("short", 0, glyphs), "");
    }

    #[test]
    fn nothing_is_drawn_outside_an_area() {
        let mut paint = Paint::new(Rect::new(0, 0, 10, 3), Theme::DEFAULT);
        let inner = Rect::new(2, 1, 4, 1);
        paint.text(inner, 0, 0, "abcdefgh", Role::Plain);
        paint.text(inner, 9, 0, "x", Role::Plain);
        paint.text(inner, 0, 5, "x", Role::Plain);
        paint.text(Rect::new(8, 0, 100, 100), 0, 50, "x", Role::Plain);
        let row: String = (0..10).map(|x| paint.frame.buffer[(x, 1)].symbol()).collect();
        assert_eq!(row, "  abcd    ");
    }
}
