//! `iolab observe` as its users run it: on programs that iolab starts and on processes that run, as root and as
//! nobody, and on programs that behave badly.
//!
//! Counts and states are asserted, never times.
#![cfg(feature = "live")]
// Tests say what went wrong by where they panic; clippy.toml allows it in test functions, this in their helpers.
#![allow(clippy::unwrap_used)]

mod bad;
mod documents;
mod endings;
mod family;
mod odd;
mod places;
#[path = "../common/program.rs"]
mod program;
mod rights;
mod rings;
mod running;
#[path = "../common/schema.rs"]
mod schema;
mod under_load;
mod wild;

use serde_json::Value;

use self::program::{Program, iolab};

/// `iolab observe --format json -- COMMAND`, one argument a word.
pub fn observe(command: &str) -> Program {
    iolab("observe --format json --").and(command)
}

/// The same of a script for sh(1).
pub fn script(script: &str) -> Program {
    iolab("observe --format json -- sh -c").with(script)
}

/// The processes of a document.
#[track_caller]
pub fn processes(document: &Value) -> &[Value] {
    document["processes"].as_array().unwrap()
}

/// The remarks of a process, as one text.
pub fn remarks(process: &Value) -> String {
    process["remarks"].to_string()
}

/// The rungs that a process was refused, with their reasons, as one text.
pub fn refused(process: &Value) -> String {
    process["refused"].to_string()
}
