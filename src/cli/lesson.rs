//! `iolab lesson [N|NAME]`: a lesson on the terminal, as lines, or as a document.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::look::LookArguments;
use super::screen;
use super::{Exit, face, lesson_lines, nearest, talk};
use crate::lesson::{self, LESSONS, Source};
use crate::progress::{Book, Event};
use crate::screen::Opening;
use crate::tui;

/// Opens a lesson: read, predict a number, run real servers, see why.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Its number or name; without one the lessons are listed.
    lesson: Option<String>,
    /// The step to open it at, from 1; where you left it when left out.
    #[arg(long, value_name = "S")]
    step: Option<usize>,
    /// Begin it anew, at its first step: its predictions are asked again.
    #[arg(long, conflicts_with = "step")]
    from_start: bool,
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
    let runner = || screen::runner(source, arguments.replay);
    if let Some(folder) = &arguments.record {
        return lesson_lines::record(&read(source)?, folder, runner().as_mut());
    }
    let steps = read(source)?.steps.len();
    if let Some(step) = arguments.step.filter(|step| !(1..=steps).contains(step)) {
        let number = source.number();
        super::complain(&anyhow::anyhow!("lesson {number} has no step {step}; its steps are 1 to {steps}"));
        return Ok(Exit::Usage);
    }
    let face = match arguments.format {
        Some(face) => face,
        None if tui::is_possible() => Face::Tui,
        None => Face::Plain,
    };
    match face {
        Face::Tui => {
            let manner = screen::Manner {
                look: &arguments.look,
                present: arguments.present,
                replay: arguments.replay,
                recorded_at_ns: None,
                slow: false,
            };
            screen::show(Some(opening(source, arguments)?), manner)
        }
        Face::Plain if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => {
            let lesson = read(source)?;
            let mut book = Book::open();
            if arguments.from_start {
                book.note(&lesson.name, Event::Begun);
            }
            let from =
                step(arguments).unwrap_or_else(|| book.progress().lesson(&lesson.name).resumes_at(&lesson));
            talk::talk(&lesson, from, runner().as_mut(), &mut book)
        }
        // A pipe gets the same lines each time.
        Face::Plain => lesson_lines::plain(&read(source)?, step(arguments).unwrap_or(0), runner().as_mut()),
        Face::Json => lesson_lines::json(&read(source)?, step(arguments).unwrap_or(0), runner().as_mut()),
    }
}

fn opening(source: &Source, arguments: &Arguments) -> anyhow::Result<Opening> {
    let lesson = LESSONS.iter().position(|row| row.folder == source.folder);
    let lesson = lesson.ok_or_else(|| anyhow::anyhow!("{} is no lesson of the course", source.name()))?;
    Ok(Opening { lesson, step: step(arguments), afresh: arguments.from_start })
}

fn read(source: &Source) -> anyhow::Result<lesson::Lesson> {
    source.read().map_err(|mistake| anyhow::anyhow!("{mistake}"))
}

/// The step to begin at, from 0, if one was asked for.
fn step(arguments: &Arguments) -> Option<usize> {
    arguments.step.map(|step| step.saturating_sub(1))
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
    face::print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}
