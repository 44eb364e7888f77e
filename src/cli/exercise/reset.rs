//! `iolab exercise reset NAME|--all`: as it was given, with a backup.

use clap::Args;

use super::desk::{self, Desk};
use crate::cli::Exit;
use crate::cli::face::print;
use crate::exercise::workspace::Reset;
use crate::exercise::{EXERCISES, Exercise};
use crate::progress::ExerciseEvent;

/// Puts an exercise back to how it was given. What you made of it is kept beside it.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The exercise.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    exercise: Option<String>,
    /// All that are open.
    #[arg(long)]
    all: bool,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut desk = Desk::open()?;
    let exercises: Vec<&Exercise> = match &arguments.exercise {
        Some(name) => vec![desk::named(name)?],
        None => EXERCISES.iter().filter(|exercise| desk.workspace.is_open(exercise)).collect(),
    };
    for exercise in exercises {
        let name = exercise.name();
        let text = match desk.workspace.reset(exercise)? {
            Reset::Nothing => format!("{name}: it is as it was given\n"),
            Reset::Kept(backup) => {
                let backup = backup.display().to_string();
                let text = format!("{name}: as it was given; what you had is in {backup}\n");
                desk.book.note_exercise(name, ExerciseEvent::Reset { backup });
                text
            }
        };
        print(&text)?;
    }
    Ok(Exit::Done)
}
