//! All lessons and exercises together: what home, search and glossary look at.

use super::glossary::Glossary;
use super::{LESSONS, Lesson, Mistake};
use crate::exercise::Posed;

/// The lessons that are written, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Read and checked, as [`LESSONS`] has them.
    pub lessons: Vec<Lesson>,
    /// The terms of all of them.
    pub glossary: Glossary,
    /// The exercises, in the order of the ladder.
    pub exercises: Vec<Posed>,
}

/// A step of a lesson of the course, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the lesson in [`Course::lessons`].
    pub lesson: usize,
    /// Index of the step.
    pub step: usize,
}

impl Course {
    /// Reads all lessons and all exercises.
    ///
    /// # Errors
    /// The first [`Mistake`]; the tests see to it that a released program has none.
    pub fn read() -> Result<Self, Mistake> {
        let exercises = Posed::all().map_err(|(folder, what)| Mistake {
            file: format!("exercises/{folder}/exercise.toml"),
            line: 1,
            what,
            mend: "what it says; `iolab exercise check --authors` looks at all of it".into(),
        })?;
        let lessons = LESSONS.iter().map(|source| source.read()).collect::<Result<_, _>>()?;
        Ok(Self { exercises, ..Self::of(lessons) })
    }

    /// A course of these lessons, without exercises.
    pub fn of(lessons: Vec<Lesson>) -> Self {
        let glossary = Glossary::of(&lessons);
        Self { lessons, glossary, exercises: Vec::new() }
    }

    /// The lesson that an exercise belongs to: its number, and its title where it is written: `2, epoll`.
    pub fn lesson_of(&self, exercise: &Posed) -> String {
        let number = exercise.manifest.lesson;
        let lesson = self.lessons.iter().find(|lesson| lesson.number == number);
        lesson.map_or_else(|| number.to_string(), |lesson| format!("{number}, {}", lesson.title))
    }

    /// Index of the lesson of that name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.lessons.iter().position(|lesson| lesson.name == name)
    }

    /// A place as people say it: `lesson 3, step 8`.
    pub fn name(&self, place: Place) -> String {
        let number = self.lessons.get(place.lesson).map_or(0, |lesson| lesson.number);
        format!("lesson {number}, step {}", place.step.saturating_add(1))
    }
}
