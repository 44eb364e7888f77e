//! What mdBook sends to a preprocessor: `[context, book]` as one JSON document.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Book, Fault};

/// The release of mdBook whose protocol this is: 0.4 and what comes after 0.5 may send something else.
const MDBOOK: &str = "0.5.";

/// The whole request.
#[derive(Debug, Deserialize)]
pub struct Request(pub Context, pub Book);

/// Where and for whom the book is built.
#[derive(Debug, Deserialize)]
pub struct Context {
    /// The folder of `book.toml`.
    pub root: PathBuf,
    /// The renderer that comes after.
    pub renderer: String,
    /// The mdBook that asks.
    pub mdbook_version: String,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// What it is instead.
    pub fn read(json: &str) -> Result<Self, Fault> {
        let request: Self = serde_json::from_str(json).map_err(|error| {
            Fault::new(format!(
                "what came in is not mdBook's request to a preprocessor ({error}); \
                 this command is run by mdBook: mdbook build book"
            ))
        })?;
        let version = &request.0.mdbook_version;
        if !version.starts_with(MDBOOK) {
            return Err(Fault::new(format!(
                "mdBook {version} asks, and the book is made for {MDBOOK}x; cargo install mdbook --version '^0.5'"
            )));
        }
        Ok(request)
    }
}
