//! How far the learner has come: what happened, line by line, and what follows from it.
//!
//! The core is pure: an [`Entry`] is a line of text, and [`Progress`] is entries folded. The one edge is
//! [`Book`], which keeps the lines in a file of the learner's own; without a file all works but the memory.

mod book;
mod entry;
mod exercise;
mod fold;
mod resume;
mod standing;

pub use book::Book;
pub use entry::{Entry, Event};
pub use exercise::{Checked, ExerciseEntry, ExerciseEvent, ExerciseProgress, Kept};
pub use fold::{LessonProgress, Progress, Said, Score};
pub use resume::GoesOn;
pub use standing::{Standing, exercises_of};
