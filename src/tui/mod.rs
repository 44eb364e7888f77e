//! The terminal: raw mode, signals, the loop. Knows nothing of the kernel's details, of servers or probes:
//! what runs is a [`Runner`](crate::lesson::Runner), what is seen is a [`screen::frame`](crate::screen::frame()).
//!
//! One loop: block on a channel, drain it, draw at most [`FRAMES_PER_SECOND`] times a second. Nothing
//! polls: idle or frozen, every thread sleeps in the kernel.

mod bench;
mod canvas;
mod hangup;
mod input;
mod options;
mod rehearsal;
mod run;
mod signals;
mod terminal;

pub use options::{Ending, Given, Options};
pub use run::{FRAMES_PER_SECOND, run};

use std::io::IsTerminal;

/// Whether this process has a terminal that can show a screen: standard input and output are one, and
/// `TERM` names one that can move its cursor.
pub fn is_possible() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !matches!(term.as_str(), "" | "dumb")
}
