//! `iolab man [COMMAND]`: the manual, for man(1).

use clap::{Arg, Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::face::print;
use super::{Exit, complain, examples, nearest, tree};

/// Prints the manual of iolab, or of one of its commands, as roff.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The command; iolab itself when left out.
    command: Option<String>,
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    // Built, so that each command knows its whole name.
    let mut all = tree::visible().disable_help_subcommand(true);
    all.build();
    let Some(wanted) = &arguments.command else {
        print(&page(all, "")?)?;
        return Ok(Exit::Done);
    };
    match all.find_subcommand(wanted) {
        Some(command) => {
            print(&page(command.clone(), wanted)?)?;
            Ok(Exit::Done)
        }
        None => {
            let names: Vec<_> = all.get_subcommands().map(Command::get_name).collect();
            let guess = nearest::nearest(wanted, names.iter().copied());
            let guess = guess.map(|guess| format!("did you mean {guess}? ")).unwrap_or_default();
            let names = names.join(", ");
            complain(&anyhow::anyhow!("there is no command {wanted:?}; {guess}There are {names}"));
            Ok(Exit::Usage)
        }
    }
}

/// The page of a command.
fn page(command: Command, name: &str) -> anyhow::Result<String> {
    let has_options = command.get_arguments().next().is_some();
    let has_commands = command.has_subcommands();
    let command = command.mut_args(many);
    let man =
        Man::new(command).manual("iolab").section("1").source(concat!("iolab ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if has_options {
        man.render_options_section(&mut page)?;
    }
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    examples_section(name).to_writer(&mut page)?;
    Ok(String::from_utf8(page)?)
}

/// An argument that may be given several times says so in the synopsis.
fn many(argument: Arg) -> Arg {
    let takes_more = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
    match argument.get_value_names() {
        Some([name]) if argument.is_positional() && takes_more => {
            let name = format!("{name}...");
            argument.value_name(name)
        }
        _ => argument,
    }
}

fn examples_section(command: &str) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]);
    for example in examples::of(command) {
        section.control("TP", []);
        section.text([bold(example.line)]);
        section.text([roman(example.says)]);
    }
    section
}
