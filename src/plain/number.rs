//! Numbers as people read them.

/// A number with about three figures that mean something: `312 000`, `2.04`, `0.063`, `0.0004`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        _ if size >= 10_000.0 => signed(value.round() as i64),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ if size >= 0.1 => format!("{value:.2}"),
        _ if size >= 0.01 => format!("{value:.3}"),
        _ if size >= 0.0001 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

/// A count: all its figures.
pub fn whole(value: f64) -> String {
    signed(value.round() as i64)
}

/// A count with its thousands apart: a line of digits is hard to read and harder to hear.
pub(super) fn grouped(value: u64) -> String {
    crate::screen::number::count(value)
}

fn signed(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(value.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn about_three_figures() {
        let shown: Vec<_> =
            [0.0, 0.00005, 0.0004, 0.0627, 0.5, 2.04, 31.25, 313.4, 9_999.0, 312_345.6, -12_000.0]
                .map(number)
                .into();
        let expected =
            ["0", "5.0e-5", "0.0004", "0.063", "0.50", "2.04", "31.2", "313", "9999", "312 346", "-12 000"];
        assert_eq!(shown, expected);
    }
}
