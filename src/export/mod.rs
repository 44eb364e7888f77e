//! The machine-readable faces of a world.

pub mod json;
