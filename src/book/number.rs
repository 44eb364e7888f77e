//! Numbers of recorded documents as a page writes them.

use crate::screen::number::{count, span};
use crate::screen::rounded;

/// A number with its unit, and how far rounds lay apart where there were several.
pub(super) fn number(value: f64, unit: &str, spread: Option<f64>) -> String {
    let (write, unit): (fn(f64) -> String, &str) = match unit.strip_prefix("ns") {
        Some(rest) => (time, rest.trim_start()),
        None => (amount, unit),
    };
    // A line may end before the spread and before the unit, and nowhere else.
    let whole = |value: f64| write(value).replace(' ', "\u{a0}");
    let spread = spread.filter(|spread| *spread > 0.0).map(|spread| format!(" ±\u{a0}{}", whole(spread)));
    format!("{}{} {unit}", whole(value), spread.unwrap_or_default()).trim_end().to_owned()
}

/// Nanoseconds in a unit that suits them.
fn time(ns: f64) -> String {
    span(ns.round() as u64)
}

/// What was counted stays whole; a mean has the digits that mean something.
fn amount(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 { count(value.round() as u64) } else { rounded(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        for (value, unit, spread, says) in [
            (957_208_147.0, "ns in all", None, "957 ms in all"),
            (8347.6617, "ns per echo", Some(814.8), "8.35 µs ± 815 ns per echo"),
            (19_529_727.0, "ns", None, "19.5 ms"),
            (0.0, "of 79 processes", None, "0 of 79 processes"),
            (19_867.0, "in all", Some(0.0), "19 867 in all"),
            (0.0085, "per echo", None, "0.0085 per echo"),
            (2.038, "per echo", None, "2.04 per echo"),
            (3657.725, "per second", Some(2058.19), "3 658 ± 2 058 per second"),
        ] {
            assert_eq!(number(value, unit, spread).replace('\u{a0}', " "), says);
        }
    }
}
