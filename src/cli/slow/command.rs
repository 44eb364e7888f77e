//! What may be typed in slow motion, as one table: the help reads it too.

use crate::lesson::Go;

/// A command, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The servers go on.
    Go(Go),
    /// The stop before.
    Back,
    /// What may be typed.
    Help,
    /// Leave.
    Quit,
}

/// What is typed, the short form, the command, what it does.
const ROWS: &[(&str, &str, Command, &str)] = &[
    ("next", "n", Command::Go(Go::Stop), "to the next stop; Enter alone does the same"),
    ("request", "r", Command::Go(Go::Request), "to the end of this request, or of the next one"),
    (
        "completion",
        "c",
        Command::Go(Go::Completion),
        "to the next completion: a CQE, or a call that moved bytes",
    ),
    ("back", "b", Command::Back, "to the stop before, as it was seen"),
    ("free", "f", Command::Go(Go::Free), "let the servers run untraced, request after request"),
    ("stop", "s", Command::Go(Go::Stop), "stop servers that run free; else as next"),
    ("help", "?", Command::Help, "this list"),
    ("quit", "q", Command::Quit, "leave slow motion; Ctrl-D leaves altogether"),
];

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// What there is instead, as a sentence.
    pub fn read(line: &str) -> Result<Self, String> {
        let word = line.to_lowercase();
        if word.is_empty() {
            return Ok(Self::Go(Go::Stop));
        }
        let row = ROWS.iter().find(|(name, short, ..)| *name == word || *short == word);
        row.map(|(_, _, command, _)| *command).ok_or_else(|| {
            let names: Vec<_> = ROWS.iter().map(|(name, ..)| *name).collect();
            format!("There is no command {word:?}; there are {}.", names.join(", "))
        })
    }

    /// The help.
    pub fn help() -> String {
        ROWS.iter().map(|(name, short, _, says)| format!("  {short:<2} {name:<12} {says}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_in_full_and_in_short() {
        assert_eq!(Command::read(""), Ok(Command::Go(Go::Stop)));
        assert_eq!(Command::read("R"), Ok(Command::Go(Go::Request)));
        assert_eq!(Command::read("back"), Ok(Command::Back));
        let says = Command::read("jump").unwrap_err();
        assert!(ROWS.iter().all(|(name, ..)| says.contains(name)), "{says}");
    }
}
