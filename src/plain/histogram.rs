//! A histogram in a line: values or doublings, and their shares.

use std::collections::BTreeMap;

use crate::trace::Counts;

/// `1: 61 %, 2: 39 %` where each doubling was seen to hold one value, else `1: 61 %, 2 to 3: 39 %`.
pub(super) fn histogram(counts: &Counts) -> String {
    let mut buckets = BTreeMap::<u64, (u64, Vec<u64>)>::new();
    for (&value, &times) in &counts.0 {
        let (count, values) = buckets.entry(value.checked_ilog2().map_or(0, |log| 1 << log)).or_default();
        *count = count.saturating_add(times);
        values.push(value);
    }
    let all = counts.samples().max(1) as f64;
    let single = buckets.values().all(|(_, values)| values.len() == 1);
    let each = buckets.into_iter().map(|(low, (times, values))| {
        let share = share(times as f64 / all);
        match (low, values.first()) {
            (_, Some(value)) if single => format!("{value}: {share}"),
            (0 | 1, _) => format!("{low}: {share}"),
            _ => format!("{low} to {}: {share}", low - 1 + low),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

/// A share in words; what occurred is never 0 %.
fn share(share: f64) -> String {
    match share * 100.0 {
        small if small > 0.0 && small < 1.0 => "<1 %".into(),
        percent => format!("{percent:.0} %"),
    }
}
