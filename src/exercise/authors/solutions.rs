//! `solutions.toml`: the right programs, and the wrong ones with what must catch them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::exercise::State;

/// Programs that solve an exercise, and programs that do not.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Solutions {
    /// Right ones.
    pub right: Vec<Right>,
    /// Wrong ones.
    pub wrong: Vec<Wrong>,
}

/// A right program.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Right {
    /// Its name.
    pub name: String,
    /// What is different about it.
    pub shape: String,
}

/// A wrong program.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wrong {
    /// Its name.
    pub name: String,
    /// Whose mistake it is.
    pub mistake: String,
    /// The criteria that it fails; the first is the one that it is bound to.
    pub fails: Vec<String>,
    /// How that one fails.
    pub state: State,
    /// Part of what the learner is told under `seen`, with N for each number.
    pub message: String,
}

impl Solutions {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Paths of all programs, from the exercise's folder in `solutions/`.
    pub(super) fn files(&self) -> Vec<String> {
        let right = self.right.iter().map(|one| format!("right/{}.rs", one.name));
        right.chain(self.wrong.iter().map(|one| format!("wrong/{}.rs", one.name))).collect()
    }
}

impl Wrong {
    pub(super) fn fails(&self) -> BTreeSet<String> {
        self.fails.iter().cloned().collect()
    }
}
