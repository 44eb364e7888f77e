//! The last system calls in order, in plain words.

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::world::{ServerView, words};

/// The server whose calls are shown: the one in focus, else the last one with a window.
pub(super) fn of<'s>(scene: &'s Scene<'_>) -> Option<&'s ServerView<'s>> {
    scene.chosen(|server| !server.window.calls.is_empty())
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    match of(scene) {
        Some(server) => {
            let calls = u16::try_from(server.window.calls.len()).unwrap_or(u16::MAX);
            (calls.min(3), calls.min(14))
        }
        None => (u16::from(!scene.servers.is_empty()), 1),
    }
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let Some(server) = of(scene) else {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    };
    let calls = &server.window.calls;
    let first = calls.len().saturating_sub(usize::from(area.height));
    let names = calls.iter().skip(first).map(|call| width(&call.name)).max().unwrap_or(0).min(area.width / 3);
    for (row, call) in (0_u16..).zip(calls.iter().skip(first)) {
        let name = shorten(&call.name, names, paint.glyphs());
        paint.text(area, 0, row, &name, Role::Code);
        let indent = names.saturating_add(2);
        let says = shorten(&words::sentence(call), area.width.saturating_sub(indent), paint.glyphs());
        let role = if call.result.is_some_and(|result| result < 0) { Role::Warn } else { Role::Plain };
        paint.text(area, indent, row, &says, role);
    }
}
