//! Each trial in the lab: what the kernel said of it, seen from outside.
//!
//! Counts and states are asserted, never times. Trials are short, and run one at a time.
#![cfg(feature = "live")]
// Tests say what went wrong by where they panic; clippy.toml allows it in test functions, this in their helpers.
#![allow(clippy::unwrap_used)]

mod epoll;
mod lab;
#[path = "../common/program.rs"]
mod program;
mod ready;
mod rings;
mod sqpoll;
mod told;
mod waiting;
