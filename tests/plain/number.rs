//! Numbers as they are written, and how far off they may be.

/// A number as it is written, and how far off it may be: half a unit of its last digit.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub value: f64,
    pub off: f64,
}

/// The values of the numbers in a text.
pub fn numbers(text: &str) -> Vec<f64> {
    written(text).into_iter().map(|number| number.value).collect()
}

/// The numbers in a text; thousands may stand apart.
pub fn written(text: &str) -> Vec<Written> {
    let number = |digits: &str| {
        let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let off = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap()) + 1e-9;
        digits.parse().ok().map(|value| Written { value, off })
    };
    let mut found = Vec::new();
    let mut digits = String::new();
    let chars: Vec<char> = text.chars().chain([' ', ' ']).collect();
    for (at, c) in chars.iter().enumerate() {
        let next_is_group =
            || chars.get(at + 1..at + 4).is_some_and(|next| next.iter().all(char::is_ascii_digit));
        let ends = |at: usize| chars.get(at).is_none_or(|c| !c.is_ascii_digit());
        match c {
            c if c.is_ascii_digit() => digits.push(*c),
            '.' if !digits.is_empty() && !ends(at + 1) => digits.push('.'),
            ' ' if !digits.is_empty() && next_is_group() && ends(at + 4) => {}
            _ => found.extend(number(&std::mem::take(&mut digits))),
        }
    }
    found
}

/// The first and the last value of a histogram's row.
pub fn range(label: &str) -> [u64; 2] {
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    match label.split_once('-') {
        Some((low, high)) => [number(low), number(high)],
        None => [number(label.trim_end_matches('+')); 2],
    }
}
