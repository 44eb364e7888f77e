//! An exercise with its `exercise.toml` read: what screens, text and documents look at.

use super::manifest::{Manifest, Need};
use super::{EXERCISES, Exercise};

/// An exercise as the learner is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Posed {
    /// Its number on the ladder.
    pub number: u8,
    /// Its name, which commands take.
    pub name: String,
    /// What it asks for.
    pub manifest: Manifest,
}

impl Posed {
    /// All exercises, read once, in the order of the ladder.
    ///
    /// # Errors
    /// The folder of the first that cannot be read, and what is wrong with it; the tests read every one.
    pub fn all() -> Result<Vec<Self>, (&'static str, String)> {
        EXERCISES.iter().map(|exercise| Self::of(exercise).map_err(|what| (exercise.folder, what))).collect()
    }

    /// This one, read.
    ///
    /// # Errors
    /// What is wrong with its `exercise.toml`.
    pub fn of(exercise: &Exercise) -> Result<Self, String> {
        let manifest = Manifest::read(exercise.manifest)?;
        Ok(Self { number: exercise.number(), name: exercise.name().to_owned(), manifest })
    }

    /// The command that goes on with it: without a workspace there must be one first.
    pub fn command(&self, has_workspace: bool) -> String {
        if has_workspace {
            format!("iolab exercise watch {}", self.name)
        } else {
            "iolab exercise init".to_owned()
        }
    }

    /// What it costs and is worth: `about 12 minutes, for 10 points; needs io_uring`.
    pub fn takes(&self) -> String {
        let (minutes, points) = (self.manifest.minutes, self.manifest.points);
        let says = format!("about {minutes} minutes, for {points} points");
        match self.needs() {
            needs if needs.is_empty() => says,
            needs => format!("{says}; needs {needs}"),
        }
    }

    /// What a machine must have for it; nothing where any will do.
    pub fn needs(&self) -> String {
        let word = |need: &Need| match need {
            Need::IoUring => "io_uring",
            Need::TwoCpus => "a second processor",
        };
        self.manifest.needs.iter().map(word).collect::<Vec<_>>().join(" and ")
    }
}
