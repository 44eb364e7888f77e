//! The plain face: lines for people, pipes and screen readers. Every fact that a screen shows occurs here.
//!
//! Pure: a world in, text out.

mod claims;
mod cost;
mod crossings;
mod exercises;
#[cfg(feature = "live")]
mod facts;
pub mod follow;
mod histogram;
mod home;
mod interest;
mod lab;
pub mod lesson;
mod number;
mod observe;
mod poller;
mod ring;
pub mod slow;
mod switches;
mod table;
pub mod time;
pub mod verdict;
pub mod why;

pub use claims::{amount, claims, evidence, place, sum, verdict as verdict_of_claim};
pub use exercises::{Row, exercise, exercises};
#[cfg(feature = "live")]
pub use facts::facts;
pub use home::home;
pub use lab::{lab, lab_of_step, load};
pub use number::number;
pub use observe::observe;
pub use table::Table;
