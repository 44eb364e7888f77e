//! `iolab load`: the client process that the lab starts. It hears a JSON value a line on stdin and answers
//! likewise on stdout (see [`crate::load::protocol`]).

use clap::Args;

use super::Exit;
use crate::load::{self, Choice};
use crate::trace::Refusal;

/// Makes load as asked on stdin, a JSON value a line; started by iolab itself.
#[derive(Args, Debug)]
pub struct Arguments {
    /// How it moves bytes.
    #[arg(long, value_enum, default_value_t)]
    engine: Choice,
    /// The processor to stay on.
    #[arg(long, value_name = "N")]
    cpu: Option<usize>,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    // What ps and top show; it was started from /proc/self/exe. A courtesy: nothing depends on it.
    let _ = nix::sys::prctl::set_name(c"iolab-load");
    if let Some(cpu) = arguments.cpu {
        load::stay_on(cpu)?;
    }
    match load::run(arguments.engine) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.is::<Refusal>() => {
            super::complain(&error);
            Ok(Exit::Refused)
        }
        Err(error) => Err(error),
    }
}
