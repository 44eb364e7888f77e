//! Moving the focus: over the numbers of the table, then part by part of the lab.

use super::keys;
use super::update::Stage;
use super::view::{Focus, View, metrics};
use crate::lesson::Show;

/// To the numbers, then to each part of the lab, then back to the text; `by` −1 goes the other way.
pub(super) fn next(view: &mut View, stage: &Stage<'_>, by: isize) {
    let Some(lab) = view.lab(stage.lesson) else { return };
    let mut stops = vec![Focus::Text];
    if !lab.servers.is_empty() && !metrics(lab).is_empty() {
        stops.push(Focus::Number { row: 0, column: 0 });
    }
    stops.extend(keys::parts(&lab.show).map(Focus::Panel));
    let here = stops.iter().position(|stop| match (stop, &view.focus) {
        (Focus::Number { .. }, Focus::Number { .. }) => true,
        (one, other) => one == other,
    });
    let to = here.unwrap_or(0).cast_signed().saturating_add(by).rem_euclid(stops.len().cast_signed());
    view.focus = stops.swap_remove(to.cast_unsigned());
}

/// To the neighbouring number, no further than the edge; from another part, to the part beside it.
pub(super) fn step(view: &mut View, stage: &Stage<'_>, down: isize, right: isize) {
    let Some(lab) = view.lab(stage.lesson) else { return };
    match view.focus {
        Focus::Number { row, column } => {
            let (rows, columns) = (metrics(lab).len(), lab.servers.len());
            view.focus = Focus::Number { row: moved(row, down, rows), column: moved(column, right, columns) };
        }
        Focus::Panel(_) => next(view, stage, if down + right < 0 { -1 } else { 1 }),
        Focus::Text | Focus::Typing { .. } => {}
    }
}

fn moved(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}

/// Whether a part of the lab has the focus.
pub(super) fn is_on(view: &View, part: Show) -> bool {
    match view.focus {
        Focus::Number { .. } => part == Show::Metrics,
        Focus::Panel(on) => on == part,
        Focus::Text | Focus::Typing { .. } => false,
    }
}
