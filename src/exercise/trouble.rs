//! What went wrong around an exercise, in the house's form: what happened, why it matters, what to try.

use std::fmt;

/// Something that keeps the learner from going on, and that is not their program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Whose matter it is.
    pub of: Matter,
    /// What happened, with the errno's name where there is one.
    pub what: String,
    /// Why it matters here; empty where that is plain.
    pub why: String,
    /// What to try.
    pub next: String,
}

/// Whose matter a trouble is; each is an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// The thing asked for failed.
    Deed,
    /// What was typed makes no sense here.
    Usage,
    /// This machine lacks something.
    Machine,
}

impl Trouble {
    /// The thing asked for failed.
    pub fn deed(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { of: Matter::Deed, what: what.into(), why: why.into(), next: next.into() }
    }

    /// What was typed makes no sense here.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { of: Matter::Usage, ..Self::deed(what, why, next) }
    }

    /// This machine lacks something.
    pub fn machine(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { of: Matter::Machine, ..Self::deed(what, why, next) }
    }
}

/// One line each, so that each can be found and read aloud.
impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)?;
        for (label, text) in [("why it matters", &self.why), ("try", &self.next)] {
            if !text.is_empty() {
                write!(out, "\n  {label}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Trouble {}
