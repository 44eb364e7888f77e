//! Submissions: programs that others wrote, built and run where they can harm nobody.
//!
//! Of what was handed in only `src/**/*.rs` is looked at. It is compiled in a cage against crates that were built from
//! the pristine exercise before, with its pristine manifest: no build script, no dependency and no cargo
//! configuration of a stranger's ever runs.

mod found;
mod kiln;

use std::path::Path;

use anyhow::Context;

use super::cage::{Cage, Hold, Holding, Order, holds};
use super::check::{Setting, check};
use super::round::not_built;
use super::{Exercise, Verdict, sources};
use crate::trace::Capabilities;

pub use self::found::{Found, Submission, found};
pub use self::kiln::{Compiled, Kiln};

/// Without these a stranger's program is not run unless somebody takes the risk.
const NEEDED: [Holding; 5] =
    [Holding::Network, Holding::Processes, Holding::Files, Holding::Memory, Holding::Signals];

/// What a program begins with.
const MAIN: &str = "src/main.rs";

/// What became of one exercise of a submission.
#[derive(Debug)]
pub struct Graded {
    /// What came of it.
    pub verdict: Verdict,
    /// SHA-256 of the sources.
    pub sources_sha256: String,
    /// What this machine could not hold it back from.
    pub not_held: Vec<String>,
}

/// What this machine does not hold a program back from, of what a stranger's program must be held back from.
///
/// # Errors
/// No program can be run in a cage at all.
pub fn unheld() -> anyhow::Result<Vec<Hold>> {
    let scratch = scratch()?;
    let mut cage = Cage::begin(&Order::new("/bin/true", scratch.path()))?;
    cage.release().context("cannot run /bin/true in a cage")?;
    let held = cage.held().to_vec();
    let lacks = |what: &Holding| !holds(&held, *what);
    Ok(held.iter().filter(|hold| NEEDED.contains(&hold.what) && lacks(&hold.what)).cloned().collect())
}

/// Grades one exercise of a submission.
///
/// # Errors
/// Nothing that the program is to blame for: no compiler, a folder that cannot be written.
pub fn grade(
    kiln: &mut Kiln,
    exercise: &'static Exercise,
    folder: &Path,
    capabilities: &Capabilities,
    evidence: Option<&Path>,
    stop: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Graded> {
    let manifest = exercise.read().map_err(anyhow::Error::msg)?;
    let sources = match sources::texts(folder) {
        Ok(sources) => sources,
        Err(error) => {
            let verdict = Verdict::of(exercise.name(), not_built(&manifest, &format!("error: {error}")));
            return Ok(Graded { verdict, sources_sha256: String::new(), not_held: Vec::new() });
        }
    };
    let sources_sha256 = sources::digest_of(&sources);
    if !sources.contains_key(Path::new(MAIN)) {
        let says = format!("error: there is no {MAIN}, or it is no regular file");
        let verdict = Verdict::of(exercise.name(), not_built(&manifest, &says));
        return Ok(Graded { verdict, sources_sha256, not_held: Vec::new() });
    }
    let work = scratch()?;
    let (verdict, not_held) = match kiln.compile(exercise, &sources, work.path(), stop)? {
        Compiled::Refused(words) => (Verdict::of(exercise.name(), not_built(&manifest, &words)), Vec::new()),
        Compiled::Program(program) => {
            let scratch = scratch()?;
            let setting = Setting { capabilities, scratch: scratch.path(), evidence, stop };
            let checked = check(exercise, &manifest, &program, &setting, &mut |_| {})?;
            (checked.verdict, checked.not_held)
        }
    };
    Ok(Graded { verdict, sources_sha256, not_held })
}

fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("iolab-grade-").tempdir();
    folder.context("cannot make a temporary folder for a submission")
}
