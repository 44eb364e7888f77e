//! The lab as its users run it: through the binary, as root and as nobody, and with things taken away.
//!
//! Counts and states are asserted, never times. Labs load the machine, so they run one at a time.
#![cfg(feature = "live")]
// Tests say what went wrong by where they panic; clippy.toml allows it in test functions, this in their helpers.
#![allow(clippy::unwrap_used)]

mod counts;
mod document;
mod ends;
mod limits;
mod observer;
#[path = "../common/program.rs"]
mod program;
mod record;
mod refused;
mod rungs;
mod usage;
