//! A thread's context switches as the text tells them: a line with its stretches of time.

use crate::number::written;

/// A line of the text: a thread's switches in stretches of time.
pub struct Stretches {
    pub length_ms: u64,
    pub from_ms: u64,
    pub voluntary: Vec<u64>,
    pub involuntary: Vec<u64>,
}

impl Stretches {
    /// `…; in each 200 ms from 0.00 s on: 6 6 7 voluntary, 0 0 1 involuntary`
    pub fn read(line: &str) -> Option<Self> {
        let (_, line) = line.split_once("; in each ")?;
        let (length, line) = line.split_once(" ms from ")?;
        let (from, line) = line.split_once(" on: ")?;
        let (voluntary, line) = line.split_once(" voluntary")?;
        let counts = |text: &str| text.split(' ').map(|count| count.parse().unwrap_or(0)).collect();
        let involuntary = line.strip_prefix(", ").and_then(|line| line.split_once(" involuntary"));
        Some(Self {
            length_ms: length.parse().ok()?,
            from_ms: moment_ms(from)?,
            voluntary: counts(voluntary),
            involuntary: involuntary.map_or_else(Vec::new, |(involuntary, _)| counts(involuntary)),
        })
    }

    /// The place of the stretch that begins at a time.
    pub fn place(&self, ms: u64) -> Option<usize> {
        let since = ms.checked_sub(self.from_ms).filter(|since| since.is_multiple_of(self.length_ms))?;
        usize::try_from(since / self.length_ms).ok().filter(|place| *place < self.voluntary.len())
    }

    /// The sums of the stretch that begins at a time, of it and the next one, and so on: a map with fewer rows has
    /// longer stretches.
    pub fn sums(&self, ms: u64, part: fn(&Self) -> &[u64]) -> impl Iterator<Item = u64> {
        let counts = self.place(ms).and_then(|place| part(self).get(place..)).unwrap_or_default();
        let sums = counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        sums.take(4).collect::<Vec<_>>().into_iter()
    }
}

/// `0.4 s`, in milliseconds.
pub fn moment_ms(text: &str) -> Option<u64> {
    let seconds: f64 = text.strip_suffix(" s")?.parse().ok()?;
    Some((seconds * 1000.0).round() as u64)
}

/// Whether this is how a count is written in a narrow column: `6`, `1.2k`.
pub fn is(shown: &str, count: u64) -> bool {
    let Some(thousands) = shown.strip_suffix('k') else { return shown.parse() == Ok(count) };
    // What is left out is cut off, not rounded.
    written(thousands).first().is_some_and(|shown| {
        let (least, unit) = (shown.value * 1000.0, shown.off * 2000.0);
        (least - 0.5..least + unit).contains(&(count as f64))
    })
}
