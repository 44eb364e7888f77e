//! `iolab` alone: home, on the terminal, as lines, or as a document.

use clap::{Args, ValueEnum};

use super::look::LookArguments;
use super::screen;
use super::{Exit, face};
use crate::progress::Book;
use crate::{export, plain, tui};

/// How home is shown.
#[derive(Args, Debug)]
#[group(id = "home")]
pub struct Arguments {
    /// The face of home: tui on a terminal, plain elsewhere, or json.
    #[arg(long, value_enum)]
    format: Option<Face>,
    #[command(flatten)]
    look: LookArguments,
}

/// A face of home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Face {
    /// A screen.
    Tui,
    /// Lines, for people, pipes and screen readers.
    Plain,
    /// One document, for scripts.
    Json,
}

/// Shows home.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let face = arguments.format.unwrap_or(if tui::is_possible() { Face::Tui } else { Face::Plain });
    if face == Face::Tui {
        let manner = screen::Manner {
            look: &arguments.look,
            present: false,
            replay: false,
            recorded_at_ns: None,
            slow: false,
        };
        return screen::show(None, manner);
    }
    let course = screen::course()?;
    let mut book = Book::open();
    if let Some(trouble) = book.trouble() {
        face::warn(&trouble);
    }
    let machine = screen::machine();
    face::print(&match face {
        Face::Json => {
            let document = export::home::home(&course, book.progress(), &machine);
            serde_json::to_string_pretty(&document)? + "\n"
        }
        _ => plain::home(&course, book.progress(), &machine, screen::has_workspace()),
    })?;
    Ok(Exit::Done)
}
