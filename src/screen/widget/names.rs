//! System calls by name: how often each was made for one echo, a column a server.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::paint::{Paint, shorten, width, wrap};
use crate::screen::theme::Role;
use crate::trace::Rung;
use crate::world::{MetricId, ServerView};

/// Calls that are rarer than this for one echo belong to the beginning of a run.
const RARE_PER_REQUEST: f64 = 0.0005;

/// Calls of one server by name, for one echo, and who counted them.
fn per_request<'s>(server: &'s ServerView<'_>) -> Option<(Rung, BTreeMap<&'s str, f64>)> {
    let counted = server.sum.syscalls.filter(|_| !server.sum.by_name.is_empty());
    let (rung, names, requests) = match (counted, server.window.rung) {
        (Some(counted), _) => (counted.rung, &server.sum.by_name, counted.requests),
        (None, Some(rung)) => (rung, &server.window.by_name, server.window.requests),
        (None, None) => return None,
    };
    // Nobody asks anything of a trial or of a foreign program: calls are counted in all.
    let among = if server.tells_totals() { 1 } else { requests.max(1) };
    let each = |count: &u64| *count as f64 / among as f64;
    (requests > 0 || server.tells_totals())
        .then(|| (rung, names.iter().map(|(name, count)| (name.as_str(), each(count))).collect()))
}

/// After how many calls the story ends that the numbers are from, where a trial went on.
fn cut_after(scene: &Scene<'_>) -> Option<u64> {
    let counted = |server: &ServerView<'_>| server.sum.syscalls.is_some() && !server.sum.by_name.is_empty();
    scene.servers.iter().find_map(|server| if counted(server) { None } else { server.window.cut_after })
}

/// The title: what the numbers are counted by.
pub(super) fn title(scene: &Scene<'_>, title: &str) -> String {
    match cut_after(scene) {
        Some(calls) => format!("{title}, of the first {calls}"),
        None => format!("{title}, {}", scene.each()),
    }
}

/// Who counted.
pub(super) fn rung(scene: &Scene<'_>) -> Option<Rung> {
    scene.servers.iter().find_map(|server| Some(per_request(server)?.0))
}

/// Names with their numbers, the most frequent first.
fn table(scene: &Scene<'_>) -> Vec<(String, Vec<Option<f64>>)> {
    let columns: Vec<_> = scene.servers.iter().copied().map(per_request).collect();
    let mut rows: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        for (name, value) in column.iter().flat_map(|(_, names)| names) {
            if *value >= RARE_PER_REQUEST {
                rows.entry(name).or_insert_with(|| vec![None; columns.len()])[index] = Some(*value);
            }
        }
    }
    let mut rows: Vec<_> = rows.into_iter().map(|(name, values)| (name.to_owned(), values)).collect();
    let largest = |values: &[Option<f64>]| values.iter().flatten().copied().fold(0.0, f64::max);
    rows.sort_by(|(_, one), (_, other)| largest(other).total_cmp(&largest(one)));
    rows
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let rows = u16::try_from(table(scene).len()).unwrap_or(u16::MAX);
    if rows == 0 {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    let note = note(scene).map_or(0, |says| u16::try_from(wrap(says, scene.columns).len()).unwrap_or(0));
    (rows.min(3).saturating_add(1), rows.min(10).saturating_add(1).saturating_add(note))
}

/// The least that a number and the gap before it take.
const EACH_MIN: u16 = 8;

fn label_columns(rows: &[(String, Vec<Option<f64>>)], columns: u16) -> u16 {
    rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(columns / 2)
}

/// How many servers have room.
pub(super) fn fit(scene: &Scene<'_>) -> usize {
    let label = label_columns(&table(scene), scene.columns);
    usize::from(scene.columns.saturating_sub(label) / EACH_MIN)
}

fn note(scene: &Scene<'_>) -> Option<&'static str> {
    scene.servers.iter().find_map(|server| server.remark_on_names())
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let rows = table(scene);
    if rows.is_empty() {
        paint.text(area, 0, 0, "nothing was counted by name yet", Role::Quiet);
        return;
    }
    let label = label_columns(&rows, area.width);
    let servers = scene.servers.iter().map(|server| width(server.name)).max().unwrap_or(0).max(7);
    let (first, shown) = scene.side_by_side();
    let count = u16::try_from(shown.max(1)).unwrap_or(u16::MAX);
    let each = (area.width.saturating_sub(label) / count).min(servers.saturating_add(8)).max(EACH_MIN);
    let end = |index: u16| label.saturating_add(each.saturating_mul(index.saturating_add(1)));
    let head = if cut_after(scene).is_some() { "told" } else { scene.each() };
    let corner = scene.corner(head, label, paint.glyphs());
    paint.text(area, 0, 0, &corner, Role::Quiet);
    for (index, server) in (0_u16..).zip(scene.servers.iter().skip(first).take(shown)) {
        let name = shorten(server.name, each.saturating_sub(1), paint.glyphs());
        paint.right(area, end(index), 0, &name, Role::Code);
    }
    for (row, (name, values)) in (1_u16..).zip(&rows) {
        let name = shorten(name, label, paint.glyphs());
        paint.text(area, 0, row, &name, Role::Plain);
        for (index, (server, value)) in
            (0_u16..).zip(scene.servers.iter().zip(values).skip(first).take(shown))
        {
            let all = if server.tells_totals() { MetricId::Syscalls } else { MetricId::SyscallsPerRequest };
            if scene.view.is_hidden(scene.lesson, server.name, all) {
                paint.right(area, end(index), row, "yours?", Role::Own);
                continue;
            }
            match value {
                Some(value) => {
                    let decimals = if server.tells_totals() { 0 } else { 3 };
                    paint.right(area, end(index), row, &format!("{value:.decimals$}"), Role::Number);
                }
                None => {
                    let empty = paint.glyphs().empty;
                    paint.right(area, end(index).saturating_sub(4), row, empty, Role::Frame);
                }
            }
        }
    }
    let below = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    for (row, line) in (below..).zip(note(scene).map(|says| wrap(says, area.width)).unwrap_or_default()) {
        paint.text(area, 0, row, &line, Role::Quiet);
    }
}
