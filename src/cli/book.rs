//! `iolab book`: mdBook's preprocessor for the book. mdBook runs it; `book/book.toml` says how.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::face::print;
use super::{Exit, reference};
use crate::book::{self, Material, Request};
use crate::lesson::Course;

/// Takes a book from mdBook and hands it back with lessons, figures, listings and tables in it.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    asks: Option<Asks>,
}

#[derive(Subcommand, Debug)]
enum Asks {
    /// Whether this renderer can be served.
    Supports {
        /// Its name.
        renderer: String,
    },
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(Asks::Supports { renderer }) = &arguments.asks {
        return Ok(if renderer == "html" { Exit::Done } else { Exit::Failed });
    }
    let mut json = String::new();
    std::io::stdin().read_to_string(&mut json).context("cannot read what mdBook sends")?;
    let Request(context, mut book) = Request::read(&json)?;
    let course = Course::read().map_err(|mistake| anyhow::anyhow!("{mistake}"))?;
    // mdBook runs its preprocessors in the book's folder.
    let root = if context.root.is_absolute() { context.root } else { PathBuf::from(".") };
    let repository = root.join("..");
    let [claims, facts] = [optional(&root.join("claims.json"))?, optional(&root.join("facts.json"))?];
    let choosing = optional(&root.join("choosing.json"))?.context("book/choosing.json is missing")?;
    let material = Material {
        course: &course,
        listings: &listings(&course, &repository)?,
        commands: &reference::markdown(),
        choosing: &choosing,
        claims: claims.as_deref(),
        facts: facts.as_deref(),
    };
    book::fill(&mut book, &material)?;
    print(&serde_json::to_string(&book)?)?;
    Ok(Exit::Done)
}

/// The sources that the lessons' listings are cut from.
fn listings(course: &Course, repository: &Path) -> anyhow::Result<book::Listings> {
    let read = |file: String| {
        let path = repository.join(&file);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot cut a listing from {}", path.display()))?;
        Ok((file, text))
    };
    book::files(course).into_iter().map(read).collect::<anyhow::Result<BTreeMap<_, _>>>()
}

/// A file that need not be there.
fn optional(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
