//! `iolab exercise hint [NAME]`: one step further each time.

use clap::Args;

use super::desk::{self, Desk};
use super::paint::Look;
use crate::cli::Exit;
use crate::cli::face::print;
use crate::exercise::{Exercise, Manifest};
use crate::plain::verdict::wrapped;
use crate::progress::{ExerciseEvent, ExerciseProgress};

/// Gives a hint about the criterion that failed last: first a question, then more each time it is asked.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The exercise; the one of this folder, or the one you are at, when left out.
    exercise: Option<String>,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut desk = Desk::open()?;
    let exercise = desk.exercise(arguments.exercise.as_deref())?;
    let manifest = desk::manifest(exercise)?;
    print(&take(&mut desk, exercise, &manifest, Look::of_stdout()))?;
    Ok(Exit::Done)
}

/// Takes the next step of the ladder, and says it.
pub fn take(desk: &mut Desk, exercise: &Exercise, manifest: &Manifest, look: Look) -> String {
    let name = exercise.name();
    let progress = desk.progress(exercise);
    let Some((criterion, is_guess)) = criterion(manifest, progress) else {
        return format!(
            "{name}: all that was checked passed; iolab exercise solution {name} shows other ways\n"
        );
    };
    let Some(asked) = manifest.criterion(criterion) else { return String::new() };
    let read = progress.hints.get(criterion).copied().unwrap_or(0);
    let step = (read + 1).min(asked.hint.len());
    let text = step.checked_sub(1).and_then(|index| asked.hint.get(index)).map_or("", String::as_str);
    let mut out = String::new();
    if is_guess {
        out += "nothing was checked yet; this is about what the program lacks as it is given\n";
    }
    let head = format!("hint {step} of {} for {}: {}", asked.hint.len(), asked.id, asked.what);
    out += &wrapped(&head, 0, 4, look.style);
    out += &wrapped(text, 4, 4, look.style);
    out += match () {
        () if read >= asked.hint.len() => "this is the last one; it does not change any more\n",
        () if step < asked.hint.len() => "asked again, it says more\n",
        () => "this is the last one\n",
    };
    if read < asked.hint.len() {
        let criterion = criterion.to_owned();
        desk.book.note_exercise(name, ExerciseEvent::HintTaken { criterion, step });
    }
    out
}

/// The criterion that a hint is about: that which failed first in the last check. `true` with one that no check has
/// named yet.
fn criterion<'a>(manifest: &'a Manifest, progress: &'a ExerciseProgress) -> Option<(&'a str, bool)> {
    if progress.last.is_some() {
        let failed = progress.failed().filter(|failed| manifest.criterion(failed).is_some())?;
        return Some((failed, false));
    }
    let first = manifest.criteria.iter().find(|criterion| manifest.starter_fails.contains(&criterion.id))?;
    Some((&first.id, true))
}
