//! How verdicts look on this standard output: in colours on a terminal that has some, in plain letters elsewhere.

use std::io::{self, IsTerminal as _, Write as _};

use owo_colors::{AnsiColors, OwoColorize as _};

use crate::cli::look::speaks_utf8;
use crate::exercise::{Judged, State};
use crate::plain::verdict::{self, Style};
use crate::trace::Colours;

/// Lines longer than this are hard to read.
const COLUMNS: u16 = 80;

/// How lines may look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether standard output shows colours, and understands what moves its cursor.
    pub colour: bool,
    /// Widths and glyphs.
    pub style: Style,
}

impl Look {
    /// As standard output allows.
    pub fn of_stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self { colour: false, style: Style::default() };
        }
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = Colours::of(&variable("TERM"), &variable("COLORTERM"), declined);
        // Some terminals do not know their size, and say 0.
        let columns =
            crossterm::terminal::size().ok().map(|(columns, _)| columns).filter(|columns| *columns > 0);
        let columns = columns.map_or(COLUMNS, |columns| columns.clamp(20, COLUMNS));
        Self {
            colour: colours >= Colours::Sixteen,
            style: Style { columns: columns.into(), unicode: speaks_utf8() },
        }
    }

    /// Plain letters, whatever standard output allows.
    pub fn plain() -> Self {
        Self { colour: false, style: Style::default() }
    }

    /// A criterion.
    pub fn criterion(&self, judged: &Judged) -> String {
        let text = verdict::criterion(judged, self.style);
        let head = verdict::state(judged.state, self.style);
        match text.strip_prefix(&head) {
            Some(rest) if self.colour => format!("{}{rest}", head.color(colour(judged.state))),
            _ => text,
        }
    }

    /// An empty screen, where there is one: each save begins at its top.
    pub fn clear(&self) -> &'static str {
        if self.colour { "\x1b[H\x1b[2J" } else { "" }
    }
}

fn colour(state: State) -> AnsiColors {
    match state {
        State::Pass => AnsiColors::Green,
        State::Fail | State::Hung | State::Crashed => AnsiColors::Red,
        State::Skipped => AnsiColors::Yellow,
        State::Error => AnsiColors::Magenta,
    }
}

/// Prints; a reader that has gone away is an error, so that what was started can be ended.
pub fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether an error is a reader that has gone away, which is no failure.
pub fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
