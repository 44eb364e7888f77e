//! The ladder of exercises as a document for scripts.

use serde::Serialize;

use crate::plain::Row;
use crate::progress::Kept;

/// Name and version of the document; later versions only grow.
pub const SCHEMA: &str = "iolab.exercises/1";

/// All exercises and how far the learner is in each.
#[derive(Debug, Serialize)]
pub struct Exercises<'e> {
    schema: &'static str,
    exercises: Vec<Exercise<'e>>,
}

#[derive(Debug, Serialize)]
struct Exercise<'e> {
    number: u8,
    name: &'e str,
    title: &'e str,
    lesson: u8,
    minutes: u16,
    points: u32,
    points_best: u32,
    open: bool,
    passed: bool,
    solution_seen_first: bool,
    hints: usize,
    /// What became of each criterion in the last check.
    criteria: &'e [Kept],
}

/// The document of these rows.
pub fn exercises<'e>(rows: &[Row<'e>]) -> Exercises<'e> {
    let exercise = |row: &Row<'e>| Exercise {
        number: row.number,
        name: row.name,
        title: &row.manifest.title,
        lesson: row.manifest.lesson,
        minutes: row.manifest.minutes,
        points: row.manifest.points,
        points_best: row.progress.points_best.min(row.manifest.points),
        open: row.is_open,
        passed: row.progress.passed.is_some(),
        solution_seen_first: row.progress.solution_seen_first,
        hints: row.progress.hints.values().sum(),
        criteria: row.progress.last.as_ref().map_or(&[], |last| &last.criteria),
    };
    Exercises { schema: SCHEMA, exercises: rows.iter().map(exercise).collect() }
}
