//! Parts of a lab that are pictures: what they tell, and that they can be drawn at any size.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod cost;
mod drawn;
#[path = "../common/fixture.rs"]
mod fixture;
