//! What the client is asked to do. The same value stands in a trace's header, so a replay knows its load.

use serde::{Deserialize, Serialize};

/// A load: how many connections ask how much, how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Connections that send requests.
    pub connections: u32,
    /// Connections that are open beside them and do nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// Bytes of one request; the echo has as many.
    pub message_bytes: u32,
    /// How the next request's time is chosen.
    #[serde(rename = "rate_per_s")]
    pub pace: Pace,
    /// Requests that are sent in the same instant, on as many connections (paced loads only).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub burst: u32,
    /// Requests of one server, all rounds together; `None` when `duration_ns` bounds the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Length of one server's run in nanoseconds, all rounds together; `None` when `requests` bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
}

impl Load {
    /// The same load over so many connections; a burst needs one for each of its requests.
    pub fn with_connections(&self, connections: u32) -> Self {
        Self { connections, burst: self.burst.min(connections), ..self.clone() }
    }
}

impl Default for Load {
    fn default() -> Self {
        Self {
            connections: 64,
            idle: 0,
            message_bytes: 64,
            pace: Pace::Max,
            burst: 1,
            requests: None,
            duration_ns: None,
        }
    }
}

/// Closed or open loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<u64>", into = "Option<u64>")]
pub enum Pace {
    /// Closed loop: each connection sends its next request when the last answer is there, as fast as it
    /// goes.
    Max,
    /// Open loop: so many requests a second over all connections, sent when they are due whether or not
    /// earlier ones were answered; latency counts from the time a request was due.
    PerSecond(u64),
}

impl From<Option<u64>> for Pace {
    fn from(rate: Option<u64>) -> Self {
        rate.map_or(Self::Max, Self::PerSecond)
    }
}

impl From<Pace> for Option<u64> {
    fn from(pace: Pace) -> Self {
        match pace {
            Pace::Max => None,
            Pace::PerSecond(rate) => Some(rate),
        }
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

fn one() -> u32 {
    1
}
