//! What authors are held to: every exercise whole, its starter failing exactly what it declares, its right
//! solutions passing, its wrong ones caught by the criterion that they are bound to.
//!
//! Every message says what is wrong and how to mend it.

mod folder;
mod programs;
mod solutions;

use std::path::{Path, PathBuf};

use crate::trace::Capabilities;

pub use self::folder::Folder;
pub use self::programs::{Program, Trial};

/// What is checked, and how hard.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder that has `exercises/` and `solutions/`.
    pub root: PathBuf,
    /// Names of the exercises; all when empty.
    pub names: Vec<String>,
    /// Only programs with this in their name; all when empty.
    pub only: String,
    /// How often each program is checked.
    pub times: u32,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What has to be mended, in order.
    pub mistakes: Vec<String>,
    /// Every program and how often its verdict was the declared one.
    pub trials: Vec<Trial>,
}

/// Something to say while the work goes on.
pub enum News<'n> {
    /// An exercise is begun.
    Exercise(&'n str),
    /// All its programs are being built.
    Building,
    /// A program was checked as often as asked for.
    Tried(&'n Trial),
    /// Something has to be mended.
    Mistake(&'n str),
}

/// Checks the exercises under a root.
///
/// # Errors
/// The root has no exercises, or a folder cannot be read.
pub fn check(
    plan: &Plan,
    capabilities: &Capabilities,
    told: &mut dyn FnMut(News<'_>),
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let folders = Folder::all(&plan.root)?;
    let wanted = |folder: &&Folder| {
        plan.names.is_empty() || plan.names.iter().any(|name| *name == folder.name || *name == folder.folder)
    };
    for folder in folders.iter().filter(wanted) {
        told(News::Exercise(&folder.folder));
        let mut mistakes = folder.mistakes();
        if let Ok(manifest) = &folder.manifest {
            let (programs, more) = programs::of(folder, manifest);
            mistakes.extend(more);
            told(News::Building);
            match programs::build(&plan.root, folder) {
                Err(why) => mistakes.push(why),
                Ok(()) => {
                    for program in programs.iter().filter(|program| program.name.contains(&plan.only)) {
                        let trial = programs::attempt(
                            &plan.root,
                            folder,
                            manifest,
                            program,
                            plan.times,
                            capabilities,
                        )?;
                        mistakes.extend(trial.mistake.clone());
                        told(News::Tried(&trial));
                        found.trials.push(trial);
                    }
                }
            }
        }
        for mistake in mistakes {
            let mistake = format!("{}: {mistake}", folder.folder);
            told(News::Mistake(&mistake));
            found.mistakes.push(mistake);
        }
    }
    for name in plan.names.iter().filter(|name| !folders.iter().any(|folder| folder.is_called(name))) {
        found.mistakes.push(format!("no exercise is called {name:?} under {}", plan.root.display()));
    }
    Ok(found)
}

/// The repository around a folder: the nearest one above that has `exercises/` and `solutions/`.
pub fn root_of(folder: &Path) -> Option<PathBuf> {
    let has = |folder: &&Path| folder.join("exercises").is_dir() && folder.join("solutions").is_dir();
    folder.ancestors().find(has).map(Path::to_owned)
}
