//! `iolab exercise solution [NAME]`: right programs, and what the kernel saw of them beside what it saw of yours.

use std::sync::{Arc, OnceLock};

use clap::Args;

use super::desk::{self, Desk};
use super::paint::Look;
use crate::cli::face::{print, warn};
use crate::cli::{Exit, signals};
use crate::exercise::round::Bench;
use crate::exercise::solution::reference;
use crate::exercise::stop::Stop;
use crate::exercise::trouble::Trouble;
use crate::exercise::{Manifest, Verdict};
use crate::plain::verdict::{Style, wrapped};
use crate::progress::{Checked, ExerciseEvent};

/// Shows right programs, and what was seen of them beside what was seen of yours.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The exercise; the one of this folder, or the one you are at, when left out.
    exercise: Option<String>,
    /// Also before you have passed. The list then says so beside the exercise, for good.
    #[arg(long)]
    anyway: bool,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut desk = Desk::open()?;
    let exercise = desk.exercise(arguments.exercise.as_deref())?;
    let name = exercise.name();
    let progress = desk.progress(exercise);
    if progress.passed.is_none() {
        if !arguments.anyway {
            return Err(not_passed(name).into());
        }
        warn(&format!(
            "{name} is not passed yet: from now on the list says that you read its solution first"
        ));
    }
    let yours = progress.passed.as_ref().or(progress.last.as_ref()).cloned();
    let manifest = desk::manifest(exercise)?;
    desk.book.note_exercise(name, ExerciseEvent::SolutionSeen);
    for (which, text) in exercise.right {
        print(&format!("// {name}, {which}\n\n{text}\n"))?;
    }
    let capabilities = OnceLock::new();
    let bench = Bench {
        workspace: &desk.workspace,
        exercise,
        manifest: &manifest,
        capabilities: &capabilities,
        colour: false,
    };
    let stop = Arc::new(Stop::default());
    let asked = Arc::clone(&stop);
    signals::on_interrupt(move || asked.ask())?;
    let mut references = Vec::new();
    for (which, text) in exercise.right {
        match reference(&bench, text, &stop)? {
            Some(verdict) => references.push((*which, verdict)),
            None => {
                warn("the check was ended before it was done");
                return Ok(Exit::Failed);
            }
        }
    }
    print(&beside(&manifest, yours.as_ref(), &references, Look::of_stdout().style))?;
    Ok(Exit::Done)
}

fn not_passed(name: &str) -> Trouble {
    Trouble::deed(
        format!("{name} is not passed yet"),
        "what you find out yourself stays with you",
        format!(
            "`iolab exercise hint {name}`; or `iolab exercise solution {name} --anyway`: the list then says for good \
             that you read the solution first"
        ),
    )
}

/// What was seen, by criterion: of the learner's program as the journal has it, of the right ones just now.
fn beside(
    manifest: &Manifest,
    yours: Option<&Checked>,
    references: &[(&str, Verdict)],
    style: Style,
) -> String {
    let mut out = String::from("What was seen of each\n");
    let width = references.iter().map(|(which, _)| which.len()).max().unwrap_or(0).max("yours".len()) + 2;
    for criterion in &manifest.criteria {
        out += &wrapped(&format!("{}: {}", criterion.id, criterion.what), 0, 4, style);
        let mut line = |who: &str, text: &str| {
            out += &wrapped(&format!("{:<width$}{text}", format!("{who}:")), 4, 4 + width, style);
        };
        match yours.and_then(|yours| yours.criterion(&criterion.id)) {
            Some(kept) => line("yours", &format!("{}, {}", kept.state.word(), kept.seen)),
            None => line("yours", "not checked yet"),
        }
        for (which, verdict) in references {
            if let Some(judged) = verdict.criteria.iter().find(|judged| judged.id == criterion.id) {
                line(which, &format!("{}, {}", judged.state.word(), judged.seen));
            }
        }
    }
    out
}
