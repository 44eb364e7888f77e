//! The controls: what a lab runs, row by row, with the one that keys change marked.

use crate::screen::controls::{Control, rows};
use crate::screen::paint::{shorten, width};
use crate::screen::text::Line;
use crate::screen::theme::{Role, Theme};
use crate::screen::update::Stage;
use crate::screen::view::View;
use crate::servers;

pub(super) fn lines(view: &View, stage: &Stage<'_>, chosen: usize, columns: u16, theme: Theme) -> Vec<Line> {
    let Some(lab) = view.lab(stage.lesson) else { return Vec::new() };
    let rows = rows(lab);
    let glyphs = theme.glyphs();
    // What it stands at is worth more than the end of a long name.
    let values = rows.iter().map(|row| width(&row.value(lab))).max().unwrap_or(0);
    let labels = rows.iter().map(|row| width(row.label())).max().unwrap_or(0);
    let gap = if columns < 40 { 1 } else { 2 };
    let labels = labels.min(columns.saturating_sub(2 + gap).saturating_sub(values).max(4));
    let chosen = chosen.min(rows.len().saturating_sub(1));
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            let (mark, role) = if index == chosen { (glyphs.ask, Role::Key) } else { (" ", Role::Plain) };
            let value = match row {
                _ if index == chosen => Role::Focus,
                Control::Server(_) if !row.is_on(lab) => Role::Quiet,
                _ => Role::Number,
            };
            let says = match row {
                Control::Server(name) => servers::by_name(name).map_or("", |server| server.says),
                _ => "",
            };
            let label = shorten(row.label(), labels, glyphs);
            let spaces = labels.saturating_sub(width(&label)).saturating_add(gap);
            let label = label + &" ".repeat(usize::from(spaces));
            let stands = shorten(&row.value(lab), columns.saturating_sub(2 + labels + gap), glyphs);
            let used = width(&label).saturating_add(width(&stands)).saturating_add(4);
            let says = match columns.saturating_sub(used) {
                0..8 => String::new(),
                room => format!("  {}", shorten(says, room, glyphs)),
            };
            vec![(format!("{mark} "), Role::Key), (label, role), (stands, value), (says, Role::Quiet)]
        })
        .collect()
}
