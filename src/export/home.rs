//! Home as a document for scripts.

use serde::Serialize;

use crate::exercise::Posed;
use crate::lesson::{Course, Place};
use crate::progress::Progress;

/// Name and version of the document; later versions only grow.
pub const SCHEMA: &str = "iolab.home/1";

/// All lessons and how far the learner has come in each.
#[derive(Debug, Serialize)]
pub struct Home<'c> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The lessons, in order.
    pub lessons: Vec<LessonRow<'c>>,
    /// Where to go on, if anything was begun and not all is done.
    #[serde(rename = "continue")]
    pub goes_on: Option<GoesOn<'c>>,
    /// The exercise to go on with, if what happened last happened in one that is not passed.
    pub continue_exercise: Option<&'c str>,
    /// The exercises, in the order of the ladder.
    pub exercises: Vec<ExerciseRow<'c>>,
    /// What this machine allows, in a line.
    pub machine: &'c str,
}

/// A lesson.
#[derive(Debug, Serialize)]
pub struct LessonRow<'c> {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: &'c str,
    /// Its title.
    pub title: &'c str,
    /// Minutes of work.
    pub minutes: u16,
    /// How many steps it has.
    pub steps: usize,
    /// How many of them were on the screen.
    pub steps_seen: usize,
    /// Whether all were once.
    pub completed: bool,
    /// Predictions that it asks for.
    pub predictions: usize,
    /// Those that were made.
    pub predictions_made: usize,
    /// Those of them that were held against a measurement.
    pub predictions_judged: usize,
    /// Those of them that came close.
    pub predictions_close: usize,
}

/// An exercise.
#[derive(Debug, Serialize)]
pub struct ExerciseRow<'c> {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: &'c str,
    /// Its title.
    pub title: &'c str,
    /// The number of the lesson it belongs to.
    pub lesson: u8,
    /// Minutes of work.
    pub minutes: u16,
    /// What it is worth.
    pub points: u32,
    /// The most points that any check gave.
    pub points_best: u32,
    /// Whether it was ever opened.
    pub opened: bool,
    /// Whether a check passed.
    pub passed: bool,
    /// Hints that were read.
    pub hints: usize,
}

/// A step to go on at.
#[derive(Debug, Serialize)]
pub struct GoesOn<'c> {
    /// The lesson's number.
    pub lesson: u8,
    /// The step, from 1.
    pub step: usize,
    /// Its title.
    pub title: &'c str,
}

/// The document of home.
pub fn home<'c>(course: &'c Course, progress: &Progress, machine: &'c str) -> Home<'c> {
    let row = |lesson: &'c crate::lesson::Lesson| {
        let known = progress.lesson(&lesson.name);
        let score = known.score(lesson);
        LessonRow {
            number: lesson.number,
            name: &lesson.name,
            title: &lesson.title,
            minutes: lesson.minutes,
            steps: lesson.steps.len(),
            steps_seen: known.steps_seen(lesson),
            completed: known.completed,
            predictions: score.asked,
            predictions_made: score.made,
            predictions_judged: score.judged,
            predictions_close: score.close,
        }
    };
    let exercise = |exercise: &'c Posed| {
        let (known, manifest) = (progress.exercise(&exercise.name), &exercise.manifest);
        ExerciseRow {
            number: exercise.number,
            name: &exercise.name,
            title: &manifest.title,
            lesson: manifest.lesson,
            minutes: manifest.minutes,
            points: manifest.points,
            points_best: known.points_best.min(manifest.points),
            opened: known.opened,
            passed: known.passed.is_some(),
            hints: known.hints_taken(),
        }
    };
    let goes_on = |Place { lesson, step }| {
        let lesson = &course.lessons[lesson];
        GoesOn { lesson: lesson.number, step: step + 1, title: &lesson.steps[step].title }
    };
    Home {
        schema: SCHEMA,
        lessons: course.lessons.iter().map(row).collect(),
        goes_on: progress.resumes(course).map(goes_on),
        continue_exercise: progress
            .resumes_exercise(course)
            .map(|index| course.exercises[index].name.as_str()),
        exercises: course.exercises.iter().map(exercise).collect(),
        machine,
    }
}
