//! What happened in an exercise, and how far the learner has come in it.
//!
//! Its lines stand in the same journal as those of lessons, and name an `exercise` where those name a `lesson`:
//! a reader that knows lessons only takes them for lines of a later version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exercise::{State, Verdict};

/// Characters of what was seen that are kept of a criterion: a line of the journal stays a line.
const SEEN_CHARS_MAX: usize = 400;

/// What happened in an exercise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ExerciseEvent {
    /// It was opened.
    Opened,
    /// A program was checked.
    Checked(Checked),
    /// A hint was read.
    HintTaken {
        /// Of which criterion.
        criterion: String,
        /// Which step of its ladder, from 1.
        step: usize,
    },
    /// The right programs were read.
    SolutionSeen,
    /// It was put back to its starter.
    Reset {
        /// Where what was there is kept.
        backup: String,
    },
}

/// What a check came to, as far as it is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Points that were earned.
    pub points: u32,
    /// Points that could be earned.
    pub points_max: u32,
    /// Whether it passed.
    pub passed: bool,
    /// The program that was checked: its sources.
    #[serde(default)]
    pub sources_sha256: String,
    /// What became of each criterion, in the exercise's order.
    pub criteria: Vec<Kept>,
}

/// What is remembered of a criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The criterion's name.
    pub id: String,
    /// How it came out.
    pub state: State,
    /// What was seen.
    pub seen: String,
}

/// A line of the journal about an exercise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExerciseEntry {
    /// When, milliseconds since 1970 by this machine's clock. For people: nothing rests on it.
    pub unix_ms: u64,
    /// The exercise's name, which outlives its number.
    pub exercise: String,
    /// What happened.
    #[serde(flatten)]
    pub event: ExerciseEvent,
}

/// How far the learner has come in an exercise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExerciseProgress {
    /// Whether it was ever opened.
    pub opened: bool,
    /// What the last check came to.
    pub last: Option<Checked>,
    /// The last check that passed.
    pub passed: Option<Checked>,
    /// The most points that any check gave.
    pub points_best: u32,
    /// Hints that were read, by criterion.
    pub hints: BTreeMap<String, usize>,
    /// Whether the right programs were read.
    pub solution_seen: bool,
    /// Whether they were read before a check passed.
    pub solution_seen_first: bool,
}

/// An exercise that was never opened.
pub(super) static UNOPENED: ExerciseProgress = ExerciseProgress {
    opened: false,
    last: None,
    passed: None,
    points_best: 0,
    hints: BTreeMap::new(),
    solution_seen: false,
    solution_seen_first: false,
};

impl Checked {
    /// What is remembered of a verdict about these sources.
    pub fn of(verdict: &Verdict, sources_sha256: &str) -> Self {
        let kept = |judged: &crate::exercise::Judged| Kept {
            id: judged.id.clone(),
            state: judged.state,
            seen: judged.seen.chars().take(SEEN_CHARS_MAX).collect(),
        };
        Self {
            points: verdict.points,
            points_max: verdict.points_max,
            passed: verdict.is_passed(),
            sources_sha256: sources_sha256.to_owned(),
            criteria: verdict.criteria.iter().map(kept).collect(),
        }
    }

    /// What is remembered of a criterion.
    pub fn criterion(&self, id: &str) -> Option<&Kept> {
        self.criteria.iter().find(|kept| kept.id == id)
    }
}

impl ExerciseEntry {
    /// Its line, with the line's end.
    ///
    /// # Errors
    /// JSON cannot hold it.
    pub fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// The entry on a line; `None` for a damaged one and for one that is not about an exercise.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

impl ExerciseProgress {
    pub(super) fn take(&mut self, event: ExerciseEvent) {
        // Whatever happens in an exercise happens in an open one.
        self.opened = true;
        match event {
            ExerciseEvent::Opened | ExerciseEvent::Reset { .. } => {}
            ExerciseEvent::Checked(checked) => {
                self.points_best = self.points_best.max(checked.points);
                if checked.passed {
                    self.passed = Some(checked.clone());
                }
                self.last = Some(checked);
            }
            ExerciseEvent::HintTaken { criterion, step } => {
                let read = self.hints.entry(criterion).or_default();
                *read = step.max(*read);
            }
            ExerciseEvent::SolutionSeen => {
                self.solution_seen_first |= self.passed.is_none();
                self.solution_seen = true;
            }
        }
    }

    /// The criterion that failed first in the last check.
    pub fn failed(&self) -> Option<&str> {
        let last = self.last.as_ref()?;
        let failed = last.criteria.iter().find(|kept| kept.state.is_failure());
        failed.map(|kept| kept.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Entry, Progress};

    fn checked(passed: bool, points: u32) -> ExerciseEvent {
        let state = if passed { State::Pass } else { State::Fail };
        let kept = Kept { id: "burst".into(), state, seen: "12 of 64 KiB".into() };
        ExerciseEvent::Checked(Checked {
            points,
            points_max: 4,
            passed,
            sources_sha256: "ab".into(),
            criteria: vec![kept],
        })
    }

    fn line(event: ExerciseEvent) -> String {
        ExerciseEntry { unix_ms: 1, exercise: "drain".into(), event }.line().unwrap()
    }

    #[test]
    fn events_add_up() {
        let events = [
            ExerciseEvent::Opened,
            checked(false, 2),
            ExerciseEvent::HintTaken { criterion: "burst".into(), step: 2 },
            ExerciseEvent::HintTaken { criterion: "burst".into(), step: 1 },
            checked(true, 4),
            ExerciseEvent::SolutionSeen,
            ExerciseEvent::Reset { backup: "/w/06-drain.bak-1".into() },
            checked(false, 0),
        ];
        let journal: String = events.into_iter().map(line).collect();
        let progress = Progress::of(&journal);
        let drain = progress.exercise("drain");
        assert_eq!((drain.points_best, drain.hints["burst"], drain.failed()), (4, 2, Some("burst")));
        assert!(drain.passed.is_some() && drain.solution_seen && !drain.solution_seen_first);
        assert!(!progress.exercise("other").opened);
        assert_eq!(progress.last(), None, "no lesson was touched");
    }

    #[test]
    fn a_reader_of_lessons_passes_these_lines_over() {
        let text = line(checked(true, 4));
        assert_eq!(Entry::read(&text), None, "{text}");
        assert!(ExerciseEntry::read(&text).is_some());
        assert_eq!(ExerciseEntry::read("{\"unix_ms\":1,\"lesson\":\"rings\",\"event\":\"begun\"}"), None);
    }
}
