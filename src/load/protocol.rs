//! What the lab says to a client process and what it answers: a JSON value a line, on stdin and stdout.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::trace::{ClientTotals, Load, Story};

/// What the lab asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Open the connections of this load; answered by [`Tell::Ready`]. Asked again while connections are
    /// open, it opens and closes the difference.
    Open {
        /// Where the server listens.
        address: SocketAddr,
        /// The load; its `requests` and `duration_ns` are not used here.
        load: Load,
    },
    /// Send requests until so many were answered, so long has passed (whichever comes first) or
    /// [`Ask::Pause`] is asked. Answered by a [`Tell::Totals`] every 50 ms and one [`Tell::Quiet`] when the
    /// last answer is in. Totals count from here: the zero of a run. Asked while a run is on, it ends that
    /// one first, as a pause would.
    Run {
        /// So many requests.
        requests: Option<u64>,
        /// Nanoseconds.
        duration_ns: Option<u64>,
        /// Tell the story too: each request sent and answered.
        story: bool,
    },
    /// Tell the story from now on, or no longer. Answered at once by a [`Tell::Story`] with all that was not told yet,
    /// even if that is nothing.
    Story {
        /// Whether to tell it.
        on: bool,
    },
    /// Change rate and burst while running.
    Pace {
        /// The load whose `pace` and `burst` hold from now on.
        load: Load,
    },
    /// Stop sending, wait for the answers under way (0.7 s without one byte of them, and they count as errors
    /// and their connections are closed; where a run ends by itself it is 2 s), then tell [`Tell::Quiet`]. Nothing is told where no run is on: each run has one `Quiet`, or one
    /// `Failed`.
    Pause,
}

/// What the client tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "kebab-case")]
pub enum Tell {
    /// The connections are open.
    Ready {
        /// `io_uring` or `epoll`.
        engine: String,
        /// Connections open, idle ones included.
        open: u32,
        /// Connections that could not be opened, and why.
        refused: Option<String>,
    },
    /// Where things stand.
    Totals {
        /// CLOCK_MONOTONIC, nanoseconds.
        at_ns: u64,
        /// Counted from the last [`Ask::Run`].
        totals: ClientTotals,
    },
    /// Requests sent and answered, in order (only where the story was asked for).
    Story {
        /// CLOCK_MONOTONIC nanoseconds and what happened then.
        events: Vec<(u64, Story)>,
        /// Events since the last of these that are left out: more than 65 536 in a second, or more than the
        /// lab has read.
        #[serde(default)]
        lost: u64,
        /// CLOCK_MONOTONIC, nanoseconds: what happened up to then is told, but for requests that the kernel is taking
        /// at this moment. 0 where more follows at once.
        #[serde(default)]
        until_ns: u64,
    },
    /// Nothing is under way: all sent, all answered. The run's last totals.
    Quiet {
        /// CLOCK_MONOTONIC, nanoseconds, when the last answer was in.
        at_ns: u64,
        /// CLOCK_MONOTONIC, nanoseconds, when the first request was due: the run's zero.
        zero_ns: u64,
        /// Counted from the last [`Ask::Run`].
        totals: ClientTotals,
    },
    /// What was asked cannot be done, or the run cannot go on: no connection is left. The client stays.
    Failed {
        /// Why, for a person.
        says: String,
    },
}
