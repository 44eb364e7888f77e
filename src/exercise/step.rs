//! Steps of a run: what is done to a program, as its exercise says.

use serde::Deserialize;

/// Something that is done to the program.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Step {
    /// What criteria call it.
    pub label: String,
    /// What is done.
    pub action: Action,
}

/// What is done in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens connections.
    Connect {
        /// Which group they join.
        group: String,
        /// How many.
        connections: usize,
        /// Whether their receive buffers are as small as they can be.
        small: bool,
    },
    /// Each connection sends so many bytes and awaits them, all of them together, so many times.
    Echo {
        /// Which connections.
        group: String,
        /// How often.
        rounds: u32,
        /// How much.
        bytes: usize,
    },
    /// Each connection sends all bytes as fast as they are taken, and reads meanwhile.
    Burst {
        /// Which connections.
        group: String,
        /// How much.
        bytes: usize,
    },
    /// Each connection sends without reading, until the server takes no more.
    Stuff {
        /// Which connections.
        group: String,
        /// How much at most.
        bytes: usize,
    },
    /// What was stuffed is read, slowly.
    Drain {
        /// Which connections.
        group: String,
    },
    /// Nothing, for a while.
    Rest {
        /// Milliseconds.
        ms: u64,
    },
    /// Each connection sends FIN and awaits FIN.
    HalfClose {
        /// Which connections.
        group: String,
    },
    /// The connections are closed.
    Close {
        /// Which connections.
        group: String,
    },
    /// The connections are broken off (RST).
    Reset {
        /// Which connections.
        group: String,
    },
    /// Each connection awaits a text.
    Greeted {
        /// Which connections.
        group: String,
        /// What is to come.
        text: String,
    },
    /// Each connection is to be closed by the server.
    Refused {
        /// Which connections.
        group: String,
    },
    /// A line to the program, and a line from it.
    Say {
        /// What is said.
        line: String,
        /// How its answer begins.
        answer: String,
    },
    /// The end of its input; it is to end by itself.
    End,
}

/// A step as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "do")]
    action: String,
    #[serde(rename = "as")]
    label: Option<String>,
    group: Option<String>,
    connections: Option<usize>,
    small: Option<bool>,
    rounds: Option<u32>,
    bytes: Option<usize>,
    ms: Option<u64>,
    text: Option<String>,
    line: Option<String>,
    answer: Option<String>,
}

impl TryFrom<Written> for Step {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        let name = std::mem::take(&mut written.action);
        let group = || written.group.clone().unwrap_or_else(|| "all".to_owned());
        let needs = |key: &str| format!("a step that does {name:?} says `{key}`");
        let bytes = || written.bytes.ok_or_else(|| needs("bytes"));
        let action = match name.as_str() {
            "connect" => Action::Connect {
                group: group(),
                connections: written.connections.ok_or_else(|| needs("connections"))?,
                small: written.small.unwrap_or(false),
            },
            "echo" => Action::Echo {
                group: group(),
                rounds: written.rounds.ok_or_else(|| needs("rounds"))?,
                bytes: bytes()?,
            },
            "burst" => Action::Burst { group: group(), bytes: bytes()? },
            "stuff" => Action::Stuff { group: group(), bytes: bytes()? },
            "drain" => Action::Drain { group: group() },
            "rest" => Action::Rest { ms: written.ms.ok_or_else(|| needs("ms"))? },
            "half-close" => Action::HalfClose { group: group() },
            "close" => Action::Close { group: group() },
            "reset" => Action::Reset { group: group() },
            "greeted" => {
                Action::Greeted { group: group(), text: written.text.clone().ok_or_else(|| needs("text"))? }
            }
            "refused" => Action::Refused { group: group() },
            "say" => Action::Say {
                line: written.line.clone().ok_or_else(|| needs("line"))?,
                answer: written.answer.clone().ok_or_else(|| needs("answer"))?,
            },
            "end" => Action::End,
            _ => return Err(format!("no step does {name:?}")),
        };
        Ok(Self { label: written.label.unwrap_or(name), action })
    }
}
