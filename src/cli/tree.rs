//! The tree of commands with their examples: what is parsed, and what of it is shown to people.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};

use super::{Arguments, examples};
use crate::exercise::{EXERCISES, Exercise};
use crate::lesson::{LESSONS, Source};
use crate::servers::SERVERS;

/// All commands; each ends its help with its examples.
pub fn whole() -> Command {
    let mut tree = with_examples(Arguments::command(), "");
    let names: Vec<String> = tree.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        tree = tree.mut_subcommand(&name, |command| with_examples(command, &name));
    }
    tree
}

fn with_examples(command: Command, name: &str) -> Command {
    let examples = examples::of(name);
    if examples.is_empty() {
        return command;
    }
    let text = examples::text(examples);
    // What a command says itself stands behind its examples; the short help has room for the one only.
    match command.get_after_help().cloned() {
        Some(own) => command.after_long_help(format!("{text}\n\n{own}")),
        None => command.after_help(text),
    }
}

/// The commands and options that are not hidden, with the names that their arguments may have: for completions
/// and manuals.
pub fn visible() -> Command {
    visible_of(&whole()).version(env!("CARGO_PKG_VERSION"))
}

fn visible_of(command: &Command) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    let long_about = command.get_long_about().cloned().unwrap_or_else(|| about.clone());
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let arguments = arguments.cloned().map(|argument| match argument.get_id().as_str() {
        "server" | "servers" => {
            argument.value_parser(PossibleValuesParser::new(SERVERS.iter().map(|server| server.name)))
        }
        "lesson" => argument.value_parser(PossibleValuesParser::new(LESSONS.iter().map(Source::name))),
        "exercise" => argument.value_parser(PossibleValuesParser::new(EXERCISES.iter().map(Exercise::name))),
        _ => argument,
    });
    Command::new(command.get_name().to_owned())
        .about(about)
        .long_about(long_about)
        .args(arguments)
        .subcommands(command.get_subcommands().filter(|below| !below.is_hide_set()).map(visible_of))
}
