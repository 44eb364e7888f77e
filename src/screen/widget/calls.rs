//! The last system calls in order, in plain words: what was asked, and what came back.

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::layout::top;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::world::{Call, ServerView, words};

/// A server's name and at least two of its calls.
const SERVER_ROWS_MIN: u16 = 3;

/// More calls of one server than this are not read.
const CALLS_MAX: u16 = 12;

fn told<'s>(scene: &Scene<'s>) -> Vec<&'s ServerView<'s>> {
    scene.servers.iter().copied().filter(|server| !server.window.calls.is_empty()).collect()
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let servers = told(scene);
    if servers.is_empty() {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    let rows = |server: &&ServerView<'_>| {
        u16::try_from(server.window.calls.len()).unwrap_or(u16::MAX).min(CALLS_MAX).saturating_add(1)
    };
    (SERVER_ROWS_MIN, servers.iter().map(rows).fold(0, u16::saturating_add))
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let mut servers = told(scene);
    if servers.is_empty() {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    }
    let fit = usize::from(area.height / SERVER_ROWS_MIN).max(1);
    if servers.len() > fit {
        // The one in focus, else the last, which is the lesson's point.
        servers = scene.chosen(|server| !server.window.calls.is_empty()).into_iter().collect();
    }
    let each = area.height / u16::try_from(servers.len().max(1)).unwrap_or(u16::MAX);
    let mut rest = area;
    for server in servers {
        let (here, below) = top(rest, each);
        draw_server(paint, here, server);
        rest = below;
    }
}

fn draw_server(paint: &mut Paint, area: Rect, server: &ServerView<'_>) {
    let (head, body) = top(area, u16::from(area.height > 1));
    paint.text(head, 0, 0, server.name, Role::Code);
    let calls = &server.window.calls;
    let first = calls.len().saturating_sub(usize::from(body.height));
    let names = calls.iter().skip(first).map(|call| width(&call.name)).max().unwrap_or(0).min(area.width / 3);
    for (row, call) in (0_u16..).zip(calls.iter().skip(first)) {
        draw_call(paint, body, row, names, call);
    }
}

/// Name, question, answer. The answer is never cut for the question's sake.
fn draw_call(paint: &mut Paint, area: Rect, row: u16, names: u16, call: &Call) {
    let glyphs = paint.glyphs();
    paint.text(area, 1, row, &shorten(&call.name, names, glyphs), Role::Plain);
    let indent = names.saturating_add(3);
    let answer = format!(" {} {}", glyphs.arrow, words::answer(call));
    let room = area.width.saturating_sub(indent).saturating_sub(width(&answer));
    let column = paint.text(area, indent, row, &shorten(&words::ask(call), room, glyphs), Role::Plain);
    let role = if call.result.is_some_and(|result| result < 0) { Role::Warn } else { Role::Number };
    paint.text(area, column, row, &answer, role);
}
