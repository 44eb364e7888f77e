//! What every command of the loop has before it: the workspace, the journal, the exercise that is meant.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::face;
use crate::cli::nearest::nearest;
use crate::exercise::trouble::Trouble;
use crate::exercise::workspace::Workspace;
use crate::exercise::{EXERCISES, Exercise, Manifest, find};
use crate::progress::{Book, ExerciseEvent, ExerciseProgress};

/// The workspace at hand, and the learner's journal.
pub struct Desk {
    /// Where the command was typed.
    pub here: PathBuf,
    /// The workspace around it.
    pub workspace: Workspace,
    /// The journal.
    pub book: Book,
}

impl Desk {
    /// The desk around the current folder.
    pub fn open() -> anyhow::Result<Self> {
        let here = here()?;
        let workspace = Workspace::find(&here)?;
        Ok(Self { here, workspace, book: book() })
    }

    /// How far the learner is in an exercise.
    pub fn progress(&self, exercise: &Exercise) -> &ExerciseProgress {
        self.book.progress().exercise(exercise.name())
    }

    /// The exercise of that name; without one, that in whose folder the command was typed, else the open one that
    /// the learner is at.
    pub fn exercise(&self, name: Option<&str>) -> Result<&'static Exercise, Trouble> {
        if let Some(name) = name {
            return named(name);
        }
        if let Some(exercise) = self.workspace.around(&self.here, EXERCISES) {
            return Ok(exercise);
        }
        let open = || EXERCISES.iter().filter(|exercise| self.workspace.is_open(exercise));
        let is_passed = |exercise: &&Exercise| self.progress(exercise).passed.is_some();
        let touched = self.book.progress().last_exercise();
        let touched = open().find(|exercise| Some(exercise.name()) == touched);
        let next = touched.filter(|exercise| !is_passed(exercise));
        let next = next.or_else(|| open().find(|exercise| !is_passed(exercise)));
        next.or(touched).or_else(|| open().next_back()).ok_or_else(|| {
            Trouble::usage(
                format!("no exercise is open in {}", self.workspace.root().display()),
                "",
                "`iolab exercise list`, and `iolab exercise watch NAME`, which opens one",
            )
        })
    }

    /// Opens an exercise that was named, if it is closed; what there is to say of it.
    pub fn open_exercise(&mut self, exercise: &Exercise) -> Result<Option<String>, Trouble> {
        // Also one that is open: what is missing of it is written again.
        let is_new = self.workspace.open(exercise)?;
        if !is_new {
            return Ok(None);
        }
        self.book.note_exercise(exercise.name(), ExerciseEvent::Opened);
        let folder = self.workspace.folder(exercise);
        Ok(Some(format!(
            "opened {}: the task is in {}, your program in {}\n",
            exercise.name(),
            folder.join("README.md").display(),
            folder.join("src/main.rs").display()
        )))
    }

    /// The exercise that follows, whatever became of it.
    pub fn after(exercise: &Exercise) -> Option<&'static Exercise> {
        let place = EXERCISES.iter().position(|other| other.folder == exercise.folder)?;
        EXERCISES.get(place + 1)
    }
}

/// The folder that the command was typed in.
pub fn here() -> anyhow::Result<PathBuf> {
    // As the kernel names it: so it can be compared with a workspace's root.
    std::env::current_dir().context("the current folder is gone; go to one that is there")
}

/// The journal; why nothing is kept of it is said at once.
pub fn book() -> Book {
    let mut book = Book::open();
    if let Some(trouble) = book.trouble() {
        face::warn(&trouble);
    }
    book
}

/// What an exercise asks for.
pub fn manifest(exercise: &Exercise) -> anyhow::Result<Manifest> {
    exercise.read().map_err(anyhow::Error::msg)
}

/// The exercise of that name, number or folder.
pub fn named(name: &str) -> Result<&'static Exercise, Trouble> {
    // A shell completes the name of a folder with its slash.
    let name = name.trim_end_matches('/');
    find(name).ok_or_else(|| {
        let guess = nearest(name, EXERCISES.iter().map(Exercise::name));
        let next = match guess {
            Some(guess) => format!("did you mean {guess}? `iolab exercise list` shows them all"),
            None => "`iolab exercise list`, which shows them all".into(),
        };
        Trouble::usage(format!("there is no exercise {name:?}"), "", next)
    })
}
