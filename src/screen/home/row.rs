//! The rows of home, and what they say of a lesson.

use crate::lesson::{Course, Lesson, Place};
use crate::progress::{LessonProgress, Progress};
use crate::screen::app::Setting;

/// A row that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// To go on there.
    Continue(Place),
    /// To open that lesson.
    Lesson(usize),
}

impl Row {
    /// Index of its lesson.
    pub(super) fn lesson(self) -> usize {
        match self {
            Self::Continue(place) => place.lesson,
            Self::Lesson(lesson) => lesson,
        }
    }
}

/// All rows, in order.
pub(super) fn rows(setting: &Setting<'_>) -> Vec<Row> {
    let goes_on = setting.progress.resumes(setting.course).map(Row::Continue);
    goes_on.into_iter().chain((0..setting.course.lessons.len()).map(Row::Lesson)).collect()
}

/// `continue: lesson 3, step 8: Batching`.
pub(super) fn goes_on(course: &Course, place: Place) -> String {
    let title = &course.lessons[place.lesson].steps[place.step].title;
    format!("continue: {}: {title}", course.name(place))
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
    let lesson = &course.lessons[row.lesson()];
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
