//! The tree of commands with their examples: what is parsed, and what of it is shown to people.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};

use super::{Arguments, examples};
use crate::exercise::{EXERCISES, Exercise};
use crate::lesson::LESSONS;
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
    let whole = whole();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: Vec<_> = shown.map(|command| command.get_name().to_owned()).collect();
    visible_of(&whole, &commands).version(env!("CARGO_PKG_VERSION"))
}

fn visible_of(command: &Command, commands: &[String]) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    let long_about = command.get_long_about().cloned().unwrap_or_else(|| about.clone());
    let below = || command.get_subcommands().filter(|below| !below.is_hide_set());
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let arguments = arguments.cloned().map(|argument| match argument.get_id().as_str() {
        "server" | "servers" => {
            argument.value_parser(PossibleValuesParser::new(SERVERS.iter().map(|server| server.name)))
        }
        "lesson" => {
            let numbers = LESSONS.iter().map(|lesson| lesson.number().to_string());
            let names = LESSONS.iter().map(|lesson| lesson.name().to_owned());
            argument.value_parser(PossibleValuesParser::new(numbers.chain(names)))
        }
        // Of the manual.
        "command" => argument.value_parser(PossibleValuesParser::new(commands.iter())),
        "exercise" => argument.value_parser(PossibleValuesParser::new(EXERCISES.iter().map(Exercise::name))),
        _ => argument,
    });
    Command::new(command.get_name().to_owned())
        .about(about)
        .long_about(long_about)
        .args(arguments)
        .subcommands(below().map(|below| visible_of(below, commands)))
}
