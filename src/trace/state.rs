//! State: what stands in the kernel at one instant. Read at stops and a few times a second.

use serde::{Deserialize, Serialize};

/// One epoll instance of a process (`/proc/PID/fdinfo/EPFD`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpollSet {
    /// Its descriptor in the process.
    pub fd: i32,
    /// The interest list.
    pub interest: Vec<Interest>,
}

/// One entry of an interest list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// The watched descriptor (`tfd`).
    pub fd: i32,
    /// The event mask as the kernel holds it (EPOLLIN 1, EPOLLOUT 4, EPOLLET 1<<31, …).
    pub events: u32,
}

impl Interest {
    /// EPOLLIN.
    pub const IN: u32 = 0x1;
    /// EPOLLOUT.
    pub const OUT: u32 = 0x4;
    /// EPOLLRDHUP.
    pub const RDHUP: u32 = 0x2000;
    /// EPOLLEXCLUSIVE.
    pub const EXCLUSIVE: u32 = 1 << 28;
    /// EPOLLONESHOT.
    pub const ONESHOT: u32 = 1 << 30;
    /// EPOLLET.
    pub const ET: u32 = 1 << 31;

    /// An event mask in its names, as in `IN|ET`.
    pub fn names(events: u32) -> Vec<&'static str> {
        const NAMES: [(u32, &str); 5] = [
            (Interest::IN, "IN"),
            (Interest::OUT, "OUT"),
            (Interest::EXCLUSIVE, "EXCLUSIVE"),
            (Interest::ONESHOT, "ONESHOT"),
            (Interest::ET, "ET"),
        ];
        NAMES.iter().filter(|(bit, _)| events & bit != 0).map(|(_, name)| *name).collect()
    }
}

/// One TCP connection of a process, with its queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// Its descriptor in the process; −1 where it is not known.
    pub fd: i32,
    /// The peer's port: the client's name for the connection.
    pub peer_port: u16,
    /// Bytes received and not yet read (for a listener: connections waiting to be accepted).
    pub receive_queue_bytes: u32,
    /// Bytes sent and not yet acknowledged.
    pub send_queue_bytes: u32,
    /// Whether it listens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub listening: bool,
    /// Whether the peer has said that it sends no more, and the descriptor is still open (CLOSE_WAIT).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub peer_done: bool,
}
