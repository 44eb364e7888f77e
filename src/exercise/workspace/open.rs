//! Opening an exercise: its folder, and its name among cargo's members.

use super::lock::{self, Member};
use super::mark::Given;
use super::{Workspace, files, texts};
use crate::exercise::table::Exercise;
use crate::exercise::trouble::Trouble;

impl Workspace {
    /// Opens an exercise; whether it was closed until now. Files that are there are left as they are.
    ///
    /// A program that is ended in the middle of this leaves files that the next call completes: the mark is
    /// written last.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn open(&mut self, exercise: &Exercise) -> Result<bool, Trouble> {
        let is_new = !self.is_open(exercise);
        let folder = self.folder(exercise);
        for (name, text) in [
            ("Cargo.toml", exercise.cargo),
            ("README.md", exercise.readme),
            ("src/main.rs", exercise.starter),
        ] {
            files::write_new(&folder.join(name), text)?;
        }
        self.mark.opened.entry(exercise.folder.to_owned()).or_insert_with(|| Given::of(exercise));
        self.settle()?;
        self.keep()?;
        Ok(is_new)
    }

    /// Makes `Cargo.toml` and `Cargo.lock` say what is opened.
    ///
    /// # Errors
    /// A file cannot be read or written, or the learner's `Cargo.toml` has no list of members to change.
    pub(super) fn settle(&self) -> Result<(), Trouble> {
        let members = || self.mark.opened.keys().map(String::as_str);
        let path = self.root.join("Cargo.toml");
        let cargo = match files::read(&path)? {
            None => texts::cargo(members()),
            Some(text) => texts::with_members(&text, members()).ok_or_else(|| {
                Trouble::deed(
                    format!("{} has no line `members = [`", path.display()),
                    "that is where an opened exercise is entered",
                    "moving the file elsewhere; it is then written anew, and what you had added can be added again",
                )
            })?,
        };
        write_changed(&path, &cargo)?;
        write_changed(&self.root.join("Cargo.lock"), &self.lock()?)
    }

    fn lock(&self) -> Result<String, Trouble> {
        let mut members = Vec::new();
        for folder in self.mark.opened.keys() {
            let path = self.root.join(folder).join("Cargo.toml");
            let text = files::read(&path)?.unwrap_or_default();
            let of = |error| {
                Trouble::deed(
                    format!("{}: {error}", path.display()),
                    "the lock file says which crates the exercises are built with, and is written from it",
                    "`iolab exercise update`, which puts the exercise's own in its place and keeps a backup",
                )
            };
            members.push(Member::read(&text).map_err(of)?);
        }
        lock::lock(lock::WHOLE, &members).map_err(|error| {
            Trouble::deed(
                error,
                "exercises use std, libc, io-uring and nix only, so that all of them build without a network",
                "taking it out of the exercise's Cargo.toml",
            )
        })
    }
}

/// Writes a file unless it says so already: cargo looks at times.
fn write_changed(path: &std::path::Path, text: &str) -> Result<(), Trouble> {
    if files::read(path)?.as_deref() == Some(text) {
        return Ok(());
    }
    files::replace(path, text)
}
