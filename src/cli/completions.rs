//! `iolab completions SHELL`: what the shell can complete.

use clap::Args;
use clap_complete::Shell;

use super::face::print;
use super::{Exit, tree};

/// Prints a shell's completions for iolab.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut tree::visible(), "iolab", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
