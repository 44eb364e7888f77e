//! The faces of a result on the command line.

use std::io::Write;

use super::Exit;
use super::trouble::trouble;
use crate::trace::{End, Trace};
use crate::world::World;

/// How a result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Face {
    /// Lines for people and screen readers.
    Plain,
    /// One JSON document for scripts.
    Json,
}

/// Shows a lab's world at a time and says how the lab went.
pub fn show_lab(trace: &Trace, t_ns: u64, face: Face) -> anyhow::Result<Exit> {
    let world = World::at(trace, t_ns);
    if world.is_observed() {
        return print(&observed(&world, face)?).map(|()| Exit::Done);
    }
    let text = match face {
        Face::Plain => without_control(&crate::plain::lab(&world)),
        Face::Json => {
            let views = world.servers();
            let document = crate::export::json::lab(&world, &views);
            serde_json::to_string_pretty(&document)? + "\n"
        }
    };
    print(&text)?;
    Ok(outcome(&world))
}

/// An observed program as a face shows it.
pub fn observed(world: &World<'_>, face: Face) -> anyhow::Result<String> {
    Ok(match face {
        Face::Plain => without_control(&crate::plain::observe(world)),
        Face::Json => {
            let views = world.servers();
            serde_json::to_string_pretty(&crate::export::observe::observe(world, &views))? + "\n"
        }
    })
}

/// A server that the machine refuses is not a failure of the lab.
fn outcome(world: &World<'_>) -> Exit {
    let ends: Vec<_> = world.runs.iter().filter_map(|run| run.end.as_ref()).collect();
    let failed = |end: &&End| matches!(end, End::ServerGone { .. } | End::ClientFailed { .. });
    if ends.iter().any(failed) {
        Exit::Failed
    } else if ends.iter().any(|end| matches!(end, End::Refused { .. })) {
        Exit::Refused
    } else {
        Exit::Done
    }
}

/// A recording may come from anywhere: what it names must not speak to the terminal.
pub fn without_control(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Prints text. When its reader has gone away (`| head`) the program is done: nobody would hear the rest, and
/// what it started ends with it.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    // A prompt has no line end to be sent at.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.map_err(|error| trouble("cannot print the result", &error)),
    }
}

/// Prints a result that has lost its place. Where nobody reads that either, it is lost.
#[cfg(feature = "live")]
pub fn print_beside(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says something that is not the result.
#[expect(clippy::print_stderr, reason = "what is not the result goes beside it")]
pub fn warn(text: &str) {
    eprintln!("iolab: {text}");
}
