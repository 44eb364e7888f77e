//! `iolab replay FILE`: shows a recorded run as if it were live.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::face::{self, Face};
use super::trouble::trouble;
use crate::plain;
use crate::trace::file::Unreadable;
use crate::trace::{Record, Run, file};

/// Shows a recorded run; what it prints equals what the live run printed, machine included.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The recorded run.
    file: PathBuf,
    /// Seconds from the beginning of each run; the end when left out. The rounds of servers that took turns
    /// stand side by side at the same time.
    #[arg(long, value_name = "TIME", value_parser = seconds_ns)]
    at: Option<u64>,
    /// How to show it.
    #[arg(long, value_enum, default_value = "plain")]
    format: Face,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let path = arguments.file.display();
    let cannot = || format!("cannot replay {path}");
    let opened = file::open(&arguments.file).map_err(|unreadable| match unreadable {
        Unreadable::File(error) => trouble(cannot(), &error),
        other => anyhow::Error::new(other).context(cannot()),
    })?;
    if let Some(damage) = &opened.damage {
        face::warn(&format!("{path} is damaged at {damage}; what comes before it is shown"));
    }
    if opened.damage.is_none() && opened.trace.runs().iter().any(|run| !ended(run)) {
        face::warn(&format!("{path} has a run without an end: it was cut off, or is still being recorded"));
    }
    if let Some(told) = plain::slow::story(&opened.trace, arguments.at.unwrap_or(u64::MAX))
        && arguments.format == Face::Plain
    {
        return face::print(&face::without_control(&told)).map(|()| Exit::Done);
    }
    face::show_lab(&opened.trace, arguments.at.unwrap_or(u64::MAX), arguments.format)
}

fn ended(run: &Run) -> bool {
    matches!(run.records.last(), Some((_, Record::End { .. })))
}

/// A time on the command line: seconds, as nanoseconds.
pub fn seconds_ns(text: &str) -> Result<u64, String> {
    match text.trim_end_matches('s').parse::<f64>() {
        Ok(seconds) if (0.0..=1e9).contains(&seconds) => Ok((seconds * 1e9) as u64),
        _ => Err("seconds since the beginning, such as 1.5".into()),
    }
}
