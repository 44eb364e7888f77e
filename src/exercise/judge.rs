//! From what a run saw to what became of its criteria. Pure: the same sight is always the same verdict.

use super::findings::{Finding, findings};
use super::manifest::{Criterion, Manifest};
use super::seen::{RunSeen, StepSeen, Trouble};
use super::verdict::{Judged, State};
use crate::trace::Refusal;

/// Why a program that ends fails whatever is asked of it, and what to do.
const ENDED: &str =
    "A program that has ended serves nobody and answers nothing; what comes after could not be looked at.";
const LOOK: &str = "Read what it said last, or run it by hand: cargo run -p NAME.";

/// Judges the criteria of one run that goes well so far, as far as its steps are done: in the order of the steps.
pub fn judge_so_far(manifest: &Manifest, run: &str, seen: &RunSeen) -> Vec<Judged> {
    let place = |criterion: &&Criterion| manifest.place(criterion).map(|(_, at)| at);
    let mut done: Vec<_> = manifest
        .criteria
        .iter()
        .filter(|criterion| criterion.run == run && place(criterion).is_some_and(|at| at < seen.steps.len()))
        .collect();
    done.sort_by_key(place);
    done.into_iter().map(|criterion| one(manifest, criterion, seen, &mut None)).collect()
}

/// Judges the criteria of one run that is over.
pub fn judge(manifest: &Manifest, run: &str, seen: &RunSeen) -> Vec<Judged> {
    let mut told = None;
    let criteria = manifest.criteria.iter().filter(|criterion| criterion.run == run);
    criteria.map(|criterion| one(manifest, criterion, seen, &mut told)).collect()
}

/// All criteria of a machine that does not allow what the exercise needs.
pub fn skipped(manifest: &Manifest, refusal: &Refusal) -> Vec<Judged> {
    manifest.criteria.iter().map(|criterion| skip(criterion, refusal)).collect()
}

fn skip(criterion: &Criterion, refusal: &Refusal) -> Judged {
    let mut judged = judged(criterion, State::Skipped, String::new(), format!("not judged: {refusal}"));
    (judged.why, judged.next) = (String::new(), refusal.try_this.clone());
    judged
}

fn judged(criterion: &Criterion, state: State, expected: String, seen: String) -> Judged {
    let passed = state == State::Pass;
    let told = |text: &String| if passed { String::new() } else { text.clone() };
    Judged {
        id: criterion.id.clone(),
        state,
        points: if passed { criterion.points } else { 0 },
        points_max: criterion.points,
        what: criterion.what.clone(),
        expected,
        seen,
        why: told(&criterion.why),
        next: told(&criterion.next),
        evidence: None,
    }
}

/// One criterion; `told` is the one that has already told of the run's trouble.
fn one(manifest: &Manifest, criterion: &Criterion, seen: &RunSeen, told: &mut Option<String>) -> Judged {
    let place = manifest.place(criterion);
    let Some((_, at)) = place else {
        return judged(criterion, State::Error, String::new(), "the exercise has no such step".into());
    };
    let expected = |findings: &[Finding]| join(findings.iter().map(|finding| &finding.expected));
    // The last step that was begun is the one that the trouble came in.
    let last = seen.steps.len().saturating_sub(1);
    if let Some(trouble) = seen.trouble.as_ref().filter(|_| at >= last) {
        let (state, says) = match trouble {
            Trouble::Hung(says) => (State::Hung, says),
            Trouble::Crashed(says) => (State::Crashed, says),
            Trouble::Error(says) => (State::Error, says),
        };
        let nothing = StepSeen::default();
        let findings = findings(&criterion.expect, &nothing, &seen.start);
        let Some(other) = told else {
            *told = Some(criterion.id.clone());
            let mut judged = judged(criterion, state, expected(&findings), says.clone());
            if state == State::Crashed {
                (judged.why, judged.next) = (ENDED.to_owned(), LOOK.to_owned());
            }
            return judged;
        };
        // Nothing was seen of it, so there is nothing to explain.
        let mut judged = judged(criterion, state, String::new(), format!("not reached: see {other}"));
        (judged.why, judged.next) = Default::default();
        return judged;
    }
    let Some(step) = seen.steps.get(at) else {
        return judged(criterion, State::Error, String::new(), "the run ended before this step".into());
    };
    if let Some(refusal) = seen.untraced.as_ref().filter(|_| criterion.expect.needs_calls().is_some()) {
        return skip(criterion, refusal);
    }
    let findings = findings(&criterion.expect, step, &seen.start);
    let state = if findings.iter().all(|finding| finding.holds) { State::Pass } else { State::Fail };
    // What holds need not be explained beside what does not.
    let shown = findings.iter().filter(|finding| state == State::Pass || !finding.holds);
    let shown: Vec<_> = shown.collect();
    let expected = join(shown.iter().map(|finding| &finding.expected));
    judged(criterion, state, expected, join(shown.iter().map(|finding| &finding.seen)))
}

fn join<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    parts.map(String::as_str).collect::<Vec<_>>().join("; ")
}
