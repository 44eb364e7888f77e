//! The rows of home, and what they say of a lesson.

use crate::lesson::{Course, Lesson};
use crate::progress::{GoesOn, LessonProgress, Progress};

/// A row that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// To go on there.
    Continue(GoesOn),
    /// To open that lesson.
    Lesson(usize),
    /// To read about that exercise.
    Exercise(usize),
}

impl Row {
    /// Index of its lesson, if it leads to one.
    pub(super) fn lesson(self) -> Option<usize> {
        match self {
            Self::Continue(GoesOn::Lesson(place)) => Some(place.lesson),
            Self::Lesson(lesson) => Some(lesson),
            Self::Continue(GoesOn::Exercise(_)) | Self::Exercise(_) => None,
        }
    }

    /// Index of its exercise, if it leads to one.
    pub(super) fn exercise(self) -> Option<usize> {
        match self {
            Self::Continue(GoesOn::Exercise(exercise)) | Self::Exercise(exercise) => Some(exercise),
            Self::Continue(GoesOn::Lesson(_)) | Self::Lesson(_) => None,
        }
    }
}

/// All rows, in order.
pub(super) fn rows(course: &Course, progress: &Progress) -> Vec<Row> {
    let goes_on = progress.goes_on(course).map(Row::Continue);
    let lessons = (0..course.lessons.len()).map(Row::Lesson);
    let exercises = (0..course.exercises.len()).map(Row::Exercise);
    goes_on.into_iter().chain(lessons).chain(exercises).collect()
}

/// `continue: lesson 3, step 8: Batching`, `continue: exercise 6, Drain the edge: 7 of 10 points`.
pub(super) fn goes_on(course: &Course, progress: &Progress, to: GoesOn) -> String {
    match to {
        GoesOn::Lesson(place) => {
            let title = &course.lessons[place.lesson].steps[place.step].title;
            format!("continue: {}: {title}", course.name(place))
        }
        GoesOn::Exercise(index) => {
            let exercise = &course.exercises[index];
            let standing = progress.exercise(&exercise.name).standing(exercise.manifest.points);
            let (number, title) = (exercise.number, &exercise.manifest.title);
            format!("continue: exercise {number}, {title}: {}", standing.says())
        }
    }
}

/// How many steps were seen: `done`, `8 of 18`, `18 steps`.
pub(super) fn steps(lesson: &Lesson, known: &LessonProgress) -> String {
    let all = lesson.steps.len();
    match known.steps_seen(lesson) {
        0 => format!("{all} steps"),
        seen if seen == all => "done".to_owned(),
        seen => format!("{seen} of {all}"),
    }
}

/// How many of its predictions were made, and how many of those came close: `5 of 9, 3 close`.
pub(super) fn predictions(lesson: &Lesson, known: &LessonProgress) -> String {
    let score = known.score(lesson);
    match score.judged {
        0 => format!("{} of {}", score.made, score.asked),
        _ => format!("{} of {}, {} close", score.made, score.asked, score.close),
    }
}

/// What the chosen row will do, in a sentence or two.
pub(super) fn says(course: &Course, progress: &Progress, row: Row) -> String {
    if let Some(index) = row.exercise() {
        let exercise = &course.exercises[index];
        let (number, manifest) = (exercise.number, &exercise.manifest);
        return format!(
            "Exercise {number}, {}: {}. Enter shows what is judged and how to go on.",
            manifest.title, manifest.teaches
        );
    }
    let Some(lesson) = row.lesson().and_then(|index| course.lessons.get(index)) else { return String::new() };
    let known = progress.lesson(&lesson.name);
    let step = known.resumes_at(lesson);
    let about = format!(
        "Lesson {}, {}: {} steps, about {} minutes.",
        lesson.number,
        lesson.title,
        lesson.steps.len(),
        lesson.minutes
    );
    let does = if known.seen.is_empty() {
        "Enter begins it.".to_owned()
    } else {
        format!("Enter goes on at step {}, {}.", step + 1, lesson.steps[step].title)
    };
    format!("{about} {does}")
}
