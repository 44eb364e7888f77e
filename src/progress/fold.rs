//! Entries folded into what they amount to.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Entry, Event};
use super::exercise::{self, ExerciseEntry, ExerciseEvent, ExerciseProgress};
use crate::lesson::{Closeness, Lesson, Prediction, Verdict};

/// How far the learner has come in all lessons and exercises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    lessons: BTreeMap<String, LessonProgress>,
    last: Option<String>,
    exercises: BTreeMap<String, ExerciseProgress>,
    last_exercise: Option<String>,
    /// Whether what happened last happened in an exercise.
    is_at_exercise: bool,
}

/// How far in one lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LessonProgress {
    /// Steps that were on the screen, from 0.
    pub seen: BTreeSet<usize>,
    /// The step that was on the screen last, from 0.
    pub last_step: Option<usize>,
    /// Answers as they were typed, by the prediction's id.
    pub answers: BTreeMap<String, String>,
    /// Predictions that were asked and passed over, by id.
    pub passed_over: BTreeSet<String>,
    /// What was measured for a prediction, by its id.
    pub measured: BTreeMap<String, f64>,
    /// Whether all steps were seen once; steps that a later version adds do not undo it.
    pub completed: bool,
}

/// A lesson that was never opened.
static UNOPENED: LessonProgress = LessonProgress {
    seen: BTreeSet::new(),
    last_step: None,
    answers: BTreeMap::new(),
    passed_over: BTreeSet::new(),
    measured: BTreeMap::new(),
    completed: false,
};

/// What became of a lesson's predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Predictions that the lesson asks for.
    pub asked: usize,
    /// Those that were made.
    pub made: usize,
    /// Those of them that the kernel has answered.
    pub judged: usize,
    /// Those of them that came close.
    pub close: usize,
}

/// What a session has come to in a lesson.
#[derive(Clone, Copy, Debug)]
pub struct Said<'v> {
    /// The step on the screen, from 0.
    pub step: usize,
    /// Answers as they were typed, by the prediction's id.
    pub answers: &'v BTreeMap<String, String>,
    /// Predictions that were asked and passed over, by id.
    pub passed_over: &'v BTreeSet<String>,
    /// What was measured for a prediction, by its id.
    pub measured: &'v BTreeMap<String, f64>,
}

impl Progress {
    /// Folds a journal. Lines that cannot be read are passed over: the others are still true.
    pub fn of(journal: &str) -> Self {
        let mut progress = Self::default();
        for line in journal.lines() {
            if let Some(entry) = Entry::read(line) {
                progress.take(&entry.lesson, entry.event);
            } else if let Some(entry) = ExerciseEntry::read(line) {
                progress.take_exercise(&entry.exercise, entry.event);
            }
        }
        progress
    }

    /// Takes one more event of an exercise.
    pub fn take_exercise(&mut self, exercise: &str, event: ExerciseEvent) {
        self.exercises.entry(exercise.to_owned()).or_default().take(event);
        self.is_at_exercise = true;
        if self.last_exercise.as_deref() != Some(exercise) {
            self.last_exercise = Some(exercise.to_owned());
        }
    }

    /// The name of the exercise in which something happened last.
    pub fn last_exercise(&self) -> Option<&str> {
        self.last_exercise.as_deref()
    }

    /// What is known of an exercise; nothing, for one that was never opened.
    pub fn exercise(&self, name: &str) -> &ExerciseProgress {
        self.exercises.get(name).unwrap_or(&exercise::UNOPENED)
    }

    /// Takes one more event.
    pub fn take(&mut self, lesson: &str, event: Event) {
        self.lessons.entry(lesson.to_owned()).or_default().take(event);
        self.is_at_exercise = false;
        if self.last.as_deref() != Some(lesson) {
            self.last = Some(lesson.to_owned());
        }
    }

    /// What is known of a lesson; nothing, for one that was never opened.
    pub fn lesson(&self, name: &str) -> &LessonProgress {
        self.lessons.get(name).unwrap_or(&UNOPENED)
    }

    /// Whether what happened last happened in an exercise, not in a lesson.
    pub fn is_at_exercise(&self) -> bool {
        self.is_at_exercise
    }

    /// The name of the lesson in which something happened last.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

impl LessonProgress {
    fn take(&mut self, event: Event) {
        match event {
            Event::Begun => {
                // What was read stays read; what was said is to be said again.
                (self.last_step, self.answers, self.passed_over, self.measured) = Default::default();
            }
            Event::StepSeen { step } => {
                let step = step.saturating_sub(1);
                self.seen.insert(step);
                self.last_step = Some(step);
            }
            Event::Answered { prediction, answer } => {
                self.passed_over.remove(&prediction);
                self.answers.insert(prediction, answer);
            }
            Event::PassedOver { prediction } => {
                self.passed_over.insert(prediction);
            }
            Event::Measured { prediction, value } => {
                self.measured.insert(prediction, value);
            }
            Event::Completed => self.completed = true,
        }
    }

    /// Steps of a lesson that were seen; a journal may know steps that the lesson has no more.
    pub fn steps_seen(&self, lesson: &Lesson) -> usize {
        self.seen.range(..lesson.steps.len()).count()
    }

    /// The furthest step that was seen, from 0.
    pub fn furthest(&self) -> Option<usize> {
        self.seen.last().copied()
    }

    /// The step at which the lesson opens again, from 0.
    pub fn resumes_at(&self, lesson: &Lesson) -> usize {
        self.last_step.unwrap_or(0).min(lesson.steps.len().saturating_sub(1))
    }

    /// What became of a lesson's predictions.
    pub fn score(&self, lesson: &Lesson) -> Score {
        let mut score = Score::default();
        for asked in lesson.steps.iter().flat_map(|step| step.predictions()) {
            score.asked += 1;
            match self.verdict(asked) {
                None | Some(Verdict::Unreadable(_)) => {}
                Some(Verdict::Waiting { .. }) => score.made += 1,
                Some(Verdict::Judged { closeness, .. }) => {
                    score.made += 1;
                    score.judged += 1;
                    score.close += usize::from(closeness == Closeness::Close);
                }
            }
        }
        score
    }

    /// Events that make what is known what is said here: what a session adds, nothing twice.
    pub fn news(&self, lesson: &Lesson, said: &Said<'_>) -> Vec<Event> {
        let mut news = Vec::new();
        if self.last_step != Some(said.step) {
            news.push(Event::StepSeen { step: said.step.saturating_add(1) });
        }
        for id in said.passed_over.difference(&self.passed_over).filter(|id| !self.answers.contains_key(*id))
        {
            news.push(Event::PassedOver { prediction: id.clone() });
        }
        for (id, answer) in said.answers.iter().filter(|(id, answer)| self.answers.get(*id) != Some(*answer))
        {
            news.push(Event::Answered { prediction: id.clone(), answer: answer.clone() });
        }
        // JSON has no word for what is not finite, and no verdict rests on it.
        let measured = said.measured.iter().filter(|(_, value)| value.is_finite());
        for (id, value) in measured.filter(|(id, value)| self.measured.get(*id) != Some(*value)) {
            news.push(Event::Measured { prediction: id.clone(), value: *value });
        }
        let all = (0..lesson.steps.len()).all(|step| step == said.step || self.seen.contains(&step));
        if all && !self.completed {
            news.push(Event::Completed);
        }
        news
    }

    fn verdict(&self, asked: &Prediction) -> Option<Verdict> {
        let answer = self.answers.get(&asked.id)?;
        Some(asked.judge(answer, self.measured.get(&asked.id).copied()))
    }
}
