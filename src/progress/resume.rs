//! Where a learner goes on.

use super::fold::Progress;
use crate::lesson::{Course, Place};

/// Where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    /// In a lesson.
    Lesson(Place),
    /// In an exercise: its index in [`Course::exercises`].
    Exercise(usize),
}

impl Progress {
    /// Where to go on: the exercise that was worked at last, as long as it is not passed; else the lesson.
    pub fn goes_on(&self, course: &Course) -> Option<GoesOn> {
        self.resumes_exercise(course)
            .map(GoesOn::Exercise)
            .or_else(|| self.resumes(course).map(GoesOn::Lesson))
    }

    /// The exercise to go on with: the one that was worked at last, if no lesson was since and it is not
    /// passed.
    pub fn resumes_exercise(&self, course: &Course) -> Option<usize> {
        let name = self.last_exercise().filter(|_| self.is_at_exercise())?;
        let is_open = self.exercise(name).passed.is_none();
        course.exercises.iter().position(|exercise| exercise.name == name).filter(|_| is_open)
    }

    /// Exercises that were passed.
    pub fn exercises_passed(&self, course: &Course) -> usize {
        course.exercises.iter().filter(|exercise| self.exercise(&exercise.name).passed.is_some()).count()
    }

    /// Where to go on: the step that was on the screen last; after a lesson's end, the next lesson that is
    /// not done. `None` when nothing was begun, and when all is done.
    pub fn resumes(&self, course: &Course) -> Option<Place> {
        let last = course.index(self.last()?)?;
        let place = |lesson: usize| {
            let of = &course.lessons[lesson];
            Place { lesson, step: self.lesson(&of.name).resumes_at(of) }
        };
        let here = place(last);
        let at_end = here.step.saturating_add(1) >= course.lessons[last].steps.len();
        let is_done = |lesson: usize| self.lesson(&course.lessons[lesson].name).completed;
        if !(at_end && is_done(last)) {
            return Some(here);
        }
        let all = course.lessons.len();
        // Those that come after it first, then those that were left out.
        (last..all).chain(0..last).find(|lesson| !is_done(*lesson)).map(place)
    }

    /// Lessons of which all steps were seen.
    pub fn lessons_done(&self, course: &Course) -> usize {
        course.lessons.iter().filter(|lesson| self.lesson(&lesson.name).completed).count()
    }
}
