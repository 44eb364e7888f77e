//! `iolab exercise …`: the learner's loop. One file a command.

mod authors;
mod check;
mod desk;
mod hint;
mod init;
mod keys;
mod list;
mod paint;
mod reset;
mod solution;
mod update;
mod watch;

use clap::{Args, Subcommand};

pub(super) use self::paint::Look;
use super::{Exit, complain};
use crate::exercise::trouble::{Matter, Trouble};

/// Programs to write, checked from outside at each save.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Init(init::Arguments),
    List(list::Arguments),
    Watch(watch::Arguments),
    Check(check::Arguments),
    Hint(hint::Arguments),
    Reset(reset::Arguments),
    Solution(solution::Arguments),
    Update(update::Arguments),
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let result = match &arguments.command {
        Command::Init(arguments) => init::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Watch(arguments) => watch::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Hint(arguments) => hint::run(arguments),
        Command::Reset(arguments) => reset::run(arguments),
        Command::Solution(arguments) => solution::run(arguments),
        Command::Update(arguments) => update::run(arguments),
    };
    result.or_else(|error| {
        let Some(trouble) = error.downcast_ref::<Trouble>() else { return Err(error) };
        let exit = exit(trouble);
        complain(&error);
        Ok(exit)
    })
}

fn exit(trouble: &Trouble) -> Exit {
    match trouble.of {
        Matter::Deed => Exit::Failed,
        Matter::Usage => Exit::Usage,
        Matter::Machine => Exit::Refused,
    }
}
