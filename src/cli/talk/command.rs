//! What may be typed at the prompt, as one table: the help reads it too.

use crate::cli::replay::seconds_ns;

/// A command, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The next step.
    Next,
    /// The step before.
    Back,
    /// This step, from 1.
    Step(usize),
    /// Run the step's lab.
    Run,
    /// The step's servers in slow motion.
    Slow,
    /// What a number is; without one, which can be asked about.
    Why(String),
    /// End a run that is being watched.
    Freeze,
    /// Everything that the last run of the step showed.
    All,
    /// What was seen up to this time, nanoseconds since the zero.
    At(u64),
    /// Windows, marks, and where rules began to hold.
    Marks,
    /// Set a mark where the conversation stands, with a note.
    Mark(String),
    /// Follow the request of this number, from 1.
    Follow(u64),
    /// Go to the next event of this kind; without one, which there are.
    Find(String),
    /// The terms that hold this word; all without one.
    Glossary(String),
    /// What may be typed.
    Help,
    /// Leave.
    Quit,
}

/// A row: what is typed, the short form, what it does.
struct Row {
    name: &'static str,
    short: &'static str,
    takes: &'static str,
    says: &'static str,
}

const ROWS: &[Row] = &[
    Row { name: "next", short: "n", takes: "", says: "go on to the next step; Enter alone does the same" },
    Row { name: "back", short: "b", takes: "", says: "go back to the step before" },
    Row { name: "step", short: "s", takes: "N", says: "go to step N" },
    Row { name: "run", short: "r", takes: "", says: "run the lab of this step again" },
    Row {
        name: "slow",
        short: "z",
        takes: "",
        says: "the servers of this step, stopped at each system call",
    },
    Row { name: "freeze", short: "f", takes: "", says: "while a lab runs: end it and say what was seen" },
    Row {
        name: "why",
        short: "w",
        takes: "[NUMBER]",
        says: "what a number means, who measured it, its error, how to check it",
    },
    Row { name: "all", short: "a", takes: "", says: "everything that was seen of the last run of this step" },
    Row { name: "at", short: "t", takes: "SECONDS", says: "what had been seen by then, as in \"at 1.5\"" },
    Row {
        name: "marks",
        short: "m",
        takes: "",
        says: "the run in time: windows, marks, where insights began",
    },
    Row { name: "mark", short: "k", takes: "[NOTE]", says: "set a mark where you are in time" },
    Row { name: "follow", short: "o", takes: "N", says: "request N of the window, step by step" },
    Row {
        name: "find", short: "e", takes: "[EVENT]", says: "go to the next event: eagain, slow, error, …"
    },
    Row { name: "glossary", short: "g", takes: "[WORD]", says: "the terms of this lesson" },
    Row { name: "help", short: "?", takes: "", says: "this list" },
    Row { name: "quit", short: "q", takes: "", says: "leave; Ctrl-D does the same" },
];

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it and what there is, as a sentence.
    pub fn read(line: &str) -> Result<Self, String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (word, rest) = (word.to_lowercase(), rest.trim());
        if word.is_empty() {
            return Ok(Self::Next);
        }
        let Some(row) = ROWS.iter().find(|row| row.name == word || row.short == word) else {
            let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
            return Err(format!("There is no command {word:?}; there are {}.", names.join(", ")));
        };
        Ok(match row.name {
            "next" => Self::Next,
            "back" => Self::Back,
            "step" => match rest.parse() {
                Ok(step) => Self::Step(step),
                Err(_) => return Err("Which step? Say its number, as in \"step 3\".".to_owned()),
            },
            "run" => Self::Run,
            "slow" => Self::Slow,
            "why" => Self::Why(rest.to_owned()),
            "freeze" => Self::Freeze,
            "all" => Self::All,
            "at" => Self::At(seconds_ns(rest).map_err(|says| format!("When? Say {says}."))?),
            "marks" => Self::Marks,
            "mark" => Self::Mark(rest.to_owned()),
            "follow" => match rest.parse() {
                Ok(number) => Self::Follow(number),
                Err(_) => return Err("Which request? Say its number, as in \"follow 17\".".to_owned()),
            },
            "find" => Self::Find(rest.to_owned()),
            "glossary" => Self::Glossary(rest.to_owned()),
            "help" => Self::Help,
            _ => Self::Quit,
        })
    }

    /// Whether a line begins with a command: what else it may be is not tried then.
    pub fn is_one(line: &str) -> bool {
        let word = line.split_whitespace().next().unwrap_or_default().to_lowercase();
        ROWS.iter().any(|row| row.name == word || row.short == word)
    }

    /// The help.
    pub fn help() -> String {
        let mut out = String::new();
        for row in ROWS {
            let usage = format!("{} {}", row.name, row.takes);
            out += &format!("  {:<2} {usage:<16} {}\n", row.short, row.says);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_in_full_and_in_short() {
        let read = |line| Command::read(line).unwrap();
        assert_eq!(read(""), Command::Next);
        assert_eq!((read("next"), read("n"), read("NEXT")), (Command::Next, Command::Next, Command::Next));
        assert_eq!(read("step 12"), Command::Step(12));
        assert_eq!(read("why  voluntary switches"), Command::Why("voluntary switches".into()));
        assert_eq!(read("w"), Command::Why(String::new()));
        assert_eq!((read("?"), read("q")), (Command::Help, Command::Quit));
    }

    #[test]
    fn what_is_unknown_is_answered_with_what_there_is() {
        let says = Command::read("jump").unwrap_err();
        assert!(
            ROWS.iter().all(|row| says.contains(row.name) && Command::help().contains(row.says)),
            "{says}"
        );
        assert!(Command::read("step x").unwrap_err().contains("number"));
    }

    #[test]
    fn no_short_form_is_a_number_and_none_is_taken_twice() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(row.short.parse::<f64>().is_err() && row.name.parse::<f64>().is_err());
            assert!(
                ROWS[index + 1..].iter().all(|other| other.short != row.short && other.name != row.short)
            );
        }
    }
}
