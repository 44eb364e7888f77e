//! `iolab doctor`: on machines that are written down, and on this one, with things taken away from it.
#![cfg(feature = "live")]
// Tests say what went wrong by where they panic; clippy.toml allows it in test functions, this in their helpers.
#![allow(clippy::unwrap_used)]

mod faces;
mod live;
mod machines;
mod verdicts;
