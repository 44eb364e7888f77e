//! `iolab lesson [N|NAME]`: a lesson on the terminal, as lines, or as a document.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::face::print;
use super::look::LookArguments;
use super::{Exit, lesson_lines, nearest};
use crate::lesson::{self, LESSONS, Source};
use crate::lesson::{Recorded, Runner};
use crate::tui;

/// Opens a lesson: read, predict a number, run real servers, see why.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Its number or name; without one the lessons are listed.
    lesson: Option<String>,
    /// The step to open it at, from 1.
    #[arg(long, value_name = "S", default_value_t = 1)]
    step: usize,
    /// Play the recorded runs instead of running servers.
    #[arg(long)]
    replay: bool,
    /// For a projector: one thing at a time, readable at 60x18; answers stay hidden until v shows them.
    #[arg(long)]
    present: bool,
    /// The face: tui on a terminal, plain elsewhere, or json.
    #[arg(long, value_enum)]
    format: Option<Face>,
    #[command(flatten)]
    look: LookArguments,
    /// For authors: runs every lab that names a recording and writes the recordings to a folder.
    #[arg(long, value_name = "DIR", hide = true)]
    record: Option<PathBuf>,
}

/// How a lesson is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Face {
    /// A screen.
    Tui,
    /// Lines, for people, pipes and screen readers.
    Plain,
    /// One document, for scripts.
    Json,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(wanted) = &arguments.lesson else {
        return list();
    };
    let Some(source) = lesson::find(wanted) else {
        return unknown(wanted);
    };
    if let Some(folder) = &arguments.record {
        return lesson_lines::record(&read(source)?, folder, runner(source, arguments).as_mut());
    }
    let face = match arguments.format {
        Some(face) => face,
        None if tui::is_possible() => Face::Tui,
        None => Face::Plain,
    };
    match face {
        Face::Tui => screen(source, arguments),
        Face::Plain => {
            lesson_lines::plain(&read(source)?, from(arguments), runner(source, arguments).as_mut())
        }
        Face::Json => lesson_lines::json(&read(source)?, from(arguments), runner(source, arguments).as_mut()),
    }
}

/// The full screen.
fn screen(source: &'static Source, arguments: &Arguments) -> anyhow::Result<Exit> {
    let lesson = read(source)?;
    show(&lesson, from(arguments), arguments.present, &arguments.look, runner(source, arguments).as_mut())
}

/// A lesson, or the playground, on the screen.
///
/// # Errors
/// No terminal that can show it, and what to try; what the terminal refuses.
pub(super) fn show(
    lesson: &lesson::Lesson,
    step: usize,
    present: bool,
    look: &LookArguments,
    runner: &mut dyn Runner,
) -> anyhow::Result<Exit> {
    anyhow::ensure!(
        tui::is_possible(),
        "the full screen needs a terminal that can move its cursor (TERM is {:?}); --format plain needs none",
        std::env::var("TERM").unwrap_or_default()
    );
    let theme = match look.theme() {
        Ok(theme) => theme,
        Err(error) => {
            super::complain(&error);
            return Ok(Exit::Usage);
        }
    };
    let options = tui::Options { step, theme, present };
    let ending = tui::lesson(lesson, options, runner).context("the terminal could not be used")?;
    if ending.signal.is_none() {
        // A terminal that is gone hears no receipt, and that is no failure.
        let _ = say(&ending.receipt);
    }
    ending.pass_signal_on().context("the signal that ended the screen could not be passed on")?;
    Ok(Exit::Done)
}

fn read(source: &Source) -> anyhow::Result<lesson::Lesson> {
    source.read().map_err(|mistake| anyhow::anyhow!("{mistake}"))
}

/// The step to begin at, from 0.
fn from(arguments: &Arguments) -> usize {
    arguments.step.saturating_sub(1)
}

/// Who makes the runs.
fn runner(source: &'static Source, arguments: &Arguments) -> Box<dyn Runner> {
    if arguments.replay {
        return Box::new(Recorded::new(source, "--replay asks for it"));
    }
    #[cfg(feature = "live")]
    return Box::new(crate::lab::Live::new(source));
    #[cfg(not(feature = "live"))]
    Box::new(Recorded::new(source, "this build runs no servers"))
}

fn list() -> anyhow::Result<Exit> {
    say(&titles())?;
    Ok(Exit::Done)
}

fn titles() -> Vec<String> {
    let row = |source: &Source| {
        let title = source.read().map(|lesson| lesson.title).unwrap_or_default();
        format!("{:>3}  {:<20} {title}", source.number(), source.name())
    };
    LESSONS.iter().map(row).collect()
}

/// A lesson that does not exist: what was meant, and what there is.
#[expect(clippy::print_stderr, reason = "an answer to a mistyped command")]
fn unknown(wanted: &str) -> anyhow::Result<Exit> {
    eprintln!("iolab: there is no lesson {wanted:?}");
    if let Some(name) = nearest::nearest(wanted, LESSONS.iter().map(Source::name)) {
        eprintln!("did you mean: iolab lesson {name}");
    }
    eprintln!("lessons:");
    for title in titles() {
        eprintln!("{title}");
    }
    Ok(Exit::Usage)
}

fn say(lines: &[String]) -> anyhow::Result<()> {
    print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}
