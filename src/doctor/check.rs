//! One question put to the machine, and its answer.

use serde::{Deserialize, Serialize};

use crate::trace::{Allowed, Layer};

/// How far the machine allows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Everything that iolab asks for.
    Ok,
    /// A part of it.
    Limited,
    /// Nothing.
    Refused,
}

impl State {
    /// The word shown for it, the same as in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "limited",
            Self::Refused => "refused",
        }
    }
}

/// One answer: what was found, why it matters here, and what to try where it is not all one could wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, which never changes: `io_uring`, `perf-user`, …
    pub id: String,
    /// The answer in a word.
    pub state: State,
    /// The layer that refuses; `None` if and only if the state is ok.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// What was found.
    pub says: String,
    /// Why that matters here.
    pub why: String,
    /// What to try: sentences with the commands in backticks; empty where there is nothing to do.
    #[serde(default, rename = "try", skip_serializing_if = "String::is_empty")]
    pub try_this: String,
}

impl Check {
    /// All is well.
    pub fn ok(id: &str, says: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            state: State::Ok,
            layer: None,
            says: says.into(),
            why: why.into(),
            try_this: String::new(),
        }
    }

    /// The same check, refused in part.
    pub fn limited(self, layer: Layer, try_this: impl Into<String>) -> Self {
        Self { state: State::Limited, layer: Some(layer), try_this: try_this.into(), ..self }
    }

    /// The same check, refused.
    pub fn refused(self, layer: Layer, try_this: impl Into<String>) -> Self {
        Self { state: State::Refused, layer: Some(layer), try_this: try_this.into(), ..self }
    }

    /// What an [`Allowed`] says; `works` is what is said of it when it works.
    pub fn of(id: &str, allowed: &Allowed, works: impl Into<String>, why: impl Into<String>) -> Self {
        match allowed {
            Allowed::Yes => Self::ok(id, works, why),
            Allowed::Partly(refusal) => {
                Self::ok(id, &refusal.says, why).limited(refusal.layer, &refusal.try_this)
            }
            Allowed::No(refusal) => {
                Self::ok(id, &refusal.says, why).refused(refusal.layer, &refusal.try_this)
            }
        }
    }
}
