//! What a process is that nobody here wrote.

use serde::{Deserialize, Serialize};

/// A process of an observed program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its id.
    pub pid: u32,
    /// The process that started it, as far as iolab saw it; `None` for the one that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// Its name: `comm` of its first thread.
    pub comm: String,
    /// The file that it runs, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe_unread: Option<Unread>,
    /// The user whose rights it has (the effective user id), if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Whether it was seen from its first instruction on; else it ran already, and what it did before does not
    /// count.
    pub from_birth: bool,
    /// The process whose counters of system calls hold those of this one, too, where they are not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_with: Option<u32>,
    /// How many other processes its own counters of system calls hold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counts_others: u32,
}

/// Why something of a process was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unread {
    /// This user may not.
    Refused,
    /// It had ended before.
    Ended,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Program {
    /// The name of its column: names alone are not unique.
    pub fn column(&self) -> String {
        // A process may give itself any name; it must not speak to the terminal.
        let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        format!("{} {}", self.comm.chars().map(visible).collect::<String>(), self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_that_is_not_known_is_no_user_and_recordings_of_before_have_theirs() {
        let before = r#"{"pid": 7, "comm": "x", "user": 0, "from_birth": true}"#;
        let program: Program = serde_json::from_str(before).unwrap();
        assert_eq!((program.user, program.exe_unread), (Some(0), None));
        let unknown = serde_json::to_string(&Program::default()).unwrap();
        assert!(!unknown.contains("user"), "{unknown}");
        assert_eq!(serde_json::from_str::<Program>(&unknown).unwrap(), Program::default());
    }
}
