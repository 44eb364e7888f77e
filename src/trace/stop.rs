//! Stops: a server that stands still at the edge of a system call, and what the kernel holds for it at that instant.

use serde::{Deserialize, Serialize};

use super::state::{EpollSet, Socket};

/// A thread of a server, held at an edge of a call, with what could be read meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Thread id.
    pub tid: u32,
    /// Where in the call it stands.
    pub edge: Edge,
    /// Name of the call; empty at a look.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its six arguments, as in [`Story::Enter`](super::Story::Enter).
    #[serde(default)]
    pub args: [u64; 6],
    /// What its arguments point to, as far as it was read.
    #[serde(default, skip_serializing_if = "Pointed::is_nothing")]
    pub pointed: Pointed,
    /// Which request the client has under way, or had last; from 1, 0 before the first.
    #[serde(default)]
    pub request: u64,
    /// Whether the client had the whole answer to it.
    #[serde(default)]
    pub answered: bool,
    /// The rings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rings: Vec<RingSight>,
    /// The interest lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<EpollSet>,
    /// The sockets and their queues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<Socket>,
    /// The line of the program's source that made the call.
    #[serde(default)]
    pub source: Source,
}

impl Stop {
    /// Whether a call of a program without rings has just moved bytes, or taken a connection.
    pub fn moves_bytes(&self) -> bool {
        const MOVES: [&str; 8] = ["recvfrom", "recv", "read", "sendto", "send", "write", "accept", "accept4"];
        let moved = matches!(self.edge, Edge::Exit { result: 1.. });
        moved && self.rings.is_empty() && MOVES.contains(&self.name.as_str())
    }
}

/// Where in a call a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum Edge {
    /// Before it: the kernel has done nothing of it yet.
    Entry,
    /// After it: back from the kernel, nothing of the answer looked at yet.
    Exit {
        /// The return value; −errno on failure.
        result: i64,
    },
    /// Nobody stands still: the rings were looked at while their threads ran on, because something in them had
    /// moved.
    Look,
}

/// What stands behind a pointer of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Pointed {
    /// Nothing was read.
    #[default]
    Nothing,
    /// Of epoll_ctl: the events that are asked for, and what the report is to carry.
    Watch {
        /// EPOLL event bits.
        events: u32,
        /// Carried back by a report.
        data: u64,
    },
    /// Of epoll_wait: what was reported.
    Reports {
        /// The first of them.
        reports: Vec<Report>,
    },
    /// Of poll: the array.
    Polled {
        /// Its first entries: those that were reported, where any was.
        polled: Vec<Polled>,
        /// How many entries it has.
        length: u64,
    },
    /// Of select: descriptors in its sets.
    Selected {
        /// In the set for reading.
        read: Vec<i32>,
        /// In the set for writing.
        write: Vec<i32>,
    },
    /// Of a send or a receive: the first bytes, what is no letter shown as a dot.
    Bytes {
        /// As text.
        text: String,
    },
}

impl Pointed {
    /// Whether nothing was read.
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

/// One event that epoll_wait reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The descriptor whose entry in the interest list carries this datum; −1 where none does.
    pub fd: i32,
    /// EPOLL event bits.
    pub events: u32,
}

/// One entry of poll's array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// The descriptor.
    pub fd: i32,
    /// POLL bits that are asked for.
    pub events: i16,
    /// POLL bits that are answered.
    pub revents: i16,
}

/// A ring as it stood: heads, tails, what lies between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingSight {
    /// Its descriptor in the process.
    pub fd: i32,
    /// Slots of the submission queue, and of the completion queue.
    pub entries: (u32, u32),
    /// Head and tail of the submission queue; they only grow.
    pub sq: (u64, u64),
    /// Head and tail of the completion queue.
    pub cq: (u64, u64),
    /// Flags of the SQ ring that are set (`NEED_WAKEUP`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Submissions between head and tail, oldest first; fewer where they could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sqes: Vec<SqeSight>,
    /// Completions between head and tail, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cqes: Vec<CqeSight>,
}

/// A submission that waits in a ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqeSight {
    /// The operation: `RECV`.
    pub operation: String,
    /// The descriptor it is about.
    pub fd: i32,
    /// Length of its buffer.
    pub len: u32,
    /// IOSQE_ flags.
    #[serde(default)]
    pub flags: u8,
    /// What its completion carries back.
    pub user_data: u64,
}

/// A completion that waits in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CqeSight {
    /// From its submission.
    pub user_data: u64,
    /// The result; −errno on failure.
    pub result: i32,
    /// IORING_CQE_F_ flags.
    #[serde(default)]
    pub flags: u32,
}

/// Which line of a program made a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "kebab-case")]
pub enum Source {
    /// This one.
    Line(SourceLine),
    /// Not known.
    Unknown {
        /// Why not, as a sentence without its full stop.
        why: String,
    },
}

impl Default for Source {
    fn default() -> Self {
        Self::Unknown { why: "it was not asked for".into() }
    }
}

/// A line of a program's source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// The file as its compiler knew it: `src/servers/epoll.rs`.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The function, as far as the tables name it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// What stands on the line, so that it can be shown where the file is another by now; empty where it is not at
    /// hand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}
