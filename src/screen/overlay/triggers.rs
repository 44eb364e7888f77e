//! What a run may stop at, row by row, with the chosen one marked.

use crate::screen::paint::{shorten, width};
use crate::screen::text::Line;
use crate::screen::theme::{Role, Theme};
use crate::screen::view::View;
use crate::world::trigger::TRIGGERS;

/// Rows of each trigger.
pub(super) const ROWS: usize = 2;

pub(super) fn lines(view: &View, chosen: usize, columns: u16, theme: Theme) -> Vec<Line> {
    let glyphs = theme.glyphs();
    let armed = view.armed.as_ref().map(|armed| armed.trigger);
    let mut lines = Vec::new();
    for (index, trigger) in TRIGGERS.iter().enumerate() {
        let is_chosen = index == chosen;
        let mark = if is_chosen { glyphs.ask } else { " " };
        let title = if is_chosen { Role::Focus } else { Role::Plain };
        let state = if armed == Some(index) { "  it stops here" } else { "" };
        let room = columns.saturating_sub(2).saturating_sub(width(state));
        lines.push(vec![
            (format!("{mark} "), Role::Key),
            (shorten(trigger.title, room, glyphs), title),
            (state.to_owned(), Role::Warn),
        ]);
        let needs = shorten(trigger.needs, columns.saturating_sub(4), glyphs);
        lines.push(vec![("    ".to_owned(), Role::Plain), (needs, Role::Quiet)]);
    }
    lines
}
