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

/// Those of a trial are: its story is what it is for.
const STORY_MAX: u16 = 60;

/// A server's calls, each with how often it was made in a row: a trial may do one thing many times.
fn lines<'s>(server: &'s ServerView<'_>) -> Vec<(&'s Call, u64)> {
    let mut lines: Vec<(&Call, u64)> = Vec::new();
    for call in &server.window.calls {
        match lines.last_mut() {
            Some((last, times)) if server.trial.is_some() && is_same(last, call) => {
                *times = times.saturating_add(1);
            }
            _ => lines.push((call, 1)),
        }
    }
    lines
}

fn is_same(one: &Call, other: &Call) -> bool {
    one.name == other.name && words::sentence(one) == words::sentence(other)
}

fn told<'s>(scene: &Scene<'s>) -> Vec<&'s ServerView<'s>> {
    scene.servers.iter().copied().filter(|server| !server.window.calls.is_empty()).collect()
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let servers = told(scene);
    if servers.is_empty() {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    let rows = |server: &&ServerView<'_>| {
        let most = if server.trial.is_some() { STORY_MAX } else { CALLS_MAX };
        u16::try_from(lines(server).len()).unwrap_or(u16::MAX).min(most).saturating_add(1)
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
    let calls = lines(server);
    let first = calls.len().saturating_sub(usize::from(body.height));
    let shown = &calls[first..];
    let names = shown.iter().map(|(call, _)| width(&call.name)).max().unwrap_or(0).min(area.width / 3);
    for (row, (call, times)) in (0_u16..).zip(shown) {
        draw_call(paint, body, row, names, call, *times);
    }
}

/// Name, question, answer. The answer is never cut for the question's sake.
fn draw_call(paint: &mut Paint, area: Rect, row: u16, names: u16, call: &Call, times: u64) {
    let glyphs = paint.glyphs();
    paint.text(area, 1, row, &shorten(&call.name, names, glyphs), Role::Plain);
    let indent = names.saturating_add(3);
    let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
    let answer = format!(" {} {}{times}", glyphs.arrow, words::answer(call));
    let room = area.width.saturating_sub(indent).saturating_sub(width(&answer));
    let column = paint.text(area, indent, row, &shorten(&words::ask(call), room, glyphs), Role::Plain);
    let role = if call.result.is_some_and(|result| result < 0) { Role::Warn } else { Role::Number };
    paint.text(area, column, row, &answer, role);
}
