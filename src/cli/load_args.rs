//! The load, as flags: shared by every command that drives one.

use anyhow::bail;
use clap::Args;

use crate::lab::slow::CONNECTIONS_MAX as CONNECTIONS_SLOW_MAX;
use crate::servers::CONNECTIONS_MAX;
use crate::trace::{Load, Pace};

/// What the client does.
#[derive(Args, Debug)]
pub struct LoadArguments {
    /// Connections that send requests [default: 64; 1 with --slow].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(CONNECTIONS_MAX)))]
    connections: Option<u32>,
    /// Connections that are open beside them and do nothing.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(CONNECTIONS_MAX)))]
    idle: u32,
    /// Bytes of one request.
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    message: u32,
    /// Requests a second over all connections, or "max": each connection sends as soon as it has its answer.
    #[arg(long, value_name = "PER_S|max", default_value = "max", value_parser = pace)]
    rate: Pace,
    /// Requests that are sent in the same instant (with a rate).
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CONNECTIONS_MAX)))]
    burst: u32,
    /// Requests of each server, all rounds together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Seconds for each server, all rounds together [default: 3, without --requests].
    #[arg(long, value_name = "SECONDS", value_parser = duration_ns)]
    duration: Option<u64>,
}

impl LoadArguments {
    /// Whether the run has an end of its own.
    pub fn is_bounded(&self) -> bool {
        self.requests.is_some() || self.duration.is_some()
    }

    /// The connections of slow motion: few enough to be followed by eye.
    pub fn connections_slow(&self) -> anyhow::Result<u32> {
        match self.connections.unwrap_or(1) {
            n @ 1..=CONNECTIONS_SLOW_MAX => Ok(n),
            n => bail!("--slow with {n} connections: more than {CONNECTIONS_SLOW_MAX} cannot be followed"),
        }
    }

    /// Bytes of one request.
    pub fn message_bytes(&self) -> u32 {
        self.message
    }

    /// Requests, if a number was asked for.
    pub fn requests(&self) -> Option<u64> {
        self.requests
    }

    /// The checked load.
    pub fn load(&self) -> anyhow::Result<Load> {
        if self.burst > 1 && self.rate == Pace::Max {
            bail!("--burst needs a --rate: at --rate max every connection sends when its answer is there");
        }
        if let Pace::PerSecond(rate) = self.rate
            && u64::from(self.burst) > rate
        {
            bail!("--burst {} at --rate {rate}: a burst would come less than once a second", self.burst);
        }
        Ok(Load {
            connections: self.connections.unwrap_or(64),
            idle: self.idle,
            message_bytes: self.message,
            pace: self.rate,
            burst: self.burst,
            requests: self.requests,
            duration_ns: self.duration,
        })
    }
}

fn pace(text: &str) -> Result<Pace, String> {
    match text {
        "max" => Ok(Pace::Max),
        other => match other.parse() {
            Ok(rate @ 1..=10_000_000) => Ok(Pace::PerSecond(rate)),
            _ => Err("a number of requests a second from 1 to 10000000, or max".into()),
        },
    }
}

fn duration_ns(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok((seconds * 1e9) as u64),
        _ => Err("seconds, more than 0 and at most 86400".into()),
    }
}
