//! `iolab exercise init [DIR]`: a workspace, from the program alone or from a bundle.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::desk::{self, here};
use super::paint::Look;
use crate::cli::face::print;
use crate::cli::{Exit, signals};
use crate::exercise::EXERCISES;
use crate::exercise::stop::Stop;
use crate::exercise::workspace::{FOLDER, bundle, init, prove};
use crate::export::grade::WORKFLOW;
use crate::progress::ExerciseEvent;

/// Makes a workspace for exercises, with the first one open.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder; iolab-exercises when left out. One that is a workspace already is completed.
    dir: Option<PathBuf>,
    /// Instead, writes one archive for a room without a network: this program, all exercises, the sources of all
    /// crates.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "from", "workflow"])]
    bundle: Option<PathBuf>,
    /// Takes crates from an archive that --bundle wrote.
    #[arg(long, value_name = "FILE", conflicts_with = "workflow")]
    from: Option<PathBuf>,
    /// Instead, prints a workflow that grades a class's repositories for GitHub Classroom.
    #[arg(long, conflicts_with = "dir")]
    workflow: bool,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.workflow {
        print(WORKFLOW)?;
        return Ok(Exit::Done);
    }
    let stop = Arc::new(Stop::default());
    let asked = Arc::clone(&stop);
    signals::on_interrupt(move || asked.ask())?;
    let mut told = |words: &str| {
        // A reader that has gone away ends nothing: the files are what was asked for.
        let _ = print(words);
    };
    if let Some(file) = &arguments.bundle {
        bundle::pack(file, EXERCISES, &stop, &mut told)?;
        print(&format!("wrote {}\nuse it: iolab exercise init --from {0}\n", file.display()))?;
        return Ok(Exit::Done);
    }
    let folder = here()?.join(arguments.dir.as_deref().unwrap_or(Path::new(FOLDER)));
    let (workspace, is_new) = match &arguments.from {
        Some(file) => bundle::unpack(file, &folder, EXERCISES)?,
        None => init(&folder, EXERCISES)?,
    };
    let root = workspace.root().display();
    let opened: Vec<_> = EXERCISES.iter().filter(|exercise| workspace.is_open(exercise)).collect();
    if is_new {
        let mut book = desk::book();
        opened.iter().for_each(|exercise| book.note_exercise(exercise.name(), ExerciseEvent::Opened));
        print(&format!("made {root}\n"))?;
    } else {
        print(&format!("{root} is a workspace already; what is there was left as it is\n"))?;
    }
    let names: Vec<_> = opened.iter().map(|exercise| exercise.name()).collect();
    print(&format!(
        "open: {}\nbuilding it once, without a network, to see that all is there\n",
        names.join(", ")
    ))?;
    prove(&workspace, Look::of_stdout().colour, &stop, &mut told)?;
    print(&format!("it builds\nnext: cd {root} && iolab exercise watch\n"))?;
    Ok(Exit::Done)
}
