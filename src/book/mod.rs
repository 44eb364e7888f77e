//! The book: chapters made of the course, its recorded runs and the servers' listings.
//!
//! mdBook reads the frame in `book/src` and lays the pages out; what is written once elsewhere (lessons, exercises,
//! tables) comes in here, where the frame has a line `<!-- iolab: … -->`. Pure: values in, Markdown and HTML out. The
//! command `iolab book` reads the files and speaks mdBook's protocol.

mod caption;
mod cells;
mod chapter;
mod choosing;
mod claims;
mod exercise;
mod fill;
mod html;
mod lesson;
mod listing;
mod number;
mod palette;
mod player;
mod predict;
mod prose;
mod protocol;
mod run;
mod tables;

use std::fmt;

pub use chapter::{Book, Chapter, Item};
pub use fill::{Material, fill};
pub use listing::{Listings, files, parts};
pub use palette::variables;
pub use protocol::{Context, Request};
pub use run::{COLUMNS, Recording, recording};

/// What keeps the book from being made: a sentence that names the file and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl Fault {
    fn new(says: impl Into<String>) -> Self {
        Self(says.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
