//! A whole check of a program: every run of its exercise, every criterion as soon as it is judged.

use std::collections::BTreeSet;
use std::path::Path;

use super::judge;
use super::manifest::{Manifest, Need};
use super::run;
use super::{Exercise, Judged, Verdict};
use crate::trace::{Capabilities, Layer, Refusal};

/// How a program is checked.
pub struct Setting<'a> {
    /// What this machine allows.
    pub capabilities: &'a Capabilities,
    /// An empty folder that the program works in.
    pub scratch: &'a Path,
    /// Where runs are recorded, if they are.
    pub evidence: Option<&'a Path>,
    /// Asked often; true ends the check early.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// What a check came to.
#[derive(Debug)]
pub struct Checked {
    /// The verdict, as far as the check came.
    pub verdict: Verdict,
    /// Whether it was ended early.
    pub stopped: bool,
    /// What this machine cannot hold a program back from, in sentences.
    pub not_held: Vec<String>,
}

/// Checks a program; `told` hears each criterion as soon as it is judged.
///
/// # Errors
/// Only what the exercise itself has wrong; all that a program does, or a machine refuses, is a verdict.
pub fn check(
    exercise: &Exercise,
    manifest: &Manifest,
    program: &Path,
    setting: &Setting<'_>,
    told: &mut dyn FnMut(&Judged),
) -> anyhow::Result<Checked> {
    check_as(exercise.name(), manifest, program, setting, told)
}

/// The same for an exercise that is not in the table: an author's.
///
/// # Errors
/// As [`check`].
pub fn check_as(
    name: &str,
    manifest: &Manifest,
    program: &Path,
    setting: &Setting<'_>,
    told: &mut dyn FnMut(&Judged),
) -> anyhow::Result<Checked> {
    if let Some(refusal) = refusal(manifest, setting.capabilities) {
        let criteria = judge::skipped(manifest, &refusal);
        criteria.iter().for_each(&mut *told);
        return Ok(Checked { verdict: Verdict::of(name, criteria), stopped: false, not_held: Vec::new() });
    }
    let (mut judged, mut not_held, mut stopped) = (Vec::new(), Vec::new(), false);
    for one in &manifest.runs {
        let mut known = BTreeSet::new();
        let ran = run::run(name, manifest, one, program, setting, &mut |seen| {
            for criterion in judge::judge_so_far(manifest, &one.id, seen) {
                if known.insert(criterion.id.clone()) {
                    told(&criterion);
                }
            }
        });
        not_held = ran.not_held;
        if ran.stopped {
            stopped = true;
            break;
        }
        let mut criteria = judge::judge(manifest, &one.id, &ran.seen);
        for criterion in &mut criteria {
            criterion.evidence.clone_from(&ran.evidence);
            if known.insert(criterion.id.clone()) {
                told(criterion);
            }
        }
        judged.extend(criteria);
    }
    let place = |judged: &Judged| manifest.criteria.iter().position(|criterion| criterion.id == judged.id);
    judged.sort_by_key(place);
    Ok(Checked { verdict: Verdict::of(name, judged), stopped, not_held })
}

/// Why this machine cannot judge an exercise at all.
fn refusal(manifest: &Manifest, capabilities: &Capabilities) -> Option<Refusal> {
    manifest.needs.iter().find_map(|need| match need {
        Need::IoUring if capabilities.io_uring.is_usable() => None,
        Need::IoUring => capabilities.io_uring.refusal().cloned(),
        Need::TwoCpus if capabilities.machine.cpus >= 2 => None,
        Need::TwoCpus => Some(Refusal {
            layer: Layer::Cpus,
            says: format!("{} processor may be used, and the exercise needs two", capabilities.machine.cpus),
            try_this: "check it where two processors may be used (taskset -p $$ shows which are)".into(),
        }),
    })
}
