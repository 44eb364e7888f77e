//! The report as lines of text, for people, pipes and screen readers.
//!
//! ```text
//! ✓ ok       io_uring    a ring was made and answered a NOP (uid 1000)
//!            why         lessons 3 to 7 run io_uring servers; …
//! ✗ refused  perf        perf_event_open: EACCES (perf_event_paranoid 2)
//!            why         …
//!            try         `sudo sysctl kernel.perf_event_paranoid=1`
//! ```
//!
//! The state is a sign *and* a word, so it survives without colour and when read aloud; each line stands for
//! itself. A command in backticks is never broken over two lines, so that it can be copied.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use unicode_width::UnicodeWidthStr as _;

use super::check::{Check, State};
use super::report::Report;

/// How the lines may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns to fill; words longer than that stand alone on their line.
    pub columns: usize,
    /// Whether escape codes for colours may be written.
    pub colour: bool,
    /// Whether letters beyond ASCII may be written.
    pub unicode: bool,
}

/// Columns before a check's name: sign, blank, word, blanks.
const STATE_COLUMNS: usize = 11;
/// Columns of a check's name with the blanks behind it.
const NAME_COLUMNS: usize = 12;
/// The narrowest column of text that is still worth reading.
const TEXT_COLUMNS_MIN: usize = 24;

impl Report {
    /// The report as text, with a line break at the end of each line.
    pub fn plain(&self, style: Style) -> String {
        let mut text = String::new();
        for check in &self.checks {
            self::check(&mut text, check, style);
        }
        text.push('\n');
        paragraph(&mut text, &self.verdict, 0, style.columns);
        text
    }
}

/// One check: its state, what it says, why that matters, what to try.
fn check(text: &mut String, check: &Check, style: Style) {
    let state = state(check.state, style.unicode);
    // Padding is counted before colour: escape codes have no width.
    let padding = " ".repeat(STATE_COLUMNS.saturating_sub(state.width()));
    match (style.colour, check.state) {
        (false, _) => text.push_str(&state),
        (true, State::Ok) => push(text, state.green()),
        (true, State::Limited) => push(text, state.yellow()),
        (true, State::Refused) => push(text, state.red()),
    }
    text.push_str(&padding);
    entry(text, &check.id, &check.says, style);
    let more = [("why", &check.why), ("try", &check.try_this)];
    for (name, says) in more.into_iter().filter(|(_, says)| !says.is_empty()) {
        text.push_str(&" ".repeat(STATE_COLUMNS));
        entry(text, name, says, style);
    }
}

/// A name and the paragraph beside it.
fn entry(text: &mut String, name: &str, says: &str, style: Style) {
    push(text, format_args!("{name:NAME_COLUMNS$}"));
    let says = if style.unicode { says.to_owned() } else { ascii(says) };
    paragraph(text, &says, STATE_COLUMNS + NAME_COLUMNS, style.columns);
}

/// Sign and word of a state.
fn state(state: State, unicode: bool) -> String {
    let sign = match (state, unicode) {
        (State::Ok, true) => "✓",
        (State::Limited, true) => "△",
        (State::Refused, true) => "✗",
        (State::Ok, false) => "+",
        (State::Limited, false) => "~",
        (State::Refused, false) => "x",
    };
    format!("{sign} {}", state.word())
}

/// Writes `says` filled to `columns`; its first line begins where the cursor is, at `indent`.
fn paragraph(text: &mut String, says: &str, indent: usize, columns: usize) {
    let room = columns.saturating_sub(indent).max(TEXT_COLUMNS_MIN);
    let mut used = 0;
    for word in words(says) {
        let width = word.width();
        if used > 0 && used + 1 + width > room {
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += width;
    }
    text.push('\n');
}

/// The words of a text; a command in backticks is one word, with what is attached to it.
fn words(says: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    says.split(move |letter: char| {
        inside ^= letter == '`';
        letter == ' ' && !inside
    })
    .filter(|word| !word.is_empty())
}

/// The text without letters beyond ASCII, for locales that cannot show them.
fn ascii(says: &str) -> String {
    says.replace('…', "...").chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect()
}

/// Appends something that can be shown.
fn push(text: &mut String, shown: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{shown}");
}

#[cfg(test)]
mod tests {
    use super::{paragraph, words};

    #[test]
    fn a_command_is_never_broken() {
        let says = "first `sudo sysctl kernel.perf_event_paranoid=1`, then again";
        let all: Vec<_> = words(says).collect();
        assert_eq!(all, ["first", "`sudo sysctl kernel.perf_event_paranoid=1`,", "then", "again"]);
        let mut text = String::new();
        paragraph(&mut text, says, 4, 30);
        assert_eq!(text, "first\n    `sudo sysctl kernel.perf_event_paranoid=1`,\n    then again\n");
    }

    #[test]
    fn a_lone_backtick_loses_nothing() {
        assert_eq!(words("a `b c").collect::<Vec<_>>(), ["a", "`b c"]);
        assert_eq!(words("").count(), 0);
    }
}
