//! The texts of a newer iolab for a workspace that an older one made. The learner's programs stay theirs.

use std::fs;
use std::path::{Path, PathBuf};

use super::mark::Given;
use super::{Workspace, files, texts};
use crate::exercise::sources::sha256;
use crate::exercise::table::Exercise;
use crate::exercise::trouble::Trouble;

/// What an update did to a file of an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The exercise's folder.
    pub folder: String,
    /// The file within it; empty where it is about the whole exercise.
    pub file: &'static str,
    /// What was done.
    pub change: Change,
}

/// What was done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was gone, and is there again.
    Restored,
    /// Nobody had touched it: it is the newer one now.
    Replaced,
    /// The learner had changed it: it is the newer one now, and theirs is here.
    ReplacedWithBackup(PathBuf),
    /// There is a newer starter, and the learner has begun on the old one: it stays.
    StarterKept,
    /// This iolab does not know the exercise any more: it stays.
    Unknown,
}

impl Workspace {
    /// Brings the texts of this iolab in; what was changed.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn update(&mut self, exercises: &[Exercise]) -> Result<Vec<Changed>, Trouble> {
        for (name, text) in texts::FILES {
            files::write_new(&self.root.join(name), text)?;
        }
        let mut all = Vec::new();
        let opened: Vec<String> = self.mark.opened.keys().cloned().collect();
        for folder in opened {
            let mut note = |file, change: Option<Change>| {
                all.extend(change.map(|change| Changed { folder: folder.clone(), file, change }));
            };
            let Some(exercise) = exercises.iter().find(|exercise| exercise.folder == folder) else {
                note("", Some(Change::Unknown));
                continue;
            };
            let given = self.mark.opened[&folder].clone();
            let place = self.folder(exercise);
            note("README.md", bring(&place.join("README.md"), exercise.readme, &given.readme)?);
            note("Cargo.toml", bring(&place.join("Cargo.toml"), exercise.cargo, &given.cargo)?);
            note("src/main.rs", bring_starter(&place.join("src/main.rs"), exercise.starter, &given.starter)?);
            self.mark.opened.insert(folder, Given::of(exercise));
        }
        self.mark.version = env!("CARGO_PKG_VERSION").to_owned();
        self.settle()?;
        self.keep()?;
        Ok(all)
    }
}

/// A file that is iolab's, whatever became of it.
fn bring(path: &Path, text: &str, given: &str) -> Result<Option<Change>, Trouble> {
    let change = match fs::read(path) {
        Ok(now) if now == text.as_bytes() => return Ok(None),
        Ok(now) if sha256(&now) == given => Change::Replaced,
        Ok(_) => Change::ReplacedWithBackup(files::back_up(path)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            files::write_new(path, text)?;
            return Ok(Some(Change::Restored));
        }
        Err(error) => return Err(files::not_read(path, &error)),
    };
    files::replace(path, text)?;
    Ok(Some(change))
}

/// The file that is the learner's.
fn bring_starter(path: &Path, text: &str, given: &str) -> Result<Option<Change>, Trouble> {
    let is_new = sha256(text.as_bytes()) != given;
    match fs::read(path) {
        Ok(now) if now == text.as_bytes() => Ok(None),
        Ok(now) if is_new && sha256(&now) == given => {
            files::replace(path, text)?;
            Ok(Some(Change::Replaced))
        }
        Ok(_) => Ok(is_new.then_some(Change::StarterKept)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            files::write_new(path, text)?;
            Ok(Some(Change::Restored))
        }
        Err(error) => Err(files::not_read(path, &error)),
    }
}
