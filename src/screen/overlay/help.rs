//! All keys of the moment, from the one table; what cannot be done now says why.

use crate::screen::keys::{self, Binding, Context};
use crate::screen::paint::{width, wrap};
use crate::screen::text::Line;
use crate::screen::theme::{Role, Theme};
use crate::screen::update::Stage;
use crate::screen::view::View;

pub(super) fn lines(view: &View, stage: &Stage<'_>, columns: u16, theme: Theme) -> Vec<Line> {
    let below = View { overlay: None, ..view.clone() };
    rows(Context::of(&below), |binding| keys::why_not(binding.action, &below, stage), columns, theme)
}

/// The keys of a context; `why_not` says why one can do nothing at the moment.
pub fn rows(
    context: Context,
    why_not: impl Fn(&Binding) -> Option<&'static str>,
    columns: u16,
    theme: Theme,
) -> Vec<Line> {
    let glyphs = theme.glyphs();
    let mut lines = Vec::new();
    for binding in keys::here(context) {
        let names: Vec<_> = binding.keys.iter().map(|key| keys::name(*key, glyphs)).collect();
        let label = format!("{:<11} ", names.join(" "));
        let why = why_not(binding);
        let (key, role) = if why.is_some() { (Role::Quiet, Role::Quiet) } else { (Role::Key, Role::Plain) };
        let indent = " ".repeat(usize::from(width(&label)));
        let says =
            why.map_or_else(|| binding.says.to_owned(), |why| format!("{}; not now: {why}", binding.says));
        for (index, line) in wrap(&says, columns.saturating_sub(width(&label))).into_iter().enumerate() {
            let first = if index == 0 { (label.clone(), key) } else { (indent.clone(), role) };
            lines.push(vec![first, (line, role)]);
        }
    }
    lines.push(Line::new());
    for line in wrap("The mouse does what keys do: click a key below, a number, or turn the wheel.", columns)
    {
        lines.push(vec![(line, Role::Quiet)]);
    }
    lines
}
