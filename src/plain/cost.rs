//! What an echo cost under each load that was tried, as lines.

use super::number::number;
use crate::screen::Theme;
use crate::screen::number::Scale;
use crate::world::{COSTS, Cost, CostTable, Measured, ServerView};

/// A line a load, once there are several to compare.
pub(super) fn lines(view: &ServerView<'_>, all: &[ServerView<'_>]) -> Vec<String> {
    let table = CostTable::of(&[view]);
    // Times in the unit of the screen, the same for all servers.
    let together = CostTable::of(&all.iter().collect::<Vec<_>>());
    let scale = Scale::of(COSTS[0], together.largest(0), Theme::DEFAULT.glyphs());
    if table.rows.len() < 2 {
        return Vec::new();
    }
    let of_row = |row: &crate::world::CostRow<'_>| {
        let cost = row.cells.first()?.as_ref()?;
        let now = if row.is_now { ", now" } else { "" };
        Some(format!("cost of an echo at {} connections{now}: {}", row.label, values(cost, scale)))
    };
    table.rows.iter().filter_map(of_row).collect()
}

fn values(cost: &Cost<'_>, scale: Scale) -> String {
    let each = COSTS.iter().zip(&cost.values).map(|(id, measured)| {
        let row = id.row();
        match measured {
            Measured::Known { value, rung, .. } if *id == COSTS[0] => {
                format!("{} {} {} ({})", row.label, scale.text(*value), scale.unit, rung.word())
            }
            Measured::Known { value, rung, .. } => {
                format!("{} {} ({})", row.label, number(*value), rung.word())
            }
            Measured::Unknown { .. } => format!("{} not known", row.label),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}
