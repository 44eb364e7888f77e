//! Grades for machines: `iolab.grade/1`, and the same record as JUnit and as GitHub Classroom reads it.

mod classroom;
mod junit;

use serde::Serialize;

use crate::exercise::{Judged, State, Verdict};

pub use classroom::{Report, Test, WORKFLOW, classroom};
pub use junit::junit;

/// Name and version of the document; later versions only grow. `schemas/iolab.grade-1.schema.json` says what
/// is in it.
pub const SCHEMA: &str = "iolab.grade/1";

/// An exercise that was judged.
#[derive(Clone, Copy, Debug)]
pub struct Graded<'g> {
    /// Who handed it in, where several did.
    pub submission: Option<&'g str>,
    /// What came of it.
    pub verdict: &'g Verdict,
    /// The sources that were judged.
    pub sources_sha256: &'g str,
    /// Where the recordings are, if any were made.
    pub evidence: Option<&'g str>,
    /// What this machine could not hold the program back from, in sentences.
    pub not_held: &'g [String],
}

/// The document.
#[derive(Debug, Serialize)]
pub struct Document<'g> {
    schema: &'static str,
    exercises: Vec<Exercise<'g>>,
    /// Over all exercises.
    points: u32,
    points_max: u32,
}

#[derive(Debug, Serialize)]
struct Exercise<'g> {
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<&'g str>,
    exercise: &'g str,
    points: u32,
    points_max: u32,
    passed: bool,
    criteria: &'g [Judged],
    sources_sha256: &'g str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'g str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    not_held: &'g [String],
}

/// The document of these grades.
pub fn document<'g>(graded: &[Graded<'g>]) -> Document<'g> {
    let exercise = |of: &Graded<'g>| Exercise {
        submission: of.submission,
        exercise: &of.verdict.exercise,
        points: of.verdict.points,
        points_max: of.verdict.points_max,
        passed: of.verdict.is_passed(),
        criteria: &of.verdict.criteria,
        sources_sha256: of.sources_sha256,
        evidence: of.evidence,
        not_held: of.not_held,
    };
    Document {
        schema: SCHEMA,
        exercises: graded.iter().map(exercise).collect(),
        points: graded.iter().map(|of| of.verdict.points).sum(),
        points_max: graded.iter().map(|of| of.verdict.points_max).sum(),
    }
}

/// An exercise's name, behind that of who handed it in.
fn name(of: &Graded<'_>) -> String {
    match of.submission {
        Some(submission) => format!("{submission}: {}", of.verdict.exercise),
        None => of.verdict.exercise.clone(),
    }
}

/// What a reader is told of a criterion that did not pass, in a few lines.
fn told(judged: &Judged) -> String {
    let parts = [
        ("expected", &judged.expected),
        ("seen", &judged.seen),
        ("why", &judged.why),
        ("next", &judged.next),
    ];
    let lines = parts.into_iter().filter(|(_, text)| !text.is_empty());
    lines.map(|(label, text)| format!("{label}: {text}")).collect::<Vec<_>>().join("\n")
}

/// Whether a criterion counts: what a machine does not allow is neither right nor wrong.
fn counts(judged: &Judged) -> bool {
    judged.state != State::Skipped
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn judged(id: &str, state: State) -> Judged {
        let passed = state == State::Pass;
        let told = |text: &str| if passed { String::new() } else { text.to_owned() };
        Judged {
            id: id.into(),
            state,
            points: if passed { 4 } else { 0 },
            points_max: 4,
            what: "a burst <comes> back".into(),
            expected: "every byte back, in order".into(),
            seen: "12 & 13 \"bytes\" \u{1b}[2J".into(),
            why: told("because"),
            next: told("read on"),
            evidence: None,
        }
    }

    pub fn verdict() -> Verdict {
        use State::{Crashed, Error, Fail, Hung, Pass, Skipped};
        let states = [("a", Pass), ("b", Fail), ("c", Hung), ("d", Crashed), ("e", Skipped), ("f", Error)];
        Verdict::of("drain-the-edge", states.map(|(id, state)| judged(id, state)).into())
    }

    pub fn graded(verdict: &Verdict) -> Graded<'_> {
        Graded { submission: None, verdict, sources_sha256: "", evidence: None, not_held: &[] }
    }

    #[test]
    fn skipped_points_are_nobodys() {
        let verdict = verdict();
        let document = serde_json::to_value(document(&[graded(&verdict)])).unwrap();
        assert_eq!((&document["points"], &document["points_max"]), (&4.into(), &20.into()), "{document}");
        assert_eq!(document["exercises"][0]["criteria"][4]["state"], "skipped");
        assert!(document["exercises"][0].get("evidence").is_none());
    }
}
