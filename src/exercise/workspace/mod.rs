//! A learner's workspace: a folder with the exercises that were opened, which cargo and editors understand.
//!
//! It is marked by the file `iolab.toml`. Of what the learner writes nothing is ever overwritten without a
//! backup; what iolab writes is written whole or not at all. Which texts there are is a pure matter
//! ([`lock`], [`texts`]); the rest of this room touches files.

pub mod bundle;
mod files;
mod init;
pub mod lock;
mod mark;
mod open;
mod reset;
pub mod texts;
mod update;

use std::path::{Path, PathBuf};

pub use files::told;
pub use init::{FOLDER, init, prove};
pub use mark::{Given, Mark};
pub use reset::Reset;
pub use update::{Change, Changed};

use super::table::Exercise;
use super::trouble::Trouble;

/// A workspace that is there.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    mark: Mark,
}

impl Workspace {
    /// The workspace that a folder lies in.
    ///
    /// # Errors
    /// It lies in none, or `iolab.toml` cannot be read.
    pub fn find(from: &Path) -> Result<Self, Trouble> {
        for folder in from.ancestors() {
            if let Some(workspace) = Self::at(folder)? {
                return Ok(workspace);
            }
        }
        Err(Trouble::usage(
            format!("{} is not in a workspace of exercises", from.display()),
            "a workspace holds the programs that you write, and what cargo needs to build them without a network",
            "`iolab exercise init` makes one; in one that you have, go there first",
        ))
    }

    /// The workspace whose root a folder is, if it is one.
    ///
    /// # Errors
    /// `iolab.toml` cannot be read.
    pub fn at(root: &Path) -> Result<Option<Self>, Trouble> {
        let path = root.join(mark::NAME);
        let Some(text) = files::read(&path)? else { return Ok(None) };
        let mark = Mark::read(&text).map_err(|error| {
            Trouble::deed(
                format!("{}: {error}", path.display()),
                "it says which exercises are open",
                "taking it away and `iolab exercise init` again: your programs stay as they are",
            )
        })?;
        Ok(Some(Self { root: root.to_owned(), mark }))
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The version of iolab whose texts it has.
    pub fn version(&self) -> &str {
        &self.mark.version
    }

    /// Where cargo puts what it builds.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// What iolab itself makes there: it goes with `cargo clean`.
    pub fn own(&self) -> PathBuf {
        self.target().join("iolab")
    }

    /// The folder of an exercise.
    pub fn folder(&self, exercise: &Exercise) -> PathBuf {
        self.root.join(exercise.folder)
    }

    /// Whether an exercise was opened.
    pub fn is_open(&self, exercise: &Exercise) -> bool {
        self.mark.opened.contains_key(exercise.folder)
    }

    /// The exercise in whose folder `place` lies.
    pub fn around<'e>(&self, place: &Path, exercises: &'e [Exercise]) -> Option<&'e Exercise> {
        exercises.iter().find(|exercise| self.is_open(exercise) && place.starts_with(self.folder(exercise)))
    }

    /// Writes down what is remembered.
    fn keep(&self) -> Result<(), Trouble> {
        let text = self.mark.text().map_err(|error| Trouble::deed(error, "", ""))?;
        files::replace(&self.root.join(mark::NAME), &text)
    }
}
