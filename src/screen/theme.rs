//! How things look: a palette or no colour, block characters or ASCII. Never a background.
//!
//! A style says a role, not a colour, so that a theme is one match. What matters is never told by style
//! alone: each state has a glyph and a word.

mod palette;

use std::borrow::Cow;

use ratatui::style::Style;

pub use palette::{Depth, Palette};

/// What a piece of text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Running text.
    Plain,
    /// What may be overlooked at first: units, rungs, hints.
    Quiet,
    /// Lines and frames.
    Frame,
    /// Titles.
    Title,
    /// A term or the point of a sentence.
    Strong,
    /// Names from programs.
    Code,
    /// A key that can be pressed.
    Key,
    /// A number that was measured.
    Number,
    /// The learner's own: what was typed.
    Own,
    /// Something is as it should be.
    Good,
    /// Something deserves attention.
    Warn,
    /// Something failed.
    Bad,
    /// The submission queue.
    Submission,
    /// The completion queue.
    Completion,
    /// Where the focus is.
    Focus,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 15] = [
        Self::Plain,
        Self::Quiet,
        Self::Frame,
        Self::Title,
        Self::Strong,
        Self::Code,
        Self::Key,
        Self::Number,
        Self::Own,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Submission,
        Self::Completion,
        Self::Focus,
    ];
}

/// Characters that are drawn with.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after what it marks")]
pub struct Glyphs {
    pub live: &'static str,
    pub frozen: &'static str,
    pub stopped: &'static str,
    pub recorded: &'static str,
    pub exact: &'static str,
    pub partial: &'static str,
    pub client: &'static str,
    pub good: &'static str,
    pub bad: &'static str,
    pub warn: &'static str,
    pub ask: &'static str,
    pub bullet: &'static str,
    pub arrow: &'static str,
    pub done: &'static str,
    pub open: &'static str,
    pub head: &'static str,
    pub tail: &'static str,
    pub empty: &'static str,
    pub full: &'static str,
    pub contended: &'static str,
    pub asleep: &'static str,
    pub playhead: &'static str,
    pub passed: &'static str,
    pub mark: &'static str,
    pub change: &'static str,
    pub ellipsis: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub left_right: &'static str,
    pub up_down: &'static str,
    pub micro: &'static str,
    pub less_or_equal: &'static str,
    /// Eighths of a cell, from one to eight.
    pub eighths: [&'static str; 8],
    /// Levels from one eighth to all: low ones stand for little.
    pub levels: [&'static str; 8],
    /// horizontal, vertical, then corners ┌┐└┘ and the joints ├┤┬┴.
    pub lines: [&'static str; 10],
}

static BLOCKS: Glyphs = Glyphs {
    live: "▶",
    frozen: "‖",
    stopped: "■",
    recorded: "○",
    exact: "●",
    partial: "◐",
    client: "○",
    good: "✓",
    bad: "✗",
    warn: "!",
    ask: "▸",
    bullet: "•",
    arrow: "→",
    done: "▮",
    open: "▯",
    head: "▲",
    tail: "▼",
    empty: "·",
    full: "█",
    contended: "▒",
    asleep: "z",
    playhead: "┃",
    passed: "━",
    mark: "◆",
    change: "┆",
    ellipsis: "…",
    up: "↑",
    down: "↓",
    left_right: "←→",
    up_down: "↑↓",
    micro: "µs",
    less_or_equal: "≤",
    eighths: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    lines: ["─", "│", "┌", "┐", "└", "┘", "├", "┤", "┬", "┴"],
};

static ASCII: Glyphs = Glyphs {
    live: ">",
    frozen: "=",
    stopped: "#",
    recorded: "o",
    exact: "*",
    partial: "~",
    client: "o",
    good: "+",
    bad: "x",
    warn: "!",
    ask: ">",
    bullet: "-",
    arrow: "->",
    done: "#",
    open: ".",
    head: "^",
    tail: "v",
    empty: ".",
    full: "#",
    contended: "&",
    asleep: "z",
    playhead: "|",
    passed: "=",
    mark: "M",
    change: ":",
    ellipsis: "~",
    up: "^",
    down: "v",
    left_right: "<>",
    up_down: "^v",
    micro: "us",
    less_or_equal: "<=",
    eighths: [" ", " ", " ", "#", "#", "#", "#", "#"],
    levels: [":", "-", "=", "+", "*", "%", "#", "@"],
    lines: ["-", "|", "+", "+", "+", "+", "+", "+", "+", "+"],
};

/// A look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Its colours.
    pub palette: Palette,
    /// Whether only ASCII may be drawn.
    pub ascii: bool,
}

impl Theme {
    /// Colours and block characters.
    pub const DEFAULT: Self = Self { palette: Palette::Ansi, ascii: false };

    /// Its characters.
    pub fn glyphs(self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &BLOCKS }
    }

    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        self.palette.style(role)
    }

    /// Text as this look can draw it: with `--ascii`, what is beyond ASCII is spelt out.
    pub fn spell(self, text: &str) -> Cow<'_, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                'µ' => out.push('u'),
                // A question mark would make it a prediction.
                '▸' => out.push('>'),
                '→' => out.push_str("->"),
                '←' => out.push_str("<-"),
                '↑' => out.push('^'),
                '↓' => out.push('v'),
                '≤' => out.push_str("<="),
                '≥' => out.push_str(">="),
                '×' => out.push('x'),
                '−' | '–' | '—' => out.push('-'),
                '…' => out.push_str("..."),
                '“' | '”' | '„' => out.push('"'),
                '’' | '‘' => out.push('\''),
                '\u{a0}' | '\u{202f}' => out.push(' '),
                c if c.is_ascii() => out.push(c),
                _ => out.push('?'),
            }
        }
        Cow::Owned(out)
    }
}
