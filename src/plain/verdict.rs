//! A verdict as text: each criterion with its state in a glyph and a word, what was expected, what was seen, why it
//! matters, what to try; then the points.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::exercise::{Judged, State, Verdict};

/// Lines are at most so wide where the reader's width is not known.
pub const WIDTH: usize = 78;

/// How far what belongs to a criterion stands in.
const INDENT: usize = 4;

/// Room for the longest label.
const LABEL: usize = 10;

/// How a verdict may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the reader.
    pub columns: usize,
    /// Whether characters beyond ASCII can be shown.
    pub unicode: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { columns: WIDTH, unicode: true }
    }
}

/// A state's glyph and word; the word alone says all.
pub fn state(state: State, style: Style) -> String {
    let glyph = match (state, style.unicode) {
        (State::Pass, true) => "✓",
        (State::Pass, false) => "+",
        (State::Fail, true) => "✗",
        (State::Fail, false) => "x",
        (State::Hung, true) => "∞",
        (State::Hung, false) => "~",
        (State::Crashed, _) => "!",
        (State::Skipped, _) => "-",
        (State::Error, _) => "?",
    };
    format!("{glyph} {}", state.word())
}

/// One criterion, as soon as it is judged. Its first line begins with [`state`].
pub fn criterion(judged: &Judged, style: Style) -> String {
    let head = format!("{:<9} {}", state(judged.state, style), judged.id);
    let points = match judged.state {
        State::Skipped => format!("({} not counted)", points(judged.points_max)),
        _ => format!("({} of {})", judged.points, points(judged.points_max)),
    };
    let mut out = wrapped(&format!("{head}: {} {points}", judged.what), 0, INDENT, style);
    let is_pass = judged.state == State::Pass;
    for (label, text) in [
        ("expected", if is_pass { "" } else { &judged.expected }),
        ("seen", &judged.seen),
        ("why", &judged.why),
        ("next", &judged.next),
    ] {
        if !text.is_empty() {
            let line = format!("{:<LABEL$}{text}", format!("{label}:"));
            out += &wrapped(&line, INDENT, INDENT + LABEL, style);
        }
    }
    out
}

/// What it comes to, in a line or two.
pub fn sum(verdict: &Verdict) -> String {
    let count =
        |wanted: fn(State) -> bool| verdict.criteria.iter().filter(|judged| wanted(judged.state)).count();
    let skipped = count(|state| state == State::Skipped);
    let errors = count(|state| state == State::Error);
    let of = format!("{} of {}", verdict.points, points(verdict.points_max));
    let name = clean(&verdict.exercise);
    let mut out = match () {
        () if verdict.is_skipped() => format!("{name}: nothing of it can be judged on this machine\n"),
        () if verdict.is_passed() => format!("{name}: passed, {of}\n"),
        () => format!("{name}: not passed yet, {of}\n"),
    };
    if skipped > 0 && !verdict.is_skipped() {
        let _ = writeln!(
            out,
            "{}: this machine does not allow it; its points count for nobody",
            criteria(skipped, "skipped")
        );
    }
    if errors > 0 {
        let _ = writeln!(out, "{}: the checker could not do its work", criteria(errors, "not judged"));
    }
    out
}

/// Where the runs are recorded in which something failed, each once.
pub fn evidence(verdict: &Verdict) -> String {
    let failed = verdict.criteria.iter().filter(|judged| judged.state.is_failure());
    let mut files: Vec<&str> = failed.filter_map(|judged| judged.evidence.as_deref()).collect();
    files.dedup();
    files.iter().map(|file| format!("recorded: {}\n", clean(file))).collect()
}

/// A whole verdict.
pub fn verdict(verdict: &Verdict, style: Style) -> String {
    let criteria: String = verdict.criteria.iter().map(|judged| criterion(judged, style)).collect();
    format!("{criteria}\n{}{}", sum(verdict), evidence(verdict))
}

fn points(number: u32) -> String {
    if number == 1 { "1 point".into() } else { format!("{number} points") }
}

fn criteria(number: usize, what: &str) -> String {
    if number == 1 { format!("1 criterion {what}") } else { format!("{number} criteria {what}") }
}

/// Lines of a text, the first indented by `first` and the others by `rest`. A word that is longer than a line
/// stays whole: it may be a path that somebody wants to copy.
pub fn wrapped(text: &str, first: usize, rest: usize, style: Style) -> String {
    let mut out = String::new();
    let mut line = " ".repeat(first);
    let mut is_empty = true;
    // A run of spaces behind a label is a column.
    for word in clean(text).split_inclusive(' ') {
        let width = word.trim_end().width();
        if !is_empty && line.width() + width > style.columns {
            out += line.trim_end();
            out.push('\n');
            (line, is_empty) = (" ".repeat(rest), true);
            if width == 0 {
                continue;
            }
        }
        line += word;
        is_empty = false;
    }
    out += line.trim_end();
    out.push('\n');
    out
}

/// What a learner's program said must not speak to the terminal, nor make lines that look like a verdict's.
fn clean(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' => ' ',
        // Those turn the direction of what follows.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(id: &str, state: State, what: &str, expected: &str, seen: &str) -> Judged {
        let told = |text: &str| if state == State::Pass { String::new() } else { text.to_owned() };
        Judged {
            id: id.into(),
            state,
            points: if state == State::Pass { 4 } else { 0 },
            points_max: 4,
            what: what.into(),
            expected: expected.into(),
            seen: seen.into(),
            why: told("With EPOLLET the kernel tells once; what is not read then is told of no more."),
            next: told("read until the call answers EAGAIN"),
            evidence: None,
        }
    }

    fn burst(state: State, seen: &str) -> Judged {
        judged("burst", state, "a burst of 64 KiB comes back whole", "every byte back, in order", seen)
    }

    #[test]
    fn a_pass_shows_what_was_seen() {
        let spin = judged(
            "no-spin",
            State::Pass,
            "at rest it asks nothing",
            "at most 5 system calls",
            "2 system calls",
        );
        let all = vec![burst(State::Pass, "64 echoes, every byte in order"), spin];
        insta::assert_snapshot!(verdict(&Verdict::of("drain-the-edge", all), Style::default()));
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_try() {
        let all = vec![
            burst(State::Pass, "64 echoes, every byte in order"),
            burst(
                State::Fail,
                "connection 3 had 4096 of 65536 bytes; connection 4 had 4096 of 65536 bytes; and 6 more",
            ),
        ];
        insta::assert_snapshot!(verdict(&Verdict::of("drain-the-edge", all), Style::default()));
    }

    #[test]
    fn hung_names_what_it_sleeps_in() {
        let all =
            vec![burst(State::Hung, "it sleeps in epoll_wait(2) on fd 4, and 12288 bytes wait in fd 5")];
        insta::assert_snapshot!(verdict(&Verdict::of("drain-the-edge", all), Style::default()));
    }

    #[test]
    fn crashed_says_how_and_lets_no_control_through() {
        let all = vec![burst(
            State::Crashed,
            "ended by SIGABRT; it said \u{1b}[2Jthread 'main' panicked\nat main.rs",
        )];
        let text = verdict(&Verdict::of("drain-the-edge", all), Style { columns: 40, unicode: false });
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn skipped_is_nobodys_failure() {
        let mut skipped = burst(State::Skipped, "not judged: io_uring_setup: ENOSYS (kernel 5.0)");
        skipped.why = String::new();
        skipped.next = "a kernel from 5.1 on".into();
        let some = vec![burst(State::Pass, "64 echoes"), skipped.clone()];
        let all = vec![skipped];
        let text = [some, all]
            .map(|criteria| verdict(&Verdict::of("raw-nops", criteria), Style::default()))
            .concat();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_recording_is_named_once_and_only_where_something_failed() {
        let recorded = |state| Judged { evidence: Some("/w/run.trace.gz".into()), ..burst(state, "") };
        let told = |states: &[State]| {
            evidence(&Verdict::of("x", states.iter().map(|state| recorded(*state)).collect()))
        };
        assert_eq!(told(&[State::Fail, State::Pass, State::Hung]), "recorded: /w/run.trace.gz\n");
        assert_eq!(told(&[State::Pass]), "");
    }

    #[test]
    fn no_line_is_wider_than_asked_unless_a_word_is() {
        let judged = burst(State::Fail, &"words of some length ".repeat(20));
        for columns in [30, 40, 60, 78, 120] {
            let text = criterion(&judged, Style { columns, unicode: true });
            assert!(text.lines().all(|line| line.width() <= columns), "{columns}:\n{text}");
        }
    }
}
