//! The claims court: each verdict flipped by evidence that is written down; then the real thing.
#![cfg(feature = "live")]
// Tests say what went wrong by where they panic; clippy.toml allows it in test functions, this in their helpers.
#![allow(clippy::unwrap_used)]

mod flips;
mod live;
mod pages;
#[path = "../common/program.rs"]
mod program;
#[path = "../common/schema.rs"]
mod schema;
mod written;
