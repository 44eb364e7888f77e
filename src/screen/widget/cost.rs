//! What an echo cost under each load that was tried: a row a load, a column a server, all bars on one scale.
//!
//! ```text
//! ▸ now          poll                          epoll
//! connections      CPU µs        syscalls        CPU µs        syscalls
//!   1            ▌   4.91            3.00      ▌   4.80            3.00
//!   64           ▋   6.02            2.02      ▍   3.91            2.02
//! ▸ 64+1000 idle ████████ 90.1       2.02      ▍   4.02            2.02
//! ```

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::number::Scale;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::trace::Rung;
use crate::world::{COSTS, Cost, CostRow, CostTable, MetricId};

/// Server names, and what the numbers are.
const HEAD: u16 = 2;
/// Loads that are shown at most; of more those around the one that is now.
const LOADS_MAX: u16 = 8;
/// Processor time, and the gap before it.
const TIME: u16 = 8;
/// A number of calls, and the gap before it; with `syscalls` spelt out above it, where bars have room too.
const CALLS: u16 = 7;
const CALLS_ROOMY: u16 = 10;
/// Where a bar is shorter than this, there is none.
const BAR_LEAST: u16 = 4;
/// A longer bar says no more.
const BAR_MOST: u16 = 40;
/// Between two servers, where bars begin.
const GAP: u16 = 2;

fn table<'s>(scene: &Scene<'s>) -> CostTable<'s> {
    CostTable::of(&scene.servers)
}

/// Who measured: processor time, and system calls.
pub(super) fn remark(scene: &Scene<'_>) -> &'static str {
    let calls = |server: &&crate::world::ServerView<'_>| server.metric(MetricId::SyscallsPerRequest)?.rung();
    match scene.servers.iter().find_map(calls) {
        Some(Rung::Perf) => "proc, perf",
        Some(Rung::PerfUser) => "proc, perf-user",
        Some(Rung::Ptrace) => "proc, ptrace",
        _ => "proc",
    }
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    if scene.servers.is_empty() || columns == 0 {
        return (0, 0);
    }
    match u16::try_from(table(scene).rows.len()).unwrap_or(u16::MAX) {
        0 => (1, 1),
        // The last row says how to get a second one.
        1 => (HEAD.saturating_add(1), HEAD.saturating_add(2)),
        loads => (HEAD.saturating_add(loads.min(3)), HEAD.saturating_add(loads.min(LOADS_MAX))),
    }
}

fn label_columns(table: &CostTable<'_>, columns: u16) -> u16 {
    let labels = table.rows.iter().map(|row| width(&row.label)).max().unwrap_or(0);
    labels.saturating_add(2).max(width(CONNECTIONS).saturating_add(1)).min(columns / 2)
}

/// How many servers have room.
pub(super) fn fit(scene: &Scene<'_>) -> usize {
    let room = scene.columns.saturating_sub(label_columns(&table(scene), scene.columns));
    usize::from(room / (TIME + CALLS))
}

/// Where the columns stand.
struct Shape {
    label: u16,
    /// First server that is shown, and how many.
    first: usize,
    shown: usize,
    /// Columns of each server, and of the bar in them.
    server: u16,
    bar: u16,
    /// Columns of the number of calls.
    calls: u16,
    /// Processor time is written in the unit that suits the largest.
    scale: Scale,
}

impl Shape {
    fn of(columns: u16, scene: &Scene<'_>, table: &CostTable<'_>, scale: Scale) -> Self {
        let label = label_columns(table, columns);
        let room = columns.saturating_sub(label);
        let count = table.servers.len();
        // One that has answered nothing yet has no column here.
        let (first, shown) = scene.side_by_side();
        let beside = scene.servers.iter().skip(first).take(shown);
        let mut here = beside.filter_map(|server| table.column(server.name));
        let first = here.next().unwrap_or(0);
        let shown = here.count().saturating_add(1).min(count.saturating_sub(first).max(1));
        let each = room / u16::try_from(shown).unwrap_or(1).max(1);
        let bar = each.saturating_sub(GAP + TIME + CALLS_ROOMY).min(BAR_MOST);
        let (bar, calls, gap) = if bar < BAR_LEAST { (0, CALLS, 0) } else { (bar, CALLS_ROOMY, GAP) };
        let server = TIME.saturating_add(calls).saturating_add(bar).saturating_add(gap);
        Self { label, first, shown, server, bar, calls, scale }
    }

    fn left(&self, index: u16) -> u16 {
        self.label.saturating_add(self.server.saturating_mul(index))
    }
}

const CONNECTIONS: &str = "connections";

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let table = table(scene);
    if table.rows.is_empty() {
        paint.text(area, 0, 0, "nothing was measured yet", Role::Quiet);
        return;
    }
    let scale = Scale::of(COSTS[0], table.largest(0), paint.glyphs());
    let shape = Shape::of(area.width, scene, &table, scale);
    draw_head(paint, area, &table, &shape, scene);
    let room = area.height.saturating_sub(HEAD).min(LOADS_MAX);
    let (first, shown) = around_now(&table.rows, usize::from(room));
    let mut row = HEAD;
    for load in &table.rows[first..first + shown] {
        draw_load(paint, area, row, load, &table, &shape, scene);
        row = row.saturating_add(1);
    }
    if table.rows.len() == 1 {
        paint.text(area, 2, row, "the only load so far; change the load to compare", Role::Quiet);
    }
}

/// The loads that have room: as many as fit, the one that is now among them.
fn around_now(rows: &[CostRow<'_>], room: usize) -> (usize, usize) {
    let shown = rows.len().min(room);
    let now = rows.iter().rposition(|row| row.is_now).unwrap_or(0);
    let first = (now + 1).saturating_sub(shown.div_ceil(2)).min(rows.len() - shown);
    (first.min((now + 1).saturating_sub(shown.min(1))), shown)
}

fn draw_head(paint: &mut Paint, area: Rect, table: &CostTable<'_>, shape: &Shape, scene: &Scene<'_>) {
    paint.text(area, 0, 1, &shorten(CONNECTIONS, shape.label, paint.glyphs()), Role::Quiet);
    let column = paint.text(area, 0, 0, paint.glyphs().ask, Role::Strong);
    let column = column.saturating_add(1);
    let corner = match scene.beside() {
        0 => "now".to_owned(),
        beside => format!("now  +{beside}"),
    };
    paint.text(area, column, 0, &corner, Role::Quiet);
    let time = format!("CPU {}", shape.scale.unit);
    for (index, server) in (0_u16..).zip(table.servers.iter().skip(shape.first).take(shape.shown)) {
        let left = shape.left(index);
        let name = shorten(server, shape.server.saturating_sub(1), paint.glyphs());
        match shape.bar {
            0 => paint.right(area, left.saturating_add(shape.server), 0, &name, Role::Code),
            _ => _ = paint.text(area, left, 0, &name, Role::Code),
        }
        let end = left.saturating_add(shape.bar).saturating_add(TIME);
        paint.right(area, end, 1, &time, Role::Quiet);
        let calls = if shape.bar > 0 { "syscalls" } else { "calls" };
        paint.right(area, end.saturating_add(shape.calls), 1, calls, Role::Quiet);
    }
}

fn draw_load(
    paint: &mut Paint,
    area: Rect,
    row: u16,
    load: &CostRow<'_>,
    table: &CostTable<'_>,
    shape: &Shape,
    scene: &Scene<'_>,
) {
    if load.is_now {
        paint.text(area, 0, row, paint.glyphs().ask, Role::Strong);
    }
    let role = if load.is_now { Role::Strong } else { Role::Plain };
    let label = shorten(&load.label, shape.label.saturating_sub(2), paint.glyphs());
    paint.text(area, 2, row, &label, role);
    for (index, cell) in (0_u16..).zip(load.cells.iter().skip(shape.first).take(shape.shown)) {
        let here = shape.left(index);
        match cell {
            Some(cost) => draw_cost(paint, area, (here, row), cost, table.largest(0), shape, scene),
            None => {
                let end = here.saturating_add(shape.bar).saturating_add(TIME);
                paint.right(area, end, row, paint.glyphs().empty, Role::Frame);
            }
        }
    }
}

fn draw_cost(
    paint: &mut Paint,
    area: Rect,
    (left, row): (u16, u16),
    cost: &Cost<'_>,
    largest_ns: f64,
    shape: &Shape,
    scene: &Scene<'_>,
) {
    let mut end = left.saturating_add(shape.bar);
    for ((id, measured), columns) in COSTS.iter().zip(&cost.values).zip([TIME, shape.calls]) {
        end = end.saturating_add(columns);
        if scene.view.is_hidden(scene.lesson, cost.name, *id) {
            paint.right(area, end, row, "yours?", Role::Own);
            continue;
        }
        let Some(value) = measured.value() else {
            paint.right(area, end, row, "?", Role::Warn);
            continue;
        };
        let scale = match id {
            MetricId::CpuNsPerRequest => {
                paint.bar(area, left, row, shape.bar, value / largest_ns, Role::Code);
                shape.scale
            }
            id => Scale::of(*id, value, paint.glyphs()),
        };
        paint.right(area, end, row, &scale.text(value), Role::Number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Load;

    #[test]
    fn of_many_loads_the_one_that_is_now_is_always_among_those_shown() {
        let load = Load::default();
        for count in 1..12 {
            for now in 0..count {
                let row = |index| CostRow {
                    load: &load,
                    label: String::new(),
                    is_now: index == now,
                    cells: Vec::new(),
                };
                let rows: Vec<_> = (0..count).map(row).collect();
                for room in 1..12 {
                    let (first, shown) = around_now(&rows, room);
                    assert_eq!(shown, count.min(room));
                    assert!(
                        first + shown <= count && (first..first + shown).contains(&now),
                        "{now} of {count} in {room}"
                    );
                }
            }
        }
    }
}
