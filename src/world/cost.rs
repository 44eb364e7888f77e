//! What an echo cost by the load: a row a load that was tried, a column a server.

use super::{Measured, MetricId, ServerView};
use crate::trace::{Load, Pace};

/// What is told of each echo, in this order.
pub const COSTS: [MetricId; 2] = [MetricId::CpuNsPerRequest, MetricId::SyscallsPerRequest];

/// Costs of some servers, side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct CostTable<'w> {
    /// The servers; columns of one server with connections of their own are one here.
    pub servers: Vec<&'w str>,
    /// The loads, those with the fewest connections first.
    pub rows: Vec<CostRow<'w>>,
}

/// One load that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct CostRow<'w> {
    /// The load.
    pub load: &'w Load,
    /// What tells it from the others, in words.
    pub label: String,
    /// Whether a server has it now.
    pub is_now: bool,
    /// By server; `None` where it was not measured under this load.
    pub cells: Vec<Option<Cost<'w>>>,
}

/// What an echo cost one server under one load.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost<'w> {
    /// The column's name in the trace: `threads@64`.
    pub name: &'w str,
    /// The values of [`COSTS`].
    pub values: [Measured; 2],
}

impl<'w> CostTable<'w> {
    /// The table of these servers.
    pub fn of(views: &[&ServerView<'w>]) -> Self {
        let mut table = Self { servers: Vec::new(), rows: Vec::new() };
        for view in views {
            let name = base(view.name);
            if !table.servers.contains(&name) {
                table.servers.push(name);
            }
        }
        for view in views {
            let Some(column) = table.column(view.name) else { continue };
            for under in view.by_load() {
                let row = table.row(under.load());
                row.is_now |= under.load() == view.load();
                row.cells[column] = Some(cost(&under));
            }
        }
        table.rows.sort_by_key(|row| order(row.load));
        table.name_rows();
        table
    }

    /// The place of a server among [`servers`](Self::servers), by its name in the trace.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.servers.iter().position(|server| *server == base(name))
    }

    /// The largest of one of [`COSTS`], on whose scale bars are drawn.
    pub fn largest(&self, cost: usize) -> f64 {
        let cells = self.rows.iter().flat_map(|row| row.cells.iter().flatten());
        cells.filter_map(|cell| cell.values[cost].value()).fold(0.0, f64::max)
    }

    fn row(&mut self, load: &'w Load) -> &mut CostRow<'w> {
        let place = self.rows.iter().position(|row| row.load == load).unwrap_or_else(|| {
            let cells = vec![None; self.servers.len()];
            self.rows.push(CostRow { load, label: String::new(), is_now: false, cells });
            self.rows.len() - 1
        });
        &mut self.rows[place]
    }

    /// Connections tell rows apart; what else differs is said where it does.
    fn name_rows(&mut self) {
        let loads: Vec<_> = self.rows.iter().map(|row| row.load).collect();
        for row in &mut self.rows {
            row.label = label(row.load, &loads);
        }
    }
}

fn label(load: &Load, all: &[&Load]) -> String {
    let differ = |part: fn(&Load) -> u64| all.iter().any(|other| part(other) != part(load));
    let mut label = load.connections.to_string();
    if load.idle > 0 {
        label += &format!("+{} idle", load.idle);
    }
    if differ(rate) {
        label += &match load.pace {
            Pace::Max => ", max".to_owned(),
            Pace::PerSecond(rate) => format!(", {rate}/s"),
        };
    }
    if differ(|load| load.burst.into()) {
        label += &format!(", burst {}", load.burst);
    }
    if differ(|load| load.message_bytes.into()) {
        label += &format!(", {} B", load.message_bytes);
    }
    label
}

/// A server's name without the connections of a column: `threads` of `threads@64`.
fn base(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

/// A closed loop is faster than any pace.
fn rate(load: &Load) -> u64 {
    match load.pace {
        Pace::Max => u64::MAX,
        Pace::PerSecond(rate) => rate,
    }
}

fn order(load: &Load) -> (u64, u32, u64, u32, u32) {
    let open = u64::from(load.connections) + u64::from(load.idle);
    (open, load.connections, rate(load), load.burst, load.message_bytes)
}

fn cost<'w>(under: &ServerView<'w>) -> Cost<'w> {
    let measured = |id| under.metric(id).unwrap_or_else(|| Measured::unknown("it does not apply"));
    Cost { name: under.name, values: COSTS.map(measured) }
}
