//! What an echo cost under each load that was tried, as lines.

use super::number::number;
use crate::world::{COSTS, Cost, CostTable, Measured, ServerView};

/// A line a load, once there are several to compare.
pub(super) fn lines(view: &ServerView<'_>) -> Vec<String> {
    let table = CostTable::of(&[view]);
    if table.rows.len() < 2 {
        return Vec::new();
    }
    let of_row = |row: &crate::world::CostRow<'_>| {
        let cost = row.cells.first()?.as_ref()?;
        let now = if row.is_now { ", now" } else { "" };
        Some(format!("cost of an echo at {} connections{now}: {}", row.label, values(cost)))
    };
    table.rows.iter().filter_map(of_row).collect()
}

fn values(cost: &Cost<'_>) -> String {
    let each = COSTS.iter().zip(&cost.values).map(|(id, measured)| {
        let row = id.row();
        // The unit is of an echo, which the line has said; what is left of it is that of a time.
        let unit = row.unit.strip_suffix("per echo").map(str::trim).filter(|unit| !unit.is_empty());
        let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        match measured {
            Measured::Known { value, rung, .. } => {
                format!("{} {}{unit} ({})", row.label, number(*value), rung.word())
            }
            Measured::Unknown { .. } => format!("{} not known", row.label),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}
