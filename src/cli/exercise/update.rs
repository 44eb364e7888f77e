//! `iolab exercise update`: the texts of this iolab, in a workspace that an older one made.

use clap::Args;

use super::desk::Desk;
use crate::cli::Exit;
use crate::cli::face::print;
use crate::exercise::EXERCISES;
use crate::exercise::workspace::{Change, Changed};

/// Brings the texts of a newer iolab into a workspace. Your programs stay as they are.
#[derive(Args, Debug)]
pub struct Arguments {}

/// Answers the command.
pub fn run(_: &Arguments) -> anyhow::Result<Exit> {
    let mut desk = Desk::open()?;
    let old = desk.workspace.version().to_owned();
    let changes = desk.workspace.update(EXERCISES)?;
    let new = desk.workspace.version();
    let mut out = if old == new { String::new() } else { format!("from iolab {old} to {new}\n") };
    changes.iter().for_each(|change| out += &line(change));
    if changes.is_empty() {
        out += "all is as this iolab has it\n";
    }
    print(&out)?;
    Ok(Exit::Done)
}

fn line(Changed { folder, file, change }: &Changed) -> String {
    match change {
        Change::Restored => format!("{folder}/{file}: it was gone, and is there again\n"),
        Change::Replaced => format!("{folder}/{file}: the newer one\n"),
        Change::ReplacedWithBackup(backup) => {
            format!("{folder}/{file}: the newer one; yours is in {}\n", backup.display())
        }
        Change::StarterKept => format!(
            "{folder}/{file}: yours stays; the program is given differently now, and `iolab exercise reset {folder}` \
             brings that, with a backup\n"
        ),
        Change::Unknown => format!("{folder}: this iolab has no such exercise; it stays as it is\n"),
    }
}
