//! `iolab.toml`: what makes a folder a workspace of exercises, and what iolab remembers of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exercise::sources::sha256;
use crate::exercise::table::Exercise;

/// The file's name.
pub const NAME: &str = "iolab.toml";

const HEAD: &str =
    "# This folder is a workspace of iolab's exercises. iolab keeps this file; the rest is yours.\n";

/// What the file says. What a later version adds is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The iolab whose texts the workspace has.
    pub version: String,
    /// Exercises that were opened, by their folders.
    #[serde(default)]
    pub opened: BTreeMap<String, Given>,
}

/// The texts of an exercise as they were given, each as its SHA-256: so what the learner changed is told from
/// what a newer iolab changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// README.md.
    pub readme: String,
    /// Cargo.toml.
    pub cargo: String,
    /// src/main.rs.
    pub starter: String,
}

impl Given {
    /// What is given with this exercise.
    pub fn of(exercise: &Exercise) -> Self {
        Self {
            readme: sha256(exercise.readme.as_bytes()),
            cargo: sha256(exercise.cargo.as_bytes()),
            starter: sha256(exercise.starter.as_bytes()),
        }
    }
}

impl Mark {
    /// A workspace in which nothing was opened.
    pub fn new() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), opened: BTreeMap::new() }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It is no such file, in toml's words.
    pub fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// The file.
    ///
    /// # Errors
    /// Never, as far as is known: names and digests are what TOML can hold.
    pub fn text(&self) -> Result<String, String> {
        Ok(format!("{HEAD}{}", toml::to_string(self).map_err(|error| error.to_string())?))
    }
}

impl Default for Mark {
    fn default() -> Self {
        Self::new()
    }
}
