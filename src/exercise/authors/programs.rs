//! The programs of an exercise, and whether each verdict is the declared one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use super::Folder;
use crate::exercise::check::{Setting, check_as};
use crate::exercise::{Manifest, State, Verdict};
use crate::trace::Capabilities;

/// A program, and what must become of it.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name: `starter`, `right/scoped`, `wrong/one-read`.
    pub name: String,
    /// Name of its binary.
    binary: String,
    /// Criteria that it fails.
    fails: BTreeSet<String>,
    /// The one that catches it, how, and with what words.
    bound: Option<(String, State, String)>,
}

/// What became of a program.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its exercise's folder, and its name.
    pub program: String,
    /// How often it was checked, and how often the verdict was the declared one.
    pub times: u32,
    /// See above.
    pub as_declared: u32,
    /// Whether this machine could not judge it.
    pub is_skipped: bool,
    /// Milliseconds of the median check.
    pub median_ms: u64,
    /// What was otherwise the first time, if it was.
    pub mistake: Option<String>,
}

/// All programs of an exercise, and what is wrong with what they are bound to.
pub(super) fn of(folder: &Folder, manifest: &Manifest) -> (Vec<Program>, Vec<String>) {
    let (mut mistakes, name) = (Vec::new(), &folder.name);
    let starter = Program {
        name: "starter".into(),
        binary: name.clone(),
        fails: manifest.starter_fails.clone(),
        bound: None,
    };
    let mut programs = vec![starter];
    let Ok(solutions) = &folder.solutions else { return (programs, mistakes) };
    for right in &solutions.right {
        if right.shape.trim().is_empty() {
            mistakes.push(format!("right program {:?} does not say what its shape is", right.name));
        }
        programs.push(Program {
            name: format!("right/{}", right.name),
            binary: format!("{name}-right-{}", right.name),
            fails: BTreeSet::new(),
            bound: None,
        });
    }
    for wrong in &solutions.wrong {
        let Some(first) = wrong.fails.first() else {
            mistakes.push(format!("wrong program {:?} is bound to no criterion: fill `fails`", wrong.name));
            continue;
        };
        for id in wrong.fails.iter().filter(|id| manifest.criterion(id).is_none()) {
            mistakes
                .push(format!("wrong program {:?} names {id:?}, and no criterion is called so", wrong.name));
        }
        if wrong.message.trim().is_empty() || wrong.mistake.trim().is_empty() {
            mistakes.push(format!("wrong program {:?} needs `message` and `mistake`", wrong.name));
        }
        programs.push(Program {
            name: format!("wrong/{}", wrong.name),
            binary: format!("{name}-wrong-{}", wrong.name),
            fails: wrong.fails(),
            bound: Some((first.clone(), wrong.state, wrong.message.clone())),
        });
    }
    (programs, mistakes)
}

/// Builds the starter and all solutions of an exercise, in the repository's own workspace.
pub(super) fn build(root: &Path, folder: &Folder) -> Result<(), String> {
    let name = &folder.name;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--offline", "--quiet", "--bins", "-p", name, "-p", &format!("{name}-solutions")]);
    cargo.current_dir(root).stdin(Stdio::null());
    let out = cargo.output().map_err(|error| format!("cargo cannot be run: {error}; is it on PATH?"))?;
    let said = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        return Err(format!("its programs do not compile:\n{said}"));
    }
    match said.trim() {
        "" => Ok(()),
        warnings => {
            Err(format!("its programs compile with warnings, and learners would read them:\n{warnings}"))
        }
    }
}

/// Where cargo puts binaries.
fn binary(root: &Path, name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("debug").join(name)
}

/// Checks one program so many times.
pub(super) fn attempt(
    root: &Path,
    folder: &Folder,
    manifest: &Manifest,
    program: &Program,
    times: u32,
    capabilities: &Capabilities,
) -> anyhow::Result<Trial> {
    let mut trial = Trial {
        program: format!("{} {}", folder.folder, program.name),
        times,
        as_declared: 0,
        is_skipped: false,
        median_ms: 0,
        mistake: None,
    };
    let path = binary(root, &program.binary);
    let mut took_ms = Vec::new();
    for _ in 0..times {
        let scratch = tempfile::Builder::new().prefix("iolab-").tempdir();
        let scratch = scratch.context("cannot make a folder for a program to work in")?;
        let never = || false;
        let setting = Setting { capabilities, scratch: scratch.path(), evidence: None, stop: &never };
        let begin_ns = crate::probe::clock::monotonic_ns();
        let checked = check_as(&folder.name, manifest, &path, &setting, &mut |_| {})?;
        took_ms.push(crate::probe::clock::monotonic_ns().saturating_sub(begin_ns) / 1_000_000);
        trial.is_skipped |= checked.verdict.is_skipped();
        match program.otherwise(&checked.verdict) {
            None => trial.as_declared += 1,
            Some(why) => {
                trial.mistake.get_or_insert(format!("{}: {why}", program.name));
            }
        }
    }
    took_ms.sort_unstable();
    trial.median_ms = took_ms.get(took_ms.len() / 2).copied().unwrap_or(0);
    Ok(trial)
}

impl Program {
    /// What is otherwise than declared; `None` when all is as it should be.
    fn otherwise(&self, verdict: &Verdict) -> Option<String> {
        if verdict.is_skipped() {
            return None;
        }
        let failed: BTreeSet<String> = verdict.failed().map(str::to_owned).collect();
        let errors = verdict.criteria.iter().filter(|judged| judged.state == State::Error);
        if let Some(error) = errors.into_iter().next() {
            return Some(format!("{:?} could not be judged: {}", error.id, error.seen));
        }
        if failed != self.fails {
            let seen = verdict.criteria.iter().filter(|judged| judged.state != State::Pass);
            let seen: Vec<_> =
                seen.map(|one| format!("  {} {}: {}", one.id, one.state.word(), one.seen)).collect();
            let list = |of: &BTreeSet<String>| of.iter().cloned().collect::<Vec<_>>().join(", ");
            return Some(format!(
                "it fails [{}], declared is [{}]\n{}",
                list(&failed),
                list(&self.fails),
                seen.join("\n")
            ));
        }
        let (id, state, message) = self.bound.as_ref()?;
        let judged = verdict.criteria.iter().find(|judged| judged.id == *id)?;
        let seen = numberless(&judged.seen);
        if judged.state != *state {
            Some(format!("{id:?} is {}, declared is {}: {}", judged.state.word(), state.word(), judged.seen))
        } else if !seen.contains(message.as_str()) {
            Some(format!("{id:?} does not say {message:?} but {seen:?}"))
        } else {
            None
        }
    }
}

/// A text with N for each number.
fn numberless(text: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let goes_on = in_number && letter == '.' && letters.peek().is_some_and(char::is_ascii_digit);
        if letter.is_ascii_digit() || goes_on {
            if !in_number {
                out.push('N');
            }
            in_number = true;
        } else {
            in_number = false;
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::numberless;

    #[test]
    fn numbers_of_any_length_and_with_a_point_are_one_letter() {
        assert_eq!(numberless("1204 calls: poll 3.5, x1."), "N calls: poll N, xN.");
        assert_eq!(
            numberless("sleeps in read(0: its standard input)"),
            "sleeps in read(N: its standard input)"
        );
    }
}
