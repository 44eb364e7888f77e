//! The terminal: what it shows, and which face a lesson takes in it.

use crate::doctor::check::Check;
use crate::trace::{Capabilities, Colours, Layer};

/// The smallest terminal in which a screen is readable from the last row of a room.
const SMALLEST: (u16, u16) = (60, 18);

/// Standard output: a terminal or not, its size, colours and letters.
pub fn terminal(capabilities: &Capabilities) -> Check {
    let why =
        "the screens adapt to it; `--format plain` says the same in lines, for pipes and screen readers";
    let Some(terminal) = &capabilities.around.terminal else {
        let check = Check::ok("terminal", "standard output is no terminal: faces are plain", why);
        return check.limited(Layer::Terminal, "run it in a terminal for the screens");
    };
    let size = match terminal.cells {
        Some((columns, rows)) => format!("{columns}x{rows}"),
        None => "of unknown size".to_owned(),
    };
    let colours = match terminal.colours {
        Colours::None => "no colours",
        Colours::Declined => "no colours (NO_COLOR)",
        Colours::Sixteen => "16 colours",
        Colours::TwoHundredFiftySix => "256 colours",
        Colours::True => "24-bit colours",
    };
    let letters = if terminal.utf8 { "UTF-8" } else { "ASCII only" };
    let term = if terminal.term.is_empty() { "TERM unset" } else { &terminal.term };
    let check = Check::ok("terminal", format!("{term}, {size}, {colours}, {letters}"), why);
    let small = terminal.cells.is_some_and(|(columns, rows)| columns < SMALLEST.0 || rows < SMALLEST.1);
    match terminal.term.as_str() {
        "" | "dumb" => check.limited(Layer::Terminal, "`export TERM=xterm-256color`, if it is one"),
        _ if small => {
            let try_this = format!("a window of at least {}x{} cells", SMALLEST.0, SMALLEST.1);
            check.limited(Layer::Terminal, try_this)
        }
        _ if !terminal.utf8 => check.limited(Layer::Terminal, "`export LANG=C.UTF-8`"),
        _ => check,
    }
}
