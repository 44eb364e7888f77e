//! A verdict: what became of each criterion, and why.

use serde::Serialize;

/// What became of an exercise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The exercise's name.
    pub exercise: String,
    /// Points that were earned.
    pub points: u32,
    /// Points that could be earned here: those of skipped criteria are not among them.
    pub points_max: u32,
    /// Each criterion, in the exercise's order.
    pub criteria: Vec<Judged>,
}

/// What became of a criterion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The criterion's name.
    pub id: String,
    /// How it came out.
    pub state: State,
    /// Points that were earned.
    pub points: u32,
    /// Points that it is worth.
    pub points_max: u32,
    /// What must be true, in a sentence.
    pub what: String,
    /// What was expected, in numbers.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// Why it matters; empty for one that passed.
    pub why: String,
    /// What to try; empty for one that passed.
    pub next: String,
    /// A recording of the run that was judged, if one was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// How a criterion came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// What was seen is what was expected.
    Pass,
    /// It is not.
    Fail,
    /// The program waited for something that did not come.
    Hung,
    /// The program ended.
    Crashed,
    /// This machine does not allow it to be judged; that is nobody's failure.
    Skipped,
    /// The grader could not do its work.
    Error,
}

impl State {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Hung => "hung",
            Self::Crashed => "crashed",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }

    /// Whether the learner's program is to blame.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Hung | Self::Crashed)
    }
}

impl Verdict {
    /// The verdict of these criteria.
    pub fn of(exercise: &str, criteria: Vec<Judged>) -> Self {
        let counted = || criteria.iter().filter(|judged| judged.state != State::Skipped);
        Self {
            exercise: exercise.to_owned(),
            points: counted().map(|judged| judged.points).sum(),
            points_max: counted().map(|judged| judged.points_max).sum(),
            criteria,
        }
    }

    /// Whether all that could be judged passed, and something could.
    pub fn is_passed(&self) -> bool {
        let mut states = self.criteria.iter().map(|judged| judged.state);
        states.clone().any(|state| state == State::Pass)
            && states.all(|state| matches!(state, State::Pass | State::Skipped))
    }

    /// Whether nothing could be judged on this machine.
    pub fn is_skipped(&self) -> bool {
        self.criteria.iter().all(|judged| judged.state == State::Skipped)
    }

    /// Names of the criteria that the program failed.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.criteria.iter().filter(|judged| judged.state.is_failure()).map(|judged| judged.id.as_str())
    }
}
