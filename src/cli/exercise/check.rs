//! `iolab exercise check [NAME]`: builds and checks once.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use clap::Args;

use super::authors;
use super::desk::{self, Desk};
use super::paint::{Look, is_gone, say};
use crate::cli::face::{self, Face};
use crate::cli::{Exit, signals};
use crate::exercise::round::{Bench, Outcome, Round, Told, not_built, round};
use crate::exercise::stop::Stop;
use crate::exercise::{Exercise, Verdict};
use crate::export::grade::{self, Graded};
use crate::plain;
use crate::progress::{Checked, ExerciseEvent};

/// Builds an exercise and checks it, criterion by criterion.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 passed, 1 not passed, 2 wrong usage, 3 this machine cannot judge it.")]
pub struct Arguments {
    /// The exercise; the one of this folder, or the one you are at, when left out. One that is not open is opened.
    exercise: Option<String>,
    /// The face of the verdict: lines, or the document iolab.grade/1.
    #[arg(long, value_enum, default_value = "plain")]
    format: Face,
    /// Check what authors are held to, in the repository: every exercise whole, its starter failing exactly what it
    /// declares, its right solutions passing, its wrong ones caught by the criterion that they are bound to.
    #[arg(long)]
    authors: bool,
    /// The repository, for --authors; the one around this folder when left out.
    #[arg(long, value_name = "DIR", requires = "authors")]
    root: Option<PathBuf>,
    /// Only programs with this in their name, for --authors: right/, wrong/one-read.
    #[arg(long, value_name = "PART", default_value = "", requires = "authors")]
    only: String,
    /// How often each program is checked, for --authors; the table says how often the verdict was the declared one.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "authors")]
    times: u32,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.authors {
        let names = arguments.exercise.iter().cloned().collect();
        return authors::run(authors::Asked {
            names,
            root: arguments.root.as_deref(),
            only: &arguments.only,
            times: arguments.times,
        });
    }
    match checked(arguments) {
        Err(error) if is_gone(&error) => Ok(Exit::Done),
        result => result,
    }
}

fn checked(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut desk = Desk::open()?;
    let exercise = desk.exercise(arguments.exercise.as_deref())?;
    let is_json = arguments.format == Face::Json;
    if arguments.exercise.is_some()
        && let Some(opened) = desk.open_exercise(exercise)?
    {
        aside(is_json, &opened)?;
    }
    let manifest = desk::manifest(exercise)?;
    let capabilities = OnceLock::new();
    let look = if is_json { Look::plain() } else { Look::of_stdout() };
    let bench = Bench {
        workspace: &desk.workspace,
        exercise,
        manifest: &manifest,
        capabilities: &capabilities,
        colour: look.colour,
    };
    let stop = Arc::new(Stop::default());
    let asked = Arc::clone(&stop);
    signals::on_interrupt(move || asked.ask())?;
    // A reader that goes away ends the round, and is found out when the round is over.
    let (mut words, mut gone) = (String::new(), None);
    let ended = round(&bench, &stop, &mut |told| {
        let said = match told {
            Told::Words(text) => {
                words += &text;
                aside(is_json, &text)
            }
            Told::Judged(judged) if !is_json => say(&look.criterion(&judged)),
            Told::Judged(_) => Ok(()),
        };
        if let Err(error) = said {
            gone = Some(error);
            stop.ask();
        }
    })?;
    if let Some(error) = gone {
        return Err(error.into());
    }
    let Round { outcome, sources_sha256, evidence } = ended;
    match outcome {
        Outcome::Stopped => {
            face::warn("the check was ended before it was done");
            Ok(Exit::Failed)
        }
        Outcome::NotBuilt if is_json => {
            let verdict = Verdict::of(exercise.name(), not_built(&manifest, &words));
            let graded = Graded {
                submission: None,
                verdict: &verdict,
                sources_sha256: &sources_sha256,
                evidence: None,
                not_held: &[],
            };
            say(&document(&graded)?)?;
            Ok(Exit::Failed)
        }
        Outcome::NotBuilt => {
            say(&format!("\n{}: it does not compile, so nothing was checked\n", exercise.name()))?;
            Ok(Exit::Failed)
        }
        Outcome::Checked(checked) => {
            let verdict = &checked.verdict;
            note(&mut desk, exercise, verdict, &sources_sha256);
            if is_json {
                let evidence = evidence.display().to_string();
                let evidence =
                    verdict.criteria.iter().any(|judged| judged.evidence.is_some()).then_some(&*evidence);
                let not_held = &checked.not_held;
                say(&document(&Graded {
                    submission: None,
                    verdict,
                    sources_sha256: &sources_sha256,
                    evidence,
                    not_held,
                })?)?;
            } else {
                say(&end(verdict, exercise, &checked.not_held, look))?;
            }
            Ok(exit(verdict))
        }
    }
}

fn document(graded: &Graded<'_>) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&grade::document(std::slice::from_ref(graded)))? + "\n")
}

/// What is not the verdict goes beside a document, and stands before lines.
fn aside(is_json: bool, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    if is_json { std::io::stderr().write_all(text.as_bytes()) } else { say(text) }
}

/// How a verdict ends a command.
fn exit(verdict: &Verdict) -> Exit {
    match () {
        () if verdict.is_skipped() => Exit::Refused,
        () if verdict.is_passed() => Exit::Done,
        () => Exit::Failed,
    }
}

/// Writes a verdict down.
pub fn note(desk: &mut Desk, exercise: &Exercise, verdict: &Verdict, sources_sha256: &str) {
    desk.book.note_exercise(exercise.name(), ExerciseEvent::Checked(Checked::of(verdict, sources_sha256)));
    if let Some(trouble) = desk.book.trouble() {
        face::warn(&trouble);
    }
}

/// What stands behind the criteria: the points, what this machine does not hold, how to go on.
pub fn end(verdict: &Verdict, exercise: &Exercise, not_held: &[String], look: Look) -> String {
    let mut out = format!("\n{}{}", plain::verdict::sum(verdict), plain::verdict::evidence(verdict));
    for sentence in not_held {
        out += &plain::verdict::wrapped(&format!("note: {sentence}"), 0, 6, look.style);
    }
    if verdict.is_passed() {
        out += &format!("compare: iolab exercise solution {}\n", exercise.name());
        if let Some(next) = Desk::after(exercise) {
            out += &format!("next: iolab exercise watch {}\n", next.name());
        }
    } else if verdict.failed().next().is_some() {
        out += &format!("stuck: iolab exercise hint {}\n", exercise.name());
    }
    out
}
