//! Grades as GitHub Classroom reads them.
//!
//! Modelled on what `education/autograding-grading-reporter` takes from each of its runners, an object with
//! `version`, `status`, `max_score` and `tests[]` (`name`, `status`, `message`, `score`), which
//! `education/autograding-command-grader` and its siblings make. The reporter finds it base64-encoded in the
//! variable `NAME_RESULTS` of its step; [`WORKFLOW`] puts it there. Scores are per test, so partial credit counts:
//! a criterion is a test.

use serde::Serialize;

use super::{Graded, counts, told};
use crate::exercise::{Judged, State};

/// A workflow for a class's repository, `.github/workflows/classroom.yml`.
pub const WORKFLOW: &str = include_str!("classroom.yml");

/// What the reporter takes.
#[derive(Debug, Serialize)]
pub struct Report {
    /// 1.
    pub version: u8,
    /// Whether all passed.
    pub status: Status,
    /// Points that could be earned; the reporter takes only whole numbers above 0 for a score.
    pub max_score: u32,
    /// Each criterion that counts.
    pub tests: Vec<Test>,
}

/// A criterion.
#[derive(Debug, Serialize)]
pub struct Test {
    /// The exercise's name and the criterion's.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// What is to be known of it; `null` for one that passed.
    pub message: Option<String>,
    /// Points that were earned.
    pub score: u32,
    /// Points that it is worth.
    pub max_score: u32,
    /// The command that shows it.
    pub test_code: String,
    /// Where the learner writes.
    pub filename: String,
    /// Not known.
    pub line_no: u32,
    /// Not measured: counts decide.
    pub duration: u32,
}

/// The reporter's three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It passed.
    Pass,
    /// It did not.
    Fail,
    /// It could not be judged.
    Error,
}

/// The report of these grades. Skipped criteria are no tests of it: the reporter has no word for them but failure.
pub fn classroom(graded: &[Graded<'_>]) -> Report {
    let tests: Vec<Test> = graded
        .iter()
        .flat_map(|of| {
            of.verdict.criteria.iter().filter(|judged| counts(judged)).map(|judged| test(of, judged))
        })
        .collect();
    let any = |status| tests.iter().any(|test| test.status == status);
    let status = match () {
        () if any(Status::Fail) => Status::Fail,
        // Where nothing could be judged, nothing has passed.
        () if any(Status::Error) || tests.is_empty() => Status::Error,
        () => Status::Pass,
    };
    Report { version: 1, status, max_score: graded.iter().map(|of| of.verdict.points_max).sum(), tests }
}

fn test(of: &Graded<'_>, judged: &Judged) -> Test {
    let status = match judged.state {
        State::Pass => Status::Pass,
        State::Error | State::Skipped => Status::Error,
        State::Fail | State::Hung | State::Crashed => Status::Fail,
    };
    let exercise = &of.verdict.exercise;
    Test {
        name: format!("{}: {}", super::name(of), judged.id),
        status,
        message: (status != Status::Pass).then(|| told(judged)),
        score: judged.points,
        max_score: judged.points_max,
        test_code: format!("iolab exercise check {exercise}"),
        filename: "src/main.rs".into(),
        line_no: 0,
        duration: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{graded, judged, verdict};
    use super::*;
    use crate::exercise::Verdict;

    #[test]
    fn partial_credit_counts_and_skipped_points_do_not() {
        let verdict = verdict();
        let report = classroom(&[graded(&verdict)]);
        assert_eq!((report.status, report.max_score, report.tests.len()), (Status::Fail, 20, 5));
        assert_eq!(report.tests.iter().map(|test| test.score).sum::<u32>(), 4);
        assert!(report.tests[0].message.is_none() && report.tests[1].message.is_some());
    }

    #[test]
    fn what_could_not_be_judged_has_not_passed() {
        for (state, status) in
            [(State::Pass, Status::Pass), (State::Skipped, Status::Error), (State::Error, Status::Error)]
        {
            let verdict = Verdict::of("x", vec![judged("a", state)]);
            assert_eq!(classroom(&[graded(&verdict)]).status, status, "{state:?}");
        }
    }

    #[test]
    fn the_workflow_hands_the_report_over_as_the_reporter_asks() {
        for words in ["grade --format github", "base64", "IOLAB_RESULTS", "runners: iolab"] {
            assert!(WORKFLOW.contains(words), "{words}");
        }
    }
}
