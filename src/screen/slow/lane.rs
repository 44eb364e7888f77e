//! The column of one server: the sentence, its source, what the kernel holds, what changed, the last stops.

use ratatui::layout::Rect;

use super::part::{self, Part, line};
use super::{held, rings, source};
use crate::plain;
use crate::screen::layout::top;
use crate::screen::paint::{Paint, shorten, wrap};
use crate::screen::text::Line;
use crate::screen::theme::{Glyphs, Role};
use crate::trace::{Edge, End};
use crate::world::RunWorld;
use crate::world::stops::{NOTHING_STOPS, Seen, Stops};

/// With fewer rows the call gives way: the sentence says what it is, and its line is worth more.
const CALL_ROWS_MIN: u16 = 10;

/// Stops of the list at least, where it is shown at all.
const STOPS_LEAST: u16 = 1;

/// Stops of the list that are worth more than further lines of source.
const STOPS_ENOUGH: u16 = 6;

pub(super) fn draw(paint: &mut Paint, area: Rect, name: &str, run: &RunWorld, is_on: bool) {
    let glyphs = paint.glyphs();
    let Some(seen) = run.stops.now() else {
        let says = run.end.as_ref().map_or_else(|| "not stopped yet".to_owned(), ToString::to_string);
        paint.rule(area, 0, name, "", is_on);
        for (row, says) in (1..area.height).zip(wrap(&says, area.width)) {
            paint.text(area, 0, row, &says, if run.end.is_some() { Role::Bad } else { Role::Quiet });
        }
        return;
    };
    let (head, rest) = top(area, 1);
    paint.rule(head, 0, name, &format!("stop {}, {}", seen.number, seen.request()), is_on);
    if is_on {
        paint.cursor(head, 1, 0);
    }
    let parts = parts(run, seen, area.width, area.height, glyphs);
    let rows = part::rows(&parts, rest.height);
    let used: u16 = rows.iter().fold(0, |sum, rows| sum.saturating_add(*rows));
    let gaps = u16::try_from(rows.iter().filter(|rows| **rows > 0).count()).unwrap_or(0);
    // Air between the parts, where there is room for all of it.
    let gap = u16::from(rest.height.saturating_sub(used) >= gaps && gaps > 0);
    let mut below = rest;
    for (part, rows) in parts.iter().zip(rows).filter(|(_, rows)| *rows > 0) {
        let (here, after) = top(below, rows);
        draw_part(paint, here, part);
        (_, below) = top(after, gap);
    }
}

fn draw_part(paint: &mut Paint, area: Rect, part: &Part) {
    let (head, body) = top(area, part.head());
    if part.head() > 0 {
        paint.rule(head, 0, &part.title, &part.remark, false);
    }
    for (row, line) in (0..body.height).zip(part.fitting(body.height)) {
        line.iter().fold(0, |column, (text, role)| paint.text(body, column, row, text, *role));
    }
}

/// The parts, the most important ones first.
fn parts(run: &RunWorld, seen: &Seen, columns: u16, height: u16, glyphs: &Glyphs) -> Vec<Part> {
    let stop = &seen.stop;
    let said = said(run, seen, (columns, height), glyphs);
    let whole = u16::try_from(said.len()).unwrap_or(u16::MAX);
    let mut parts = vec![Part::new("", said, whole)];
    let mut code = source::part(&stop.source, columns, glyphs);
    // Some lines around it are worth more than the last stops.
    code.least = if height >= 24 { 5 } else { 1 };
    code.enough = height / 4;
    parts.push(code);
    parts.extend(rings::parts(&stop.rings, &run.stops, columns, glyphs));
    parts.extend(held::interest(stop, columns, glyphs));
    if !seen.changes.is_empty() {
        parts.push(changes(seen, columns));
    }
    if stop.sets.is_empty() || height >= 30 {
        parts.push(held::queues(&stop.sockets, columns, glyphs));
    }
    parts.push(last(&run.stops, columns, glyphs));
    parts
}

/// Where it stands, what it asks, what it is answered, and the call itself.
fn said(run: &RunWorld, seen: &Seen, (columns, height): (u16, u16), glyphs: &Glyphs) -> Vec<Line> {
    let (stop, indent) = (&seen.stop, columns.saturating_sub(2));
    let mut lines = Vec::new();
    if let Some(end) = run.end.as_ref().filter(|end| !matches!(end, End::Stopped | End::Done)) {
        lines.extend(wrap(&end.to_string(), columns).into_iter().map(|says| line(says, Role::Bad)));
    }
    let place = match stop.edge {
        Edge::Look => format!("{} {}", glyphs.live, seen.place()),
        _ => format!("{} {}", glyphs.frozen, seen.place()),
    };
    lines.push(line(shorten(&place, columns, glyphs), Role::Warn));
    for (nth, says) in wrap(&format!("\u{201c}{}\u{201d}", sentence(seen)), columns).into_iter().enumerate() {
        lines.push(line(if nth == 0 { says } else { format!(" {says}") }, Role::Strong));
    }
    if let Some(answer) = &seen.said.answers {
        for (nth, says) in wrap(answer, indent).into_iter().enumerate() {
            let mark = if nth == 0 { glyphs.arrow } else { " " };
            lines.push(line(format!("{mark} {says}"), Role::Good));
        }
    }
    if stop.edge == Edge::Look {
        lines.extend(wrap(NOTHING_STOPS, columns).into_iter().map(|says| line(says, Role::Quiet)));
    } else if height >= CALL_ROWS_MIN {
        lines.push(line(shorten(&plain::slow::call(stop), columns, glyphs), Role::Code));
    }
    lines
}

/// The question, spoken to the kernel.
fn sentence(seen: &Seen) -> String {
    match seen.stop.edge {
        Edge::Look => seen.said.asks.clone(),
        _ => format!("Kernel, {}", seen.said.asks),
    }
}

fn changes(seen: &Seen, columns: u16) -> Part {
    let says = seen.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let lines = wrap(&says, columns).into_iter().map(|says| line(says, Role::Plain)).collect();
    Part { remark: "derived".into(), ..Part::new("since the stop before", lines, 1) }
}

/// The last stops, the newest first.
fn last(stops: &Stops, columns: u16, glyphs: &Glyphs) -> Part {
    let row = |seen: &Seen| -> Line {
        let (mark, what) = match (seen.stop.edge, &seen.said.answers) {
            (Edge::Exit { .. }, Some(answer)) => (glyphs.arrow, format!("{} {answer}", seen.stop.name)),
            (Edge::Look, _) => ("~", seen.said.asks.clone()),
            _ => (glyphs.ask, format!("{} {}", seen.stop.name, seen.said.asks)),
        };
        let text = shorten(&what, columns.saturating_sub(7), glyphs);
        vec![(format!("{:>4} {mark} ", seen.number), Role::Frame), (text, Role::Quiet)]
    };
    let lines = stops.last().rev().skip(1).map(row).collect();
    Part { enough: STOPS_ENOUGH, ..Part::new("stops before", lines, STOPS_LEAST) }
}
