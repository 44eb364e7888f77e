//! Exercises: what the learner writes, and the grader that looks at it from outside.
//!
//! ```text
//! exercise.toml ─▶ Manifest ─┐
//!                            ├─▶ judge ─▶ Verdict ─▶ plain, JSON, JUnit, GitHub Classroom
//! program ─▶ cage ─▶ run ─▶ RunSeen
//! ```
//!
//! The judge is a pure function of what was asked for and what was seen. What touches a kernel (the cage that
//! holds the program, the run that drives and watches it) needs the feature `live`. To add an exercise: a folder in
//! `exercises/`, one in `solutions/`, and a row of [`EXERCISES`].

#[cfg(feature = "live")]
pub mod authors;
#[cfg(feature = "live")]
pub mod build;
#[cfg(feature = "live")]
pub mod cage;
#[cfg(feature = "live")]
pub mod check;
pub mod expect;
mod findings;
pub mod judge;
pub mod manifest;
mod posed;
pub mod relation;
#[cfg(feature = "live")]
pub mod round;
#[cfg(feature = "live")]
mod run;
pub mod seen;
#[cfg(feature = "live")]
pub mod solution;
#[cfg(feature = "live")]
pub mod sources;
mod step;
#[cfg(feature = "live")]
pub mod stop;
#[cfg(feature = "live")]
pub mod submission;
mod table;
pub mod trouble;
pub mod verdict;
#[cfg(feature = "live")]
pub mod watcher;
#[cfg(feature = "live")]
pub mod workspace;

pub use manifest::Manifest;
pub use posed::Posed;
pub use table::{EXERCISES, Exercise, find};
pub use verdict::{Judged, State, Verdict};
