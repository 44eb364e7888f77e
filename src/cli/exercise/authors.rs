//! `iolab exercise check --authors`: what the authors of exercises are held to.

use std::path::Path;

use crate::cli::{Exit, face};
use crate::doctor::examine;
use crate::exercise::authors::{self, News, Plan};
use anyhow::Context;

/// What is asked for.
pub struct Asked<'a> {
    /// The exercises; all when empty.
    pub names: Vec<String>,
    /// The folder that has exercises/ and solutions/; the one around the current folder when left out.
    pub root: Option<&'a Path>,
    /// Only programs with this in their name.
    pub only: &'a str,
    /// How often each program is checked.
    pub times: u32,
}

/// Answers the command.
pub fn run(asked: Asked<'_>) -> anyhow::Result<Exit> {
    let here = std::env::current_dir().context("the current folder is gone")?;
    let root = asked.root.map(Path::to_owned).or_else(|| authors::root_of(&here)).context(
        "there are no exercises here: run it in the repository, whose root has exercises/ and solutions/",
    )?;
    let root = root.canonicalize().with_context(|| format!("cannot find {}", root.display()))?;
    let plan = Plan { root, names: asked.names, only: asked.only.to_owned(), times: asked.times };
    let mut failed = None;
    let found = authors::check(&plan, &examine(), &mut |news| {
        let said = match news {
            News::Exercise(folder) => format!("{folder}\n"),
            News::Building => "  building the starter and all solutions\n".to_owned(),
            News::Tried(trial) => {
                let word = if trial.is_skipped { "skipped" } else { "as declared" };
                let (times, count, ms) = (trial.times, trial.as_declared, trial.median_ms);
                format!("  {:<52} {count} of {times} {word}  {ms:>5} ms\n", trial.program)
            }
            News::Mistake(mistake) => format!("! {mistake}\n"),
        };
        failed = failed.take().or_else(|| face::print(&said).err());
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let (mistakes, programs) = (found.mistakes.len(), found.trials.len());
    face::print(&format!("{programs} programs, {mistakes} to mend\n"))?;
    Ok(if mistakes == 0 { Exit::Done } else { Exit::Failed })
}
