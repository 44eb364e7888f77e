//! `iolab doctor`: what this machine allows, which layer refuses, how to change it.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::Exit;
use super::trouble::trouble;
use crate::doctor::plain::Style;
use crate::doctor::{Report, lessons};
use crate::trace::{Capabilities, Colours};

/// Says what this machine allows, which layer refuses what, and how to change it.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The face of the report.
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    format: Format,
    /// First writes down the ids of tracepoints for every user of this machine until its next start, so that
    /// their system calls are counted at full speed too (perf-user). Only root can.
    #[cfg(feature = "live")]
    #[arg(long)]
    share_ids: bool,
}

/// The faces of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people and screen readers.
    Plain,
    /// The document iolab.doctor/1.
    Json,
}

/// Columns that are filled where the terminal does not say how many it has; more are hard to read.
const COLUMNS: u16 = 80;

/// What a build without the feature `live` answers.
const NOT_LIVE: &str = "iolab: this build plays recordings and asks the kernel nothing, so there is nothing to \
                        examine; on Linux, build it with the feature `live` (the default)";

/// Answers the command. A completed examination is a success, whatever it found, unless nothing works.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    #[cfg(feature = "live")]
    if arguments.share_ids {
        share_ids()?;
    }
    let Some(capabilities) = examined() else {
        writeln!(io::stderr(), "{NOT_LIVE}")?;
        return Ok(Exit::Refused);
    };
    let report = Report::of(&capabilities, &lessons());
    let text = match arguments.format {
        Format::Plain => report.plain(style(&capabilities)),
        Format::Json => serde_json::to_string_pretty(&report).context("the report as JSON")? + "\n",
    };
    print(&text).map_err(|error| trouble("cannot print the report", &error))?;
    Ok(if report.works { Exit::Done } else { Exit::Refused })
}

/// Shares the ids and says where they are; on standard error, since the report is what was asked for.
#[cfg(feature = "live")]
fn share_ids() -> anyhow::Result<()> {
    let path = crate::probe::tracepoint_ids::share()
        .context("sharing ids of tracepoints, which root alone can: `sudo iolab doctor --share-ids`")?;
    writeln!(io::stderr(), "iolab: shared ids of tracepoints until the next start: {}", path.display())?;
    Ok(())
}

/// This machine, in a build that can examine one.
#[cfg(feature = "live")]
fn examined() -> Option<Capabilities> {
    Some(crate::doctor::examine_thoroughly())
}

#[cfg(not(feature = "live"))]
fn examined() -> Option<Capabilities> {
    None
}

/// How lines may look on this standard output.
fn style(capabilities: &Capabilities) -> Style {
    match &capabilities.around.terminal {
        Some(terminal) => Style {
            columns: terminal.cells.map_or(COLUMNS, |(columns, _)| columns.min(COLUMNS)).into(),
            colour: io::stdout().is_terminal() && terminal.colours >= Colours::Sixteen,
            unicode: terminal.utf8,
        },
        // A pipe or a file: whoever reads it later reads UTF-8.
        None => Style { columns: COLUMNS.into(), colour: false, unicode: true },
    }
}

/// Writes all of it; a reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
