//! The receipt of one echo, server beside server on one scale.
//!
//! ```text
//! epoll  ████████████████████████   3 crossings
//!        epoll_wait → recvfrom → sendto
//! uring  ████████████████           2 crossings  you said 2
//!        io_uring_enter(1 SQE, waits) ×2
//! ```

use ratatui::layout::Rect;

use super::Scene;
use crate::lesson::Verdict;
use crate::screen::layout::{left, top};
use crate::screen::paint::{Paint, shorten, width, wrap};
use crate::screen::theme::Role;
use crate::world::receipt::{Receipt, receipt, receipt_of};
use crate::world::{MetricId, ServerView, What};

/// The sum, and the calls below it.
const SERVER_ROWS: u16 = 2;

/// Rows that the calls of one server may take.
const CHAIN_ROWS_MAX: u16 = 3;

/// A bar shorter than this says nothing.
const BAR_COLUMNS_MIN: u16 = 8;

/// A server and the receipt of one of its requests.
pub(super) type Drawn<'s> = (&'s ServerView<'s>, Receipt);

fn told<'a, 's>(scene: &'a Scene<'s>) -> &'a [Drawn<'s>] {
    let followed = |server: &ServerView<'_>| {
        let story = scene.lit_of(server)?.followed.as_ref()?;
        let What::Request { port, ordinal } = story.spot.what else { return None };
        receipt_of(server, port, ordinal)
    };
    let drawn = |server: &&'s ServerView<'s>| Some((*server, followed(server).or_else(|| receipt(server))?));
    scene.receipts.get_or_init(|| scene.servers.iter().filter_map(drawn).collect())
}

/// What the learner said of a server's system calls for one echo.
fn said(scene: &Scene<'_>, server: &ServerView<'_>) -> Option<f64> {
    let metric = MetricId::SyscallsPerRequest.row().key;
    let mut asked = scene.view.step(scene.lesson).predictions();
    let asked = asked.find(|asked| asked.server == server.name && asked.metric == metric)?;
    match asked.judge(scene.view.answers.get(&asked.id)?, None) {
        Verdict::Waiting { predicted } => Some(predicted),
        Verdict::Unreadable(_) | Verdict::Judged { .. } => None,
    }
}

/// Four decimals at most, no zeros at the end.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn label(scene: &Scene<'_>, columns: u16) -> u16 {
    let names = scene.servers.iter().map(|server| width(server.name)).max().unwrap_or(0).saturating_add(2);
    names.min(columns / 3)
}

fn chain(receipt: &Receipt, columns: u16) -> Vec<String> {
    // In ASCII an arrow takes two columns, and a row holds few of them.
    wrap(&receipt.chain(), columns.saturating_sub(3))
}

/// Rows of one server: the sum, and its calls.
fn rows_of(receipt: &Receipt, columns: u16) -> u16 {
    let chain = u16::try_from(chain(receipt, columns).len()).unwrap_or(u16::MAX);
    chain.min(CHAIN_ROWS_MAX).saturating_add(1)
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    let told = told(scene);
    if told.is_empty() {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    let room = columns.saturating_sub(label(scene, columns));
    let all = told.iter().map(|(_, receipt)| rows_of(receipt, room)).fold(0, u16::saturating_add);
    let each = u16::try_from(told.len()).unwrap_or(u16::MAX);
    // A row for each server at least; at most all calls, and which request it was.
    (each, all.saturating_add(1))
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let told = told(scene);
    if told.is_empty() {
        paint.text(area, 0, 0, missing(scene), Role::Quiet);
        return;
    }
    let label = label(scene, area.width);
    let room = area.width.saturating_sub(label);
    let needs = |(_, receipt): &Drawn<'_>| rows_of(receipt, room);
    let all = told.iter().map(needs).fold(0, u16::saturating_add);
    let two = SERVER_ROWS.saturating_mul(u16::try_from(told.len()).unwrap_or(u16::MAX));
    let visible = told.iter().filter(|(server, _)| !scene.hides_crossings(server));
    let most = visible.map(|(_, receipt)| receipt.crossings()).fold(0.0, f64::max);
    let mut rest = area;
    for told in told {
        let rows = match area.height {
            height if height >= all => needs(told),
            height if height >= two => SERVER_ROWS,
            _ => 1,
        };
        let (here, below) = top(rest, rows);
        draw_server(paint, here, label, scene, told, most);
        rest = below;
    }
    if let Some((_, receipt)) = told.last().filter(|_| rest.height > 0) {
        paint.text(
            rest,
            0,
            0,
            &shorten(&choice(receipt, area.width), area.width, paint.glyphs()),
            Role::Quiet,
        );
    }
}

/// Why there is no receipt.
fn missing(scene: &Scene<'_>) -> &'static str {
    match scene.servers.iter().any(|server| server.last_window().is_some_and(|run| run.window.rung.is_some()))
    {
        true => "no request of the window is known whole",
        false => "no window has been opened yet",
    }
}

/// Which request it was.
fn choice(receipt: &Receipt, columns: u16) -> String {
    match columns {
        _ if receipt.of == 0 => "the request that is followed".to_owned(),
        60.. => format!("the middle one of {} requests in the window, by crossings", receipt.of),
        _ => format!("the middle one of {} requests", receipt.of),
    }
}

fn draw_server(
    paint: &mut Paint,
    area: Rect,
    label: u16,
    scene: &Scene<'_>,
    (server, receipt): &Drawn<'_>,
    most: f64,
) {
    let name = shorten(server.name, label.saturating_sub(1), paint.glyphs());
    paint.text(area, 0, 0, &name, Role::Code);
    let (_, body) = left(area, label);
    if scene.hides_crossings(server) {
        paint.text(body, 0, 0, "yours?  first say how many", Role::Own);
        return;
    }
    let (head, calls) = top(body, 1);
    let said = said(scene, server).map(|said| format!("you said {}", short(said)));
    if calls.height == 0 {
        draw_line(paint, head, receipt, said.as_deref());
        return;
    }
    draw_sum(paint, head, receipt, said.as_deref(), most);
    let lines = chain(receipt, calls.width);
    for (row, line) in (0..calls.height).zip(&lines) {
        let is_last = row.saturating_add(1) == calls.height && lines.len() > usize::from(calls.height);
        let mark = if is_last { paint.glyphs().ellipsis } else { "" };
        let room = calls.width.saturating_sub(width(mark)).saturating_sub(u16::from(is_last));
        let column = paint.text(calls, 0, row, &shorten(line, room, paint.glyphs()), Role::Plain);
        paint.text(calls, column.saturating_add(1), row, mark, Role::Quiet);
    }
}

/// The bar, the sum, and the learner's number.
fn draw_sum(paint: &mut Paint, area: Rect, receipt: &Receipt, said: Option<&str>, most: f64) {
    let sum = receipt.sum();
    // The longest sum, and room for a prediction, so that all bars have one scale.
    let words = width("0.031 crossings").saturating_add(if area.width >= 44 { 17 } else { 1 });
    let bar = area.width.saturating_sub(words);
    let mut column = 0;
    if bar >= BAR_COLUMNS_MIN {
        let share = if most > 0.0 { receipt.crossings() / most } else { 0.0 };
        paint.bar(area, 0, 0, bar, share, Role::Submission);
        column = bar.saturating_add(1);
    }
    let column = paint.text(area, column, 0, &sum, Role::Number);
    if let Some(said) = said {
        paint.text(area, column.saturating_add(2), 0, said, Role::Own);
    }
}

/// Everything in one row: the sum is never cut for the calls' sake.
fn draw_line(paint: &mut Paint, area: Rect, receipt: &Receipt, said: Option<&str>) {
    let said = said.map(|said| format!("  {said}")).unwrap_or_default();
    let column = paint.text(area, 0, 0, &receipt.sum(), Role::Number);
    let column = paint.text(area, column, 0, &said, Role::Own).saturating_add(2);
    let room = area.width.saturating_sub(column);
    paint.text(area, column, 0, &shorten(&receipt.chain(), room, paint.glyphs()), Role::Plain);
}
