//! Numbers as people read them.

/// A number with about three figures that mean something: `312 000`, `2.04`, `0.063`, `0.0004`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        _ if size >= 10_000.0 => grouped(value.round() as i64),
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
    grouped(value.round() as i64)
}

/// Thousands apart: a line of digits is hard to read and harder to hear.
fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    if value < 0 { format!("-{out}") } else { out }
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
