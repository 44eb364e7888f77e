//! How much time a cell of the lanes stands for.

use crate::screen::view::View;

/// Nanoseconds a cell, from a microsecond to ten seconds over a hundred cells.
const SCALES_NS: [u64; 22] = [
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
];

/// Where real time begins: a few requests of most loads fit.
const FIRST_NS: u64 = 20_000;

/// A step closer or wider; from lanes in order it goes to real time first.
pub(super) fn change(view: &mut View, closer: bool) {
    let Some(now_ns) = view.cell_ns else {
        view.cell_ns = Some(FIRST_NS);
        return;
    };
    let next = match closer {
        true => SCALES_NS.iter().rev().find(|scale| **scale < now_ns),
        false => SCALES_NS.iter().find(|scale| **scale > now_ns),
    };
    match next {
        Some(scale) => view.cell_ns = Some(*scale),
        None => {
            let says = if closer { "this is as close as it goes" } else { "this is as wide as it goes" };
            view.notice = Some(says.into());
        }
    }
}

/// Real time, or one call after another.
pub(super) fn toggle(view: &mut View) {
    view.cell_ns = match view.cell_ns {
        Some(_) => None,
        None => Some(FIRST_NS),
    };
}
