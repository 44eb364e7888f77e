//! Insights: each with a real run that provokes it, and a clean twin in which it stays silent; then the edges
//! of each rule, on runs that are written down.
#![cfg(feature = "live")]
// Tests say what went wrong by where they panic; clippy.toml allows it in test functions, this in their helpers.
#![allow(clippy::unwrap_used)]

mod live;
#[path = "../common/program.rs"]
mod program;
mod programs;
mod recorded;
mod rules;
mod written;
