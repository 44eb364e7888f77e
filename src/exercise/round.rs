//! One round of the learner's loop: build, then check.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context as _;

use super::build::{Built, Order, build};
use super::check::{Checked, Setting, check};
use super::stop::Stop;
use super::trouble::Trouble;
use super::workspace::Workspace;
use super::{Exercise, Judged, Manifest, State, sources};
use crate::trace::Capabilities;

/// What is the same in all rounds of a session.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'b> {
    /// Where the exercise is open.
    pub workspace: &'b Workspace,
    /// Which exercise.
    pub exercise: &'b Exercise,
    /// What it asks for.
    pub manifest: &'b Manifest,
    /// What this machine allows; asked of it when there is a program to check, not before.
    pub capabilities: &'b OnceLock<Capabilities>,
    /// Whether the words of compilers are to have colours.
    pub colour: bool,
}

/// Something that is told while a round is under way.
#[derive(Clone, Debug)]
pub enum Told {
    /// What compilers say.
    Words(String),
    /// A criterion was judged.
    Judged(Box<Judged>),
}

/// What a round came to.
#[derive(Debug)]
pub enum Outcome {
    /// The program does not compile.
    NotBuilt,
    /// It was checked.
    Checked(Checked),
    /// The round was ended.
    Stopped,
}

/// A round, and the sources that it was about.
#[derive(Debug)]
pub struct Round {
    /// What it came to.
    pub outcome: Outcome,
    /// SHA-256 of the sources before the build.
    pub sources_sha256: String,
    /// Where the recordings of its runs are.
    pub evidence: PathBuf,
}

/// Builds the learner's program and checks it.
///
/// # Errors
/// Nothing that the program is to blame for: no cargo, missing crates, a folder that cannot be written.
pub fn round(bench: &Bench<'_>, stop: &Stop, told: &mut dyn FnMut(Told)) -> anyhow::Result<Round> {
    let name = bench.exercise.name();
    let folder = bench.workspace.folder(bench.exercise);
    let sources_sha256 = sources::digest(&folder).map_err(|error| no_sources(bench, &error))?;
    let evidence = bench.workspace.own().join("evidence").join(name);
    let target = bench.workspace.target();
    let order =
        Order { root: bench.workspace.root(), target: &target, package: Some(name), colour: bench.colour };
    let outcome = match build(&order, stop, &mut |words| told(Told::Words(words.to_owned())))? {
        Built::Program(Some(program)) => judge(bench, &program, Some(&evidence), stop, told)?,
        Built::Program(None) | Built::Refused => Outcome::NotBuilt,
        Built::Stopped => Outcome::Stopped,
    };
    Ok(Round { outcome, sources_sha256, evidence })
}

fn judge(
    bench: &Bench<'_>,
    program: &Path,
    evidence: Option<&Path>,
    stop: &Stop,
    told: &mut dyn FnMut(Told),
) -> anyhow::Result<Outcome> {
    let checked = checked(bench, program, evidence, stop, &mut |judged| {
        told(Told::Judged(Box::new(judged.clone())));
    })?;
    Ok(if checked.stopped || stop.is_asked() { Outcome::Stopped } else { Outcome::Checked(checked) })
}

/// Checks a program that is built.
///
/// # Errors
/// A folder cannot be made, or the exercise itself is wrong.
pub fn checked(
    bench: &Bench<'_>,
    program: &Path,
    evidence: Option<&Path>,
    stop: &Stop,
    told: &mut dyn FnMut(&Judged),
) -> anyhow::Result<Checked> {
    let scratch = Scratch::new(&bench.workspace.own())?;
    if let Some(evidence) = evidence {
        fs::create_dir_all(evidence).with_context(|| format!("cannot make {}", evidence.display()))?;
    }
    let setting = Setting {
        capabilities: bench.capabilities.get_or_init(crate::doctor::examine),
        scratch: &scratch.0,
        evidence,
        stop: &|| stop.is_asked(),
    };
    check(bench.exercise, bench.manifest, program, &setting, told)
}

/// An empty folder for the learner's program, taken away with all that it leaves there.
struct Scratch(PathBuf);

impl Scratch {
    fn new(own: &Path) -> anyhow::Result<Self> {
        let folder = own.join(format!("scratch-{}", std::process::id()));
        // What a round that was killed has left there.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn no_sources(bench: &Bench<'_>, error: &std::io::Error) -> Trouble {
    let (exercise, folder) = (bench.exercise.name(), bench.workspace.folder(bench.exercise));
    Trouble::deed(
        format!("the sources in {} cannot be read: {}", folder.display(), super::workspace::told(error)),
        "they are what is built and checked",
        format!("`iolab exercise watch {exercise}`, which writes what is missing of an exercise"),
    )
}

/// What is judged of a program that does not compile: nothing of it holds.
pub fn not_built(manifest: &Manifest, words: &str) -> Vec<Judged> {
    let first = words.lines().find(|line| line.contains("error")).unwrap_or("cargo says why").trim();
    let judged = |criterion: &super::manifest::Criterion| Judged {
        id: criterion.id.clone(),
        state: State::Fail,
        points: 0,
        points_max: criterion.points,
        what: criterion.what.clone(),
        expected: "a program that compiles".into(),
        seen: format!("it does not compile: {first}"),
        why: "what does not run cannot be looked at".into(),
        next: "mend what the compiler names first; the rest may follow from it".into(),
        evidence: None,
    };
    manifest.criteria.iter().map(judged).collect()
}
