//! The server's source, with the line lit that made the call.

use super::part::{Part, line};
use crate::screen::paint::{shorten, wrap};
use crate::screen::text::Line;
use crate::screen::theme::{Glyphs, Role};
use crate::servers::listings::listing;
use crate::trace::{Source, SourceLine};

/// Lines above and below the lit one.
const AROUND: u32 = 14;

pub(super) fn part(source: &Source, columns: u16, glyphs: &Glyphs) -> Part {
    match source {
        Source::Unknown { why } => {
            let says = format!("The line is unknown: {why}.");
            let lines: Vec<_> =
                wrap(&says, columns).into_iter().map(|says| line(says, Role::Quiet)).collect();
            Part::new("source", lines, 1)
        }
        Source::Line(lit) => of_line(lit, columns, glyphs),
    }
}

fn of_line(lit: &SourceLine, columns: u16, glyphs: &Glyphs) -> Part {
    let title = format!("{}:{}", lit.file, lit.line);
    // A recording may be older than this program: its line is shown on the listing only where both agree.
    let listing = listing(&lit.file).filter(|listing| listing.line(lit.line).trim() == lit.says);
    let Some(listing) = listing else {
        let mut lines = vec![numbered(lit.line, &lit.says, true, columns, glyphs)];
        lines.push(line("The file is another by now, or not at hand.", Role::Quiet));
        return Part { centre: Some(0), ..Part::new(title, lines, 1) };
    };
    let first = lit.line.saturating_sub(AROUND).max(1);
    let skip = usize::try_from(first - 1).unwrap_or(0);
    let take = usize::try_from(lit.line - first + AROUND + 1).unwrap_or(0);
    let shown = listing.text.lines().skip(skip).take(take);
    // What all of them are indented by tells nothing.
    let indent = |text: &str| text.len() - text.trim_start().len();
    let common = shown.clone().filter(|text| !text.trim().is_empty()).map(indent).min().unwrap_or(0);
    let cut = |text: &'static str| text.get(common..).unwrap_or_default();
    let lines = (first..).zip(shown).map(|(n, text)| numbered(n, cut(text), n == lit.line, columns, glyphs));
    let centre = usize::try_from(lit.line - first).ok();
    Part { centre, remark: function(&lit.function), ..Part::new(title, lines.collect(), 1) }
}

fn numbered(number: u32, text: &str, is_lit: bool, columns: u16, glyphs: &Glyphs) -> Line {
    let text = shorten(text, columns.saturating_sub(6), glyphs);
    let is_prose = text.trim_start().starts_with("//");
    let (mark, role) = match is_lit {
        true => (glyphs.ask, Role::Focus),
        false if is_prose => (" ", Role::Quiet),
        false => (" ", Role::Plain),
    };
    vec![(format!("{mark}{number:>4} "), if is_lit { Role::Focus } else { Role::Frame }), (text, role)]
}

/// `iolab::servers::epoll::run` as `run`: the file is named beside it.
fn function(name: &str) -> String {
    let name = name.split('<').next().unwrap_or(name);
    name.trim_end_matches("::").rsplit("::").next().unwrap_or_default().to_owned()
}
