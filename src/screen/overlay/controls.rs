//! The controls: what a lab runs, row by row, with the one that keys change marked.

use crate::screen::controls::{Control, rows};
use crate::screen::text::Line;
use crate::screen::theme::{Role, Theme};
use crate::screen::update::Stage;
use crate::screen::view::View;
use crate::servers;

pub(super) fn lines(view: &View, stage: &Stage<'_>, chosen: usize, theme: Theme) -> Vec<Line> {
    let Some(lab) = view.lab(stage.lesson) else { return Vec::new() };
    let rows = rows(lab);
    let labels = rows.iter().map(|row| row.label().len()).max().unwrap_or(0);
    let glyphs = theme.glyphs();
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
            vec![
                (format!("{mark} "), Role::Key),
                (format!("{:<labels$}  ", row.label()), role),
                (row.value(lab), value),
                (format!("  {says}"), Role::Quiet),
            ]
        })
        .collect()
}
