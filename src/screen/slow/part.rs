//! Parts of a server's column: lines, and how many rows they get.

use crate::screen::text::Line;
use crate::screen::theme::Role;

/// A part: a title, lines, and what is left of them where there is little room.
pub(super) struct Part {
    /// Above it; no row where it is empty.
    pub title: String,
    /// At the end of the title's row.
    pub remark: String,
    /// All there is to show.
    pub lines: Vec<Line>,
    /// The same in fewer rows; empty where there is no shorter form.
    pub short: Vec<Line>,
    /// The line that has to be seen, where not all are.
    pub centre: Option<usize>,
    /// Lines below which it is left out.
    pub least: u16,
    /// Lines beyond which others come first.
    pub enough: u16,
}

impl Part {
    /// Lines under a title.
    pub fn new(title: impl Into<String>, lines: Vec<Line>, least: u16) -> Self {
        Self {
            title: title.into(),
            remark: String::new(),
            lines,
            short: Vec::new(),
            centre: None,
            least,
            enough: u16::MAX,
        }
    }

    /// Rows of its title.
    pub fn head(&self) -> u16 {
        u16::from(!self.title.is_empty())
    }

    /// Rows that it can use, its title not included.
    pub fn most(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }

    /// The lines for so many rows: all, those around the centre, or the short form.
    pub fn fitting(&self, rows: u16) -> &[Line] {
        let rows = usize::from(rows);
        if rows >= self.lines.len() {
            return &self.lines;
        }
        if !self.short.is_empty() {
            return &self.short[..rows.min(self.short.len())];
        }
        let from = self.centre.map_or(0, |centre| centre.saturating_sub(rows / 2));
        let from = from.min(self.lines.len() - rows);
        &self.lines[from..from + rows]
    }
}

/// Rows for each part, titles included; 0 for those that are left out. The first ones come first, each with its
/// least; what is left goes to them in the same order.
pub(super) fn rows(parts: &[Part], height: u16) -> Vec<u16> {
    let mut left = height;
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        let needs = part.least.min(part.most()).saturating_add(part.head());
        let gets = if part.lines.is_empty() || needs > left { 0 } else { needs };
        // The first part is what it is all about.
        let gets = if rows.is_empty() && gets == 0 { needs.min(left) } else { gets };
        left -= gets;
        rows.push(gets);
    }
    // Pictures are worth more than further lines of text; then all get what is enough for them, then all there is.
    let is_picture = |part: &Part| !part.short.is_empty();
    let passes = [(true, false), (false, false), (false, true)];
    let turns = passes.into_iter().flat_map(|pass| (0..parts.len()).map(move |index| (pass, index)));
    for ((pictures, whole), index) in turns {
        let (part, gets) = (&parts[index], &mut rows[index]);
        if *gets == 0 || (pictures && !is_picture(part)) {
            continue;
        }
        let most = if whole { part.most() } else { part.most().min(part.enough) };
        let more = most.saturating_add(part.head()).saturating_sub(*gets);
        // A picture is drawn whole or in its short form.
        let short = u16::try_from(part.short.len()).unwrap_or(u16::MAX);
        let more = match (more <= left, part.short.is_empty()) {
            (true, _) => more,
            (false, true) => left,
            (false, false) => short.saturating_add(part.head()).saturating_sub(*gets).min(left),
        };
        *gets = gets.saturating_add(more);
        left -= more;
    }
    rows
}

/// A line in one role.
pub(super) fn line(text: impl Into<String>, role: Role) -> Line {
    vec![(text.into(), role)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<Line> {
        (0..count).map(|n| line(n.to_string(), Role::Plain)).collect()
    }

    #[test]
    fn the_first_parts_get_their_least_first_and_the_rest_after() {
        let parts = [Part::new("", lines(3), 3), Part::new("a", lines(10), 2), Part::new("b", lines(4), 4)];
        assert_eq!(rows(&parts, 2), [2, 0, 0], "what it is all about is cut, not left out");
        assert_eq!(rows(&parts, 6), [3, 3, 0]);
        assert_eq!(rows(&parts, 11), [3, 3, 5]);
        assert_eq!(rows(&parts, 14), [3, 6, 5]);
    }

    #[test]
    fn what_has_to_be_seen_stays_in_sight() {
        let code = Part { enough: 4, ..Part::new("", lines(20), 1) };
        assert_eq!(
            rows(&[code, Part::new("", lines(3), 1)], 12),
            [9, 3],
            "the others get theirs before it gets all"
        );
        let part = Part { centre: Some(8), ..Part::new("", lines(10), 1) };
        assert_eq!(part.fitting(1)[0][0].0, "8");
        assert_eq!(part.fitting(4)[3][0].0, "9");
        let picture = Part { short: lines(1), ..Part::new("", lines(4), 1) };
        assert_eq!((picture.fitting(3).len(), picture.fitting(4).len()), (1, 4));
    }
}
