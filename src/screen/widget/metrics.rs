//! The table of metrics: a row a metric, a column a server, and who measured.
//!
//! ```text
//! per echo                 epoll  uring-naive   uring
//! syscalls                 2.04         1.98     0.06   ● perf
//! voluntary switches       0.001        0.002    0.001  ● proc
//! CPU µs                   3.91         4.02     2.87   ● proc
//! ```

use ratatui::layout::Rect;

use super::{Scene, rung_glyph};
use crate::screen::number::Scale;
use crate::screen::paint::{Click, Paint, shorten, width, wrap};
use crate::screen::theme::{Glyphs, Role, Theme};
use crate::screen::view::{Focus, metrics};
use crate::trace::Rung;
use crate::world::{Measured, MetricId};

/// Digits and spaces that the largest number is likely to need.
const WHOLE_COLUMNS: u16 = 6;
/// The point and what follows it.
const FRACTION_COLUMNS: u16 = 4;

/// What stands in one place of the table.
enum Cell {
    Number { whole: String, fraction: String },
    Unknown,
    Hidden,
    Nothing,
}

impl Cell {
    /// Columns before the point, and from the point on.
    fn columns(&self) -> (u16, u16) {
        match self {
            Self::Number { whole, fraction } => (width(whole), width(fraction)),
            Self::Unknown => (width(UNKNOWN).saturating_sub(FRACTION_COLUMNS), FRACTION_COLUMNS),
            Self::Hidden | Self::Nothing => (1, 0),
        }
    }
}

struct Row {
    label: String,
    cells: Vec<Cell>,
    rung: Option<Rung>,
}

pub(super) struct Table {
    rows: Vec<Row>,
    /// Why numbers are not known: each reason once.
    reasons: Vec<String>,
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    let count = u16::try_from(metrics(scene.lab).len()).unwrap_or(u16::MAX);
    if count == 0 || scene.servers.is_empty() {
        return (0, 0);
    }
    let lines: usize =
        table(scene).reasons.iter().map(|why| wrap(why, columns.saturating_sub(2)).len()).sum();
    let all = count.saturating_add(1).saturating_add(u16::try_from(lines).unwrap_or(0).min(4));
    (count.min(4).saturating_add(1), all)
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    if area.is_empty() {
        return;
    }
    let table = table(scene);
    let shape = Shape::of(area.width, scene, table);
    draw_head(paint, area, scene, &shape);
    let room = usize::from(area.height.saturating_sub(1));
    let focused = match scene.view.focus {
        Focus::Number { row, .. } => row,
        _ => 0,
    };
    let first = (focused + 1).saturating_sub(room.max(1));
    let mut at = 1;
    for (index, row) in table.rows.iter().enumerate().skip(first).take(room) {
        draw_row(paint, area, at, index, row, &shape, scene);
        at += 1;
    }
    let indent = 2;
    for why in &table.reasons {
        for (index, line) in wrap(why, area.width.saturating_sub(indent)).iter().enumerate() {
            if index == 0 {
                let glyph = paint.glyphs().warn;
                paint.text(area, 0, at, glyph, Role::Warn);
            }
            paint.text(area, indent, at, line, Role::Quiet);
            at = at.saturating_add(1);
        }
    }
}

/// How many servers have room.
pub(super) fn fit(scene: &Scene<'_>) -> usize {
    Shape::of_all(scene.columns, scene, table(scene)).shown
}

/// Where the columns stand.
struct Shape {
    label: u16,
    /// Columns of each server, whether it is shown or not.
    servers: Vec<u16>,
    /// First server that is shown, and how many.
    first: usize,
    shown: usize,
    fraction: u16,
    /// Whether the rung's word has room behind its glyph.
    word: bool,
}

/// What stands where a number is not known, the same as in plain text.
const UNKNOWN: &str = "not known";

/// Two columns before a rung's glyph, and the glyph.
const RUNG_COLUMNS: u16 = 3;

impl Shape {
    /// The servers that stand side by side.
    fn of(columns: u16, scene: &Scene<'_>, table: &Table) -> Self {
        let all = Self::of_all(columns, scene, table);
        let (first, shown) = scene.side_by_side();
        if (all.first, all.shown) == (first, shown) { all } else { all.some_servers(columns, (first, shown)) }
    }

    /// All of them where they fit, else as many as do.
    fn of_all(columns: u16, scene: &Scene<'_>, table: &Table) -> Self {
        let count = scene.servers.len();
        let cells = || table.rows.iter().flat_map(|row| &row.cells);
        let whole = cells().map(|cell| cell.columns().0).max().unwrap_or(0);
        let fraction = cells().map(|cell| cell.columns().1).max().unwrap_or(0);
        // Totals of trials are whole: there may be nothing behind the point.
        let fraction = if scene.tells_totals() { fraction } else { fraction.max(FRACTION_COLUMNS) };
        let label =
            table.rows.iter().map(|row| width(&row.label)).max().unwrap_or(0).max(8).saturating_add(1);
        let words = table.rows.iter().filter_map(|row| row.rung).map(|rung| width(rung.word())).max();
        let word = RUNG_COLUMNS.saturating_add(words.map_or(0, |word| word.saturating_add(1)));
        // Room for the number to come, so that columns stand still while it grows.
        let number = whole.max(WHOLE_COLUMNS - 1).saturating_add(fraction);
        let servers: Vec<u16> =
            scene.servers.iter().map(|server| number.max(width(server.name)).saturating_add(1)).collect();
        let tight = whole.max(3).saturating_add(fraction).max(7).saturating_add(1);
        let shape = Self { label, servers, first: 0, shown: count, fraction, word: true };
        let all = shape.end(count.saturating_sub(1));
        if all.saturating_add(word) <= columns {
            // Spare room goes between the columns, as far as the eye still follows a row.
            let spare = (columns - all - word) / u16::try_from(count.max(1)).unwrap_or(u16::MAX);
            return shape.map(|server| server.saturating_add(spare.min(6)));
        }
        if all.saturating_add(RUNG_COLUMNS) <= columns {
            return Self { word: false, ..shape };
        }
        let tight = shape.map(|server| server.min(tight));
        let numbers = tight.end(count.saturating_sub(1)).saturating_sub(label);
        let left = columns.saturating_sub(numbers).saturating_sub(RUNG_COLUMNS);
        if left >= 10 {
            return Self { label: left.min(label), word: false, ..tight };
        }
        let widest = tight.servers.iter().copied().max().unwrap_or(1).max(1);
        let room = columns.saturating_sub(tight.label_of_some(columns)).saturating_sub(RUNG_COLUMNS);
        let shown = usize::from(room / widest).clamp(1, count.max(1));
        tight.some_servers(columns, (count.saturating_sub(shown), shown))
    }

    /// Columns of the labels where not all servers fit.
    fn label_of_some(&self, columns: u16) -> u16 {
        self.label.min((columns / 3).max(9))
    }

    /// Some of them only.
    fn some_servers(self, columns: u16, (first, shown): (usize, usize)) -> Self {
        let label = self.label_of_some(columns);
        let room = columns.saturating_sub(label).saturating_sub(RUNG_COLUMNS);
        Self { label, first, shown, word: false, ..self.map(|server| server.min(room.max(1))) }
    }

    fn map(mut self, change: impl Fn(u16) -> u16) -> Self {
        self.servers.iter_mut().for_each(|server| *server = change(*server));
        self
    }

    /// Column after the numbers of the server that is shown as number `index`.
    fn end(&self, index: usize) -> u16 {
        let shown = self.servers.iter().skip(self.first).take(index + 1);
        shown.fold(self.label, |end, server| end.saturating_add(*server))
    }

    /// Columns of the server that is shown as number `index`.
    fn server(&self, index: usize) -> u16 {
        self.servers.get(self.first + index).copied().unwrap_or(1)
    }
}

fn draw_head(paint: &mut Paint, area: Rect, scene: &Scene<'_>, shape: &Shape) {
    let corner = scene.corner(scene.each(), shape.label.saturating_sub(1), paint.glyphs());
    paint.text(area, 0, 0, &corner, Role::Quiet);
    for (index, server) in scene.servers.iter().skip(shape.first).take(shape.shown).enumerate() {
        let name = shorten(server.name, shape.server(index).saturating_sub(1), paint.glyphs());
        paint.right(area, shape.end(index), 0, &name, Role::Code);
    }
}

fn draw_row(
    paint: &mut Paint,
    area: Rect,
    at: u16,
    row_index: usize,
    row: &Row,
    shape: &Shape,
    scene: &Scene<'_>,
) {
    let label = shorten(&row.label, shape.label.saturating_sub(1).max(1), paint.glyphs());
    paint.text(area, 0, at, &label, Role::Plain);
    for (index, cell) in row.cells.iter().skip(shape.first).take(shape.shown).enumerate() {
        let column = shape.first + index;
        let end = shape.end(index);
        let on = scene.view.focus == Focus::Number { row: row_index, column };
        draw_cell(paint, area, at, end, cell, shape.fraction, on);
        let zone = Rect {
            x: area.x.saturating_add(end.saturating_sub(shape.server(index))),
            y: area.y.saturating_add(at),
            width: shape.server(index),
            height: 1,
        };
        paint.zone(zone.intersection(area), Click::Point(Focus::Number { row: row_index, column }));
        if on {
            paint.cursor(area, end.saturating_sub(1), at);
        }
    }
    if let Some(rung) = row.rung {
        let (glyph, role) = rung_glyph(paint.theme(), rung);
        let column = shape.end(shape.shown.saturating_sub(1)).saturating_add(2);
        let column = paint.text(area, column, at, glyph, role);
        if shape.word {
            paint.text(area, column.saturating_add(1), at, rung.word(), Role::Quiet);
        }
    }
}

fn draw_cell(paint: &mut Paint, area: Rect, at: u16, end: u16, cell: &Cell, fraction_columns: u16, on: bool) {
    let role = |role| if on { Role::Focus } else { role };
    match cell {
        Cell::Number { whole, fraction } => {
            let point = end.saturating_sub(fraction_columns);
            paint.right(area, point, at, whole, role(Role::Number));
            paint.text(area, point, at, fraction, role(Role::Number));
        }
        Cell::Unknown => paint.right(area, end, at, UNKNOWN, role(Role::Warn)),
        Cell::Hidden => paint.right(area, end, at, "yours?", role(Role::Own)),
        Cell::Nothing => {
            let point = end.saturating_sub(fraction_columns);
            let empty = paint.glyphs().empty;
            paint.right(area, point, at, empty, role(Role::Frame));
        }
    }
}

fn table<'s>(scene: &'s Scene<'_>) -> &'s Table {
    scene.table.get_or_init(|| {
        // The units are spelt out when they are drawn, where the look asks for it.
        let glyphs = Theme::DEFAULT.glyphs();
        let mut reasons: Vec<String> = Vec::new();
        let rows = metrics(scene.lab).into_iter().map(|id| row(scene, id, glyphs, &mut reasons)).collect();
        Table { rows, reasons }
    })
}

fn row(scene: &Scene<'_>, id: MetricId, glyphs: &Glyphs, reasons: &mut Vec<String>) -> Row {
    let measured: Vec<_> = scene.servers.iter().map(|server| server.metric(id)).collect();
    let scale = Scale::among(id, &scene.servers, glyphs);
    let mut cells = Vec::new();
    for (server, measured) in scene.servers.iter().zip(&measured) {
        let cell = match measured {
            _ if scene.view.is_hidden(scene.lesson, server.name, id) => Cell::Hidden,
            Some(Measured::Known { value, .. }) => {
                let (whole, fraction) = scale.write(*value);
                Cell::Number { whole, fraction }
            }
            Some(Measured::Unknown { why, .. }) => {
                let reason = format!("{}: {why}", id.row().label);
                // A refusal is worth a line; that a run has just begun is not.
                let has_run = match server.trial {
                    Some(_) => server.latest().is_some_and(|run| run.end.is_some()),
                    None => server.sum.requests > 0 || server.is_observed(),
                };
                if has_run && !reasons.contains(&reason) {
                    reasons.push(reason);
                }
                Cell::Unknown
            }
            None => Cell::Nothing,
        };
        cells.push(cell);
    }
    let rung = measured.iter().flatten().find_map(Measured::rung);
    Row { label: label(id, scale), cells, rung }
}

fn label(id: MetricId, scale: Scale) -> String {
    let row = id.row();
    match (scale.unit, row.unit) {
        ("", "% of one processor") => format!("{} %", row.label),
        ("", unit @ ("per second" | "per call")) => format!("{} {unit}", row.label),
        ("", _) => row.label.to_owned(),
        (unit, _) => format!("{} {unit}", row.label),
    }
}
