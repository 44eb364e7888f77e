//! The command line: what may be typed, and which room of the house answers.
//!
//! One file a command. Arguments are turned into checked values once, here; behind this module nobody parses
//! text that a person typed.

mod book;
#[cfg(feature = "live")]
mod claims;
mod completions;
mod doctor;
mod examples;
#[cfg(feature = "live")]
mod exercise;
mod export;
mod face;
#[cfg(feature = "live")]
mod grade;
mod home;
#[cfg(feature = "live")]
mod keeper;
mod kept;
#[cfg(feature = "live")]
mod lab;
mod lesson;
mod lesson_lines;
#[cfg(feature = "live")]
mod load;
#[cfg(feature = "live")]
mod load_args;
mod look;
mod man;
pub mod nearest;
#[cfg(feature = "live")]
mod observe;
#[cfg(feature = "live")]
mod one_line;
#[cfg(feature = "live")]
mod progress;
#[cfg(feature = "live")]
mod recording;
mod reference;
mod replay;
mod screen;
#[cfg(feature = "live")]
mod serve;
#[cfg(feature = "live")]
mod server_name;
#[cfg(feature = "live")]
mod server_options;
#[cfg(feature = "live")]
mod signals;
mod slow;
mod source;
mod talk;
mod tree;
#[cfg(feature = "live")]
mod trial;
mod trouble;
mod watch;

use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};

/// Learn Linux I/O from the kernel itself: real servers, real load, watched from outside.
#[derive(Parser, Debug)]
#[command(
    name = "iolab",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command: all lessons, and where you left them."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    home: home::Arguments,
}

#[derive(Subcommand, Debug)]
enum Command {
    Lesson(lesson::Arguments),
    #[cfg(feature = "live")]
    Lab(lab::Arguments),
    #[cfg(feature = "live")]
    Observe(observe::Arguments),
    #[cfg(feature = "live")]
    Exercise(exercise::Arguments),
    #[cfg(feature = "live")]
    Grade(grade::Arguments),
    #[cfg(feature = "live")]
    Claims(claims::Arguments),
    Replay(replay::Arguments),
    Export(export::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    #[cfg(feature = "live")]
    Serve(serve::Arguments),
    #[cfg(feature = "live")]
    #[command(hide = true)]
    Load(load::Arguments),
    #[cfg(feature = "live")]
    #[command(hide = true)]
    Trial(trial::Arguments),
    #[cfg(feature = "live")]
    #[command(hide = true)]
    Keeper(keeper::Arguments),
    #[command(hide = true)]
    Book(book::Arguments),
}

/// Why a command ended, as an exit code that scripts can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The thing asked for failed.
    Failed,
    /// Wrong usage.
    Usage,
    /// This machine cannot do it.
    Refused,
    /// The exit status of a program that ran in iolab's place.
    Status(u8),
}

impl Exit {
    /// The number.
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Status(status) => status,
        }
    }
}

/// Runs the program and says how it ended. Every error ends here, in one form: what happened, why it
/// matters, what to try.
pub fn main() -> ExitCode {
    let arguments = tree::whole().get_matches();
    let arguments = Arguments::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit());
    let Some(command) = arguments.command else { return end(home::run(&arguments.home)) };
    end(match command {
        Command::Lesson(arguments) => lesson::run(&arguments),
        #[cfg(feature = "live")]
        Command::Lab(arguments) => lab::run(arguments),
        #[cfg(feature = "live")]
        Command::Observe(arguments) => observe::run(arguments),
        #[cfg(feature = "live")]
        Command::Exercise(arguments) => exercise::run(&arguments),
        #[cfg(feature = "live")]
        Command::Grade(arguments) => grade::run(&arguments),
        #[cfg(feature = "live")]
        Command::Claims(arguments) => claims::run(&arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        #[cfg(feature = "live")]
        Command::Serve(arguments) => serve::run(arguments),
        #[cfg(feature = "live")]
        Command::Load(arguments) => load::run(arguments),
        #[cfg(feature = "live")]
        Command::Trial(arguments) => trial::run(arguments),
        #[cfg(feature = "live")]
        Command::Keeper(arguments) => keeper::run(arguments),
        Command::Book(arguments) => book::run(&arguments),
    })
}

fn end(result: anyhow::Result<Exit>) -> ExitCode {
    match result {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            complain(&error);
            ExitCode::from(Exit::Failed.code())
        }
    }
}

/// Prints an error and its causes, one a line.
#[expect(clippy::print_stderr, reason = "the one place where errors meet the person")]
fn complain(error: &anyhow::Error) {
    eprintln!("iolab: {error:#}");
}
