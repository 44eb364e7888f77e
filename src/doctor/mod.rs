//! What this machine allows, found out by trying, as one value, and what follows from it.
//!
//! Two halves. [`examine()`] (feature `live`) tries everything once and fills [`Capabilities`]. All the rest is
//! a pure function of that value: [`Report::of`] makes one [`Check`] of each question and the one-line
//! [`Verdict`], and the faces [`plain`] and JSON show the report. So a test writes down any machine, and a
//! replay shows the machine of its recording.
//!
//! [`Capabilities`]: crate::trace::Capabilities

pub mod check;
pub mod checks;
#[cfg(feature = "live")]
pub mod examine;
pub mod features;
pub mod operations;
pub mod plain;
pub mod report;
pub mod verdict;
pub mod version;

pub use check::{Check, State};
#[cfg(feature = "live")]
pub use examine::{examine, examine_thoroughly};
pub use report::Report;
pub use verdict::{Lesson, Verdict, lessons, verdict};
pub use version::Version;
