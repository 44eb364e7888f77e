//! Counts in buckets of powers of two, as bpftrace draws them: `4-7 |█████     | 31 %`.

use ratatui::layout::Rect;

use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::{Glyphs, Role};
use crate::trace::Counts;

/// Buckets that are ever drawn; the last one holds all that is larger.
const BUCKETS_MAX: usize = 16;

/// Samples of each power of two: 0, 1, 2-3, 4-7, …
pub(super) fn buckets(counts: &Counts) -> Vec<u64> {
    let mut buckets: Vec<u64> = Vec::new();
    for (&value, &times) in &counts.0 {
        let bucket = bucket(value);
        if buckets.len() <= bucket {
            buckets.resize(bucket + 1, 0);
        }
        buckets[bucket] = buckets[bucket].saturating_add(times);
    }
    buckets
}

fn bucket(value: u64) -> usize {
    let bits = usize::try_from(u64::BITS - value.leading_zeros()).unwrap_or(0);
    bits.min(BUCKETS_MAX - 1)
}

/// Buckets that share a row: the first and the last of them.
type Group = (usize, usize);

/// What a row holds: `0`, `1`, `2-3`, `4-31`; where each row was seen to hold one value only, that value.
/// Ranges and single values are never mixed, else a `64` among ranges would seem to leave 65 out.
fn label((from, to): Group, all_single: bool, series: &[Series<'_>]) -> String {
    let ((first, _), (_, end)) = (range(from), range(to));
    match single((from, to), series).filter(|_| all_single) {
        Some(value) => value.to_string(),
        None if end == u64::MAX => format!("{first}+"),
        None if end - first == 1 => first.to_string(),
        None => format!("{first}-{}", end - 1),
    }
}

/// The one value that was seen in a row, if it was one.
fn single((from, to): Group, series: &[Series<'_>]) -> Option<u64> {
    let ((first, _), (_, end)) = (range(from), range(to));
    let seen = || series.iter().flat_map(|series| series.counts.0.range(first..end)).map(|(value, _)| *value);
    seen().min().filter(|least| seen().max() == Some(*least))
}

/// Whether each row holds one value: one that holds nothing, or several, would need a range.
fn all_single(groups: &[Group], series: &[Series<'_>]) -> bool {
    groups.iter().all(|group| single(*group, series).is_some())
}

/// The values of a bucket: from the first up to, but not including, the last.
fn range(bucket: usize) -> (u64, u64) {
    match bucket {
        0 => (0, 1),
        last if last + 1 == BUCKETS_MAX => (1 << (last - 1), u64::MAX),
        n => (1 << (n - 1), 1 << n),
    }
}

/// A column of a histogram.
pub(super) struct Series<'n> {
    /// What it is; behind a comma, what else there is to say of it.
    pub name: &'n str,
    pub counts: &'n Counts,
    pub role: Role,
}

/// Rows of a histogram of these: the head and the buckets.
pub(super) fn rows<'c>(all: impl IntoIterator<Item = &'c Counts>) -> u16 {
    let (mut lowest, mut end) = (usize::MAX, 0);
    for counts in all {
        let buckets = buckets(counts);
        lowest = lowest.min(buckets.iter().position(|n| *n > 0).unwrap_or(usize::MAX));
        end = end.max(buckets.len());
    }
    u16::try_from(end.saturating_sub(lowest)).unwrap_or(0).saturating_add(1)
}

/// Draws series side by side over the same buckets. Where there are too few rows neighbours share one, so that
/// what is shown is always all of it.
pub(super) fn draw(paint: &mut Paint, area: Rect, head: &str, series: &[Series<'_>]) {
    if area.is_empty() || series.is_empty() {
        return;
    }
    let shown = shown(series, usize::from(area.height.saturating_sub(1)).max(1));
    let singles = all_single(&shown, series);
    let labels: Vec<_> = shown.iter().map(|group| label(*group, singles, series)).collect();
    let label_columns = labels.iter().map(|label| width(label)).max().unwrap_or(0).max(width(head));
    let count = u16::try_from(series.len()).unwrap_or(1);
    let buckets: Vec<_> = series.iter().map(|series| buckets(series.counts)).collect();
    let columns = area.width.saturating_sub(label_columns).saturating_sub(1) / count;
    // "100 %" and a gap stand behind each bar.
    let bar = columns.saturating_sub(7).min(48);
    let each = bar.saturating_add(7);
    paint.text(area, 0, 0, head, Role::Quiet);
    for (index, (series, buckets)) in (0..).zip(series.iter().zip(&buckets)) {
        let left = label_columns.saturating_add(1).saturating_add(each.saturating_mul(index));
        paint.text(area, left, 0, &fitting(series.name, each.saturating_sub(1), paint.glyphs()), series.role);
        for (row, &group) in (1..).zip(&shown) {
            let share = share_of(buckets, group);
            if share > 0.0 {
                paint.bar(area, left, row, bar, share, series.role);
                let end = left.saturating_add(bar).saturating_add(6);
                paint.right(area, end, row, &percent(share), Role::Plain);
            }
        }
    }
    for (row, label) in (1..).zip(&labels) {
        paint.right(area, label_columns, row, label, Role::Quiet);
    }
}

/// A name where it has so many columns: what stands behind its comma is said where there is room.
fn fitting(name: &str, columns: u16, glyphs: &Glyphs) -> String {
    let short = name.split(',').next().unwrap_or(name);
    if width(name) <= columns { name.to_owned() } else { shorten(short, columns, glyphs) }
}

/// The rows, from the first bucket that was seen to the last. Where they have no room, the two neighbours that
/// hold least together become one, again and again.
fn shown(series: &[Series<'_>], room: usize) -> Vec<Group> {
    let all: Vec<_> = series.iter().map(|series| buckets(series.counts)).collect();
    let weight = |(from, to): Group| -> f64 { all.iter().map(|buckets| share_of(buckets, (from, to))).sum() };
    let end = all.iter().map(Vec::len).max().unwrap_or(0);
    let from = (0..end).find(|bucket| weight((*bucket, *bucket)) > 0.0).unwrap_or(end);
    let mut shown: Vec<Group> = (from..end).map(|bucket| (bucket, bucket)).collect();
    while shown.len() > room.max(1) {
        let together = |at: &usize| weight((shown[*at].0, shown[*at + 1].1));
        let least = (0..shown.len() - 1).min_by(|one, other| together(one).total_cmp(&together(other)));
        let Some(least) = least else { break };
        let (_, to) = shown.remove(least + 1);
        shown[least].1 = to;
    }
    shown
}

fn share_of(buckets: &[u64], (from, to): Group) -> f64 {
    (from..=to).map(|bucket| share(buckets, bucket)).sum()
}

fn share(buckets: &[u64], bucket: usize) -> f64 {
    let all = buckets.iter().fold(0, |sum: u64, times| sum.saturating_add(*times));
    buckets.get(bucket).map_or(0.0, |n| *n as f64 / all.max(1) as f64)
}

/// A share in words of a fixed width; what occurred is never 0 %.
fn percent(share: f64) -> String {
    match share * 100.0 {
        small if small < 1.0 => "<1 %".into(),
        percent => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::theme::Theme;

    #[test]
    fn a_foreign_trace_may_count_up_to_the_end_of_the_scale() {
        let (mut counts, more) = (Counts::default(), u64::MAX);
        for value in [2, 3, 8] {
            counts.add(value, more);
        }
        let buckets = buckets(&counts);
        assert_eq!(buckets, [0, 0, u64::MAX, 0, u64::MAX]);
        assert_eq!(share(&buckets, 2), 1.0, "a sum stays at the end, too");
    }

    #[test]
    fn buckets_are_powers_of_two() {
        let mut counts = Counts::default();
        for value in [0, 1, 2, 3, 4, 7, 8, 1 << 40] {
            counts.add(value, 1);
        }
        let buckets = buckets(&counts);
        assert_eq!(buckets[..5], [1, 1, 2, 2, 1]);
        assert_eq!(buckets.len(), BUCKETS_MAX);
        let labels = |counts: &Counts, buckets: &[usize]| -> Vec<String> {
            let series = [Series { name: "x", counts, role: Role::Plain }];
            let singles = all_single(&shown(&series, BUCKETS_MAX), &series);
            buckets.iter().map(|bucket| label((*bucket, *bucket), singles, &series)).collect()
        };
        assert_eq!(labels(&counts, &[1, 2, 4, 15]), ["1", "2-3", "8-15", "16384+"], "ranges, all of them");
        let few = Counts([(1, 9), (2, 5), (6, 1)].into());
        assert_eq!(labels(&few, &[1, 2, 3]), ["1", "2", "6"], "values, all of them");
        let far = Counts([(1, 9), (64, 5)].into());
        assert_eq!(labels(&far, &[1, 2, 7]), ["1", "2-3", "64-127"], "what lies between is a range");
    }

    #[test]
    fn a_name_keeps_to_its_columns() {
        let name = "SQ depth, share of samples";
        let glyphs = Theme::DEFAULT.glyphs();
        assert_eq!(fitting(name, 26, glyphs), name);
        assert_eq!(fitting(name, 25, glyphs), "SQ depth");
        assert_eq!(width(&fitting(name, 5, glyphs)), 5);
    }

    #[test]
    fn where_rows_are_few_neighbours_share_one_and_nothing_is_left_out() {
        let counts = Counts([(1, 50), (2, 3), (9, 2), (17, 40), (70, 5)].into());
        let series = [Series { name: "x", counts: &counts, role: Role::Plain }];
        for room in 1..9 {
            let (shown, buckets) = (shown(&series, room), buckets(&counts));
            assert!(shown.len() <= room);
            let all: f64 = shown.iter().map(|group| share_of(&buckets, *group)).sum();
            assert!((all - 1.0).abs() < 1e-9, "{room} rows show {all}");
            assert!(shown.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{shown:?}");
        }
        assert_eq!(shown(&series, 4), [(1, 1), (2, 4), (5, 5), (6, 7)]);
    }
}
