//! An exercise as it was given, with a backup of what was made of it.

use std::fs;
use std::path::PathBuf;

use super::{Workspace, files};
use crate::exercise::sources;
use crate::exercise::table::Exercise;
use crate::exercise::trouble::Trouble;

/// What became of an exercise that was to be reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It was as it was given.
    Nothing,
    /// It is again; what was there is here now.
    Kept(PathBuf),
}

impl Workspace {
    /// Puts an exercise back to its starter. All that lies in its folder is copied beside it first.
    ///
    /// # Errors
    /// A file cannot be read or written; then nothing was taken away yet.
    pub fn reset(&mut self, exercise: &Exercise) -> Result<Reset, Trouble> {
        let folder = self.folder(exercise);
        if !folder.exists() || self.is_as_given(exercise) {
            self.open(exercise)?;
            return Ok(Reset::Nothing);
        }
        // What cannot be entered afterwards is found out before anything is taken away.
        self.settle()?;
        let backup = files::back_up(&folder)?;
        let source = folder.join("src");
        // The folders themselves stay: a watcher or an editor holds on to them.
        for entry in fs::read_dir(&source).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = match path == source.join("main.rs") {
                true => Ok(()),
                false if is_folder => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.map_err(|error| files::not_written(&path, &error))?;
        }
        files::make_folder(&source)?;
        files::replace(&folder.join("Cargo.toml"), exercise.cargo)?;
        files::replace(&folder.join("README.md"), exercise.readme)?;
        files::replace(&source.join("main.rs"), exercise.starter)?;
        self.mark.opened.remove(exercise.folder);
        self.open(exercise)?;
        Ok(Reset::Kept(backup))
    }

    fn is_as_given(&self, exercise: &Exercise) -> bool {
        let folder = self.folder(exercise);
        let is = |name: &str, text: &str| fs::read(folder.join(name)).is_ok_and(|now| now == text.as_bytes());
        let alone = fs::read_dir(folder.join("src")).is_ok_and(|entries| entries.count() == 1);
        is("src/main.rs", exercise.starter)
            && is("Cargo.toml", exercise.cargo)
            && alone
            && sources::digest(&folder).is_ok()
    }
}
