//! The commands as a chapter of the book: the same description that help and manual are made of.

use std::fmt::Write;

use clap::{Arg, Command};

use super::{examples, tree};

/// Every visible command in Markdown.
pub fn markdown() -> String {
    let mut all = tree::visible().disable_help_subcommand(true);
    all.build();
    let mut out = command(&all, "");
    for below in all.get_subcommands() {
        out += &command(below, below.get_name());
    }
    out
}

fn command(of: &Command, name: &str) -> String {
    let whole = if name.is_empty() { "iolab".to_owned() } else { format!("iolab {name}") };
    let mut out = format!("## {whole} {{#{}}}\n\n", whole.replace(' ', "-"));
    let about = of.get_long_about().or_else(|| of.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(out, "{}\n", escaped(&about));
    let usage = of.clone().render_usage().to_string();
    let _ = writeln!(out, "```text\n{}\n```\n", usage.trim_start_matches("Usage: ").trim());
    out += &arguments(of);
    if !name.is_empty() {
        out += &commands_below(of);
    }
    out + &examples_of(name)
}

fn arguments(of: &Command) -> String {
    let shown: Vec<&Arg> = of
        .get_arguments()
        .filter(|argument| {
            !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
        })
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let mut out = String::from("| | |\n|---|---|\n");
    for argument in shown {
        let help = argument.get_help().or_else(|| argument.get_long_help()).map(ToString::to_string);
        let help = escaped(help.unwrap_or_default().trim_end_matches('.'));
        let _ =
            writeln!(out, "| `{}` | {}.{} |", in_cell(&spelt(argument)), in_cell(&help), values(argument));
    }
    out + "\n"
}

/// An argument as it is typed.
fn spelt(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match (argument.get_long(), argument.get_short()) {
        _ if argument.is_positional() && argument.is_required_set() => value,
        _ if argument.is_positional() => format!("[{value}]"),
        (Some(long), _) if !argument.get_action().takes_values() => format!("--{long}"),
        (Some(long), _) => format!("--{long} {value}"),
        (None, Some(short)) => format!("-{short} {value}"),
        (None, None) => value,
    }
}

/// The values that an option may have, where there is a short list of them.
fn values(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if values.is_empty() || !argument.get_action().takes_values() || argument.is_positional() {
        return String::new();
    }
    format!(" One of {}.", values.join(", "))
}

fn commands_below(of: &Command) -> String {
    let below: Vec<&Command> = of.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    if below.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    for command in below {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "**`{} {}`**: {}\n", of.get_name(), command.get_name(), escaped(&about));
        out += &arguments(command);
    }
    out
}

fn examples_of(name: &str) -> String {
    let examples = examples::of(name);
    if examples.is_empty() {
        return String::new();
    }
    let mut out = String::from("```sh\n");
    for example in examples {
        if !example.says.is_empty() {
            let _ = writeln!(out, "# {}", example.says);
        }
        let _ = writeln!(out, "{}", example.line);
    }
    out + "```\n\n"
}

/// Text that Markdown takes as text; names between backticks stay names.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '&' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text for a cell of a table, which is one line and ends at a bar.
fn in_cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_in_an_option_does_not_end_its_cell() {
        let markdown = markdown();
        let rows: Vec<_> = markdown.lines().filter(|line| line.starts_with("| ")).collect();
        assert!(rows.len() > 20, "{}", rows.len());
        for row in rows.iter().filter(|row| **row != "| | |") {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 3, "{row}");
        }
    }
}
