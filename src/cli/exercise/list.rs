//! `iolab exercise list`: all exercises, by lesson, and how far the learner is.

use clap::Args;

use super::desk::{self, here};
use super::paint::Look;
use crate::cli::Exit;
use crate::cli::face::{Face, print};
use crate::cli::screen;
use crate::exercise::workspace::Workspace;
use crate::exercise::{EXERCISES, Manifest};
use crate::plain::Row;
use crate::progress::Progress;
use crate::{export, plain};

/// Lists the exercises by lesson: points, what became of each, which are open; or tells what one is about.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The exercise to tell of: what it teaches, what is judged, how far you are.
    #[arg(conflicts_with = "format")]
    exercise: Option<String>,
    /// The face of the list.
    #[arg(long, value_enum, default_value = "plain")]
    format: Face,
}

/// Answers the command; a workspace is not needed.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let workspace = Workspace::find(&here()?).ok();
    let book = desk::book();
    if let Some(name) = &arguments.exercise {
        let exercise = desk::named(name)?;
        let course = screen::course()?;
        let index = course.exercises.iter().position(|posed| posed.name == exercise.name()).unwrap_or(0);
        let style = Look::of_stdout().style;
        print(&plain::exercise(&course, index, book.progress(), workspace.is_some(), style))?;
        return Ok(Exit::Done);
    }
    print(&text(workspace.as_ref(), book.progress(), arguments.format, Look::of_stdout())?)?;
    Ok(Exit::Done)
}

/// The list.
pub fn text(
    workspace: Option<&Workspace>,
    progress: &Progress,
    face: Face,
    look: Look,
) -> anyhow::Result<String> {
    let manifests: Vec<Manifest> = EXERCISES.iter().map(desk::manifest).collect::<anyhow::Result<_>>()?;
    let rows: Vec<Row<'_>> = EXERCISES
        .iter()
        .zip(&manifests)
        .map(|(exercise, manifest)| Row {
            number: exercise.number(),
            name: exercise.name(),
            manifest,
            progress: progress.exercise(exercise.name()),
            is_open: workspace.is_some_and(|workspace| workspace.is_open(exercise)),
        })
        .collect();
    if face == Face::Json {
        return Ok(serde_json::to_string_pretty(&export::exercises::exercises(&rows))? + "\n");
    }
    let next = match workspace {
        Some(_) => "open one: iolab exercise watch NAME\n",
        None => "begin: iolab exercise init\n",
    };
    Ok(plain::exercises(&rows, next, look.style))
}
