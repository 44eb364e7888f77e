//! The interest list of an epoll set: what the program asked to be told.

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::paint::{Paint, width};
use crate::screen::theme::Role;
use crate::trace::Interest;
use crate::world::ServerView;

pub(super) fn of<'s>(scene: &'s Scene<'_>) -> Option<&'s ServerView<'s>> {
    scene.chosen(|server| server.latest().is_some_and(|run| !run.epoll_sets.is_empty()))
}

/// Descriptors that stand in one row.
fn entries(server: &ServerView<'_>) -> Vec<String> {
    let sets = server.latest().map(|run| run.epoll_sets.as_slice()).unwrap_or_default();
    sets.iter()
        .flat_map(|set| &set.interest)
        .map(|interest| format!("fd{} {}", interest.fd, flags(interest.events)))
        .collect()
}

/// An event mask in its names: `IN|ET`.
fn flags(events: u32) -> String {
    const NAMES: [(u32, &str); 5] = [
        (Interest::IN, "IN"),
        (Interest::OUT, "OUT"),
        (Interest::EXCLUSIVE, "EXCLUSIVE"),
        (Interest::ONESHOT, "ONESHOT"),
        (Interest::ET, "ET"),
    ];
    let names: Vec<_> = NAMES.iter().filter(|(bit, _)| events & bit != 0).map(|(_, name)| *name).collect();
    names.join("|")
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    let Some(server) = of(scene) else { return (0, 0) };
    let each = entries(server).iter().map(|entry| width(entry)).max().unwrap_or(0).saturating_add(2);
    let count = u16::try_from(entries(server).len()).unwrap_or(u16::MAX);
    let rows = count.div_ceil((columns / each.max(1)).max(1));
    (1, rows.clamp(1, 5))
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let Some(server) = of(scene) else { return };
    let entries = entries(server);
    let each = entries.iter().map(|entry| width(entry)).max().unwrap_or(0).saturating_add(2).max(1);
    let in_row = usize::from((area.width / each).max(1));
    let rows = usize::from(area.height);
    let shown = if entries.len() > in_row * rows { (in_row * rows).saturating_sub(1) } else { entries.len() };
    for (index, entry) in entries.iter().take(shown).enumerate() {
        let column = each.saturating_mul(u16::try_from(index % in_row).unwrap_or(u16::MAX));
        paint.text(area, column, u16::try_from(index / in_row).unwrap_or(u16::MAX), entry, Role::Plain);
    }
    if shown < entries.len() {
        let column = each.saturating_mul(u16::try_from(shown % in_row).unwrap_or(u16::MAX));
        let row = u16::try_from(shown / in_row).unwrap_or(u16::MAX);
        paint.text(area, column, row, &format!("+{}", entries.len() - shown), Role::Quiet);
    }
}
