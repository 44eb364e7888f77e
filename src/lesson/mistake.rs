//! What is wrong with a lesson's text, where, and how to mend it.

use std::fmt;

/// A mistake of a lesson's author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, from the root of the project.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to change.
    pub mend: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; to mend it: {}", self.file, self.line, self.what, self.mend)
    }
}

impl std::error::Error for Mistake {}

/// A mistake that so far knows only its place in the text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    /// Byte offset in `lesson.md`.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to change.
    pub mend: String,
}

impl Unfit {
    pub(super) fn new(at: usize, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { at, what: what.into(), mend: mend.into() }
    }

    /// The same mistake, placed in a file.
    pub(super) fn in_file(self, file: &str, text: &str) -> Mistake {
        let before = text.as_bytes().get(..self.at).unwrap_or(text.as_bytes());
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        Mistake { file: file.to_owned(), line, what: self.what, mend: self.mend }
    }
}
