//! Making a workspace, and proving that it builds.

use std::fs;
use std::path::{Path, PathBuf};

use super::mark::Mark;
use super::{Workspace, files, texts};
use crate::exercise::build::{Built, Order, build};
use crate::exercise::stop::Stop;
use crate::exercise::table::Exercise;
use crate::exercise::trouble::Trouble;

/// The folder that is made where none is named.
pub const FOLDER: &str = "iolab-exercises";

/// Makes a workspace with the first exercise opened, or completes one that is there; whether it is new.
/// Nothing that exists is overwritten.
///
/// # Errors
/// The folder holds something else, or a file cannot be written.
pub fn init(folder: &Path, exercises: &[Exercise]) -> Result<(Workspace, bool), Trouble> {
    files::make_folder(folder)?;
    // Whole, so that what is printed can be gone to from anywhere.
    let root = folder.canonicalize().map_err(|error| files::not_read(folder, &error))?;
    let there = Workspace::at(&root)?;
    let is_new = there.is_none();
    let mut workspace = match there {
        Some(workspace) => workspace,
        None => {
            is_free(&root)?;
            Workspace { root, mark: Mark::new() }
        }
    };
    for (name, text) in texts::FILES {
        files::write_new(&workspace.root.join(name), text)?;
    }
    let opened: Vec<&Exercise> = exercises.iter().filter(|exercise| workspace.is_open(exercise)).collect();
    let to_open = if opened.is_empty() { exercises.iter().take(1).collect() } else { opened };
    for exercise in to_open {
        workspace.open(exercise)?;
    }
    workspace.settle()?;
    workspace.keep()?;
    Ok((workspace, is_new))
}

/// A new workspace goes into an empty folder; hidden files (`.git`) are no content.
fn is_free(root: &Path) -> Result<(), Trouble> {
    let entries = fs::read_dir(root).map_err(|error| files::not_read(root, &error))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    match names.filter(|name| !name.starts_with('.')).min() {
        None => Ok(()),
        Some(first) => Err(Trouble::usage(
            format!("{} is not empty (it has {first})", root.display()),
            "nothing of yours is overwritten, and exercises among other files are hard to find",
            format!("a folder that is empty or new: `iolab exercise init {FOLDER}`"),
        )),
    }
}

/// Builds all that is opened, without a network and without changing the lock file.
///
/// # Errors
/// It does not build: what is missing and how to get it.
pub fn prove(
    workspace: &Workspace,
    colour: bool,
    stop: &Stop,
    told: &mut dyn FnMut(&str),
) -> Result<(), Trouble> {
    let target: PathBuf = workspace.target();
    let order = Order { root: workspace.root(), target: &target, package: None, colour };
    match build(&order, stop, told)? {
        Built::Program(_) => Ok(()),
        Built::Stopped => {
            Err(Trouble::deed("the build was ended", "", "the same again: what is there stays"))
        }
        Built::Refused => Err(Trouble::deed(
            "the workspace does not build",
            "exercises compile as they are given; if you have begun to edit them, that may be all it is",
            "reading what the compiler says above; a compiler older than Rust 1.85 is brought up to date by `rustup \
             update`",
        )),
    }
}
