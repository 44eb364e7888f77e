//! The probes against live processes: each observed child is this test program again, in a role.
//!
//! Counts are exact: a child that is told to make 1000 system calls is seen to make 1000. Where a machine
//! forbids a probe, its refusal is what is tested.

#![cfg(feature = "live")]
// A test says what went wrong by where it panics.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod child;
mod count;
#[path = "../common/counted.rs"]
mod counted;
mod perf;
mod proc;
mod ptrace;
mod ring;
mod state;
mod step;
mod stream;
