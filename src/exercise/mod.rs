//! Exercises: a learner's program, built, held, watched and judged.

pub mod cage;
