//! How far the learner is in an exercise, in a word or a few: the same on screens, in text and in lessons.

use super::{ExerciseProgress, Progress};
use crate::exercise::Posed;

/// How far the learner is in an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing happened in it.
    NotBegun,
    /// It is open, and nothing was checked.
    Opened,
    /// It was checked and has not passed.
    Points {
        /// The most that any check gave.
        best: u32,
        /// What it is worth.
        of: u32,
    },
    /// It passed once.
    Passed,
}

impl Standing {
    /// It in words: `7 of 10 points`.
    pub fn says(self) -> String {
        match self {
            Self::Points { .. } => format!("{} points", self.says_briefly()),
            _ => self.says_briefly(),
        }
    }

    /// It where there is little room: `7 of 10`.
    pub fn says_briefly(self) -> String {
        match self {
            Self::NotBegun => "not begun".into(),
            Self::Opened => "opened".into(),
            Self::Points { best, of } => format!("{best} of {of}"),
            Self::Passed => "passed".into(),
        }
    }
}

impl ExerciseProgress {
    /// How far the learner is, in an exercise of so many points.
    pub fn standing(&self, points: u32) -> Standing {
        match self {
            Self { passed: Some(_), .. } => Standing::Passed,
            Self { last: Some(_), .. } => Standing::Points { best: self.points_best.min(points), of: points },
            Self { opened: true, .. } => Standing::Opened,
            _ => Standing::NotBegun,
        }
    }

    /// All of it in words: `7 of 10 points, 2 hints taken`.
    pub fn says(&self, points: u32) -> String {
        let is_late = self.passed.is_some() && self.solution_seen_first;
        let after = if is_late { " after its solution" } else { "" };
        let hints = self.says_hints().map(|hints| format!(", {hints}")).unwrap_or_default();
        format!("{}{after}{hints}", self.standing(points).says())
    }

    /// Hints that were read, of all criteria.
    pub fn hints_taken(&self) -> usize {
        self.hints.values().sum()
    }

    /// The same in words, if any were: `1 hint taken`.
    pub fn says_hints(&self) -> Option<String> {
        match self.hints_taken() {
            0 => None,
            1 => Some("1 hint taken".into()),
            many => Some(format!("{many} hints taken")),
        }
    }
}

/// The exercises of a lesson, each with how far the learner is: `drain-the-edge (7 of 10), ghost-event`. Nothing
/// where a lesson has none.
pub fn exercises_of(lesson: u8, exercises: &[Posed], progress: &Progress) -> Option<String> {
    let of_it = exercises.iter().filter(|exercise| exercise.manifest.lesson == lesson);
    let each =
        of_it.map(|exercise| match progress.exercise(&exercise.name).standing(exercise.manifest.points) {
            Standing::NotBegun => exercise.name.clone(),
            standing => format!("{} ({})", exercise.name, standing.says_briefly()),
        });
    Some(each.collect::<Vec<_>>().join(", ")).filter(|says| !says.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::ExerciseEvent;

    #[test]
    fn a_lesson_names_its_exercises_with_what_was_done() {
        let exercises = Posed::all().unwrap();
        let mut progress = Progress::default();
        progress.take_exercise("drain-the-edge", ExerciseEvent::Opened);
        let says = |number| exercises_of(number, &exercises, &progress);
        let of_epoll = says(2).unwrap();
        assert!(of_epoll.contains("drain-the-edge (opened), ghost-event"), "{of_epoll}");
        for exercise in &exercises {
            assert!(says(exercise.manifest.lesson).unwrap().contains(&exercise.name));
        }
        assert_eq!(says(u8::MAX), None);
    }
}
