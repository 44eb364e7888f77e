//! Insights: rules that name what is going on, with cause, cost and fix.
//!
//! A rule sees one [`ServerView`] and answers with a sentence or stays silent. Each is one file and one row
//! in [`INSIGHTS`]; each has a run that provokes it and a clean twin (tests/insights/).

mod buffers_ran_out;
mod client_bottleneck;
mod cq_overflow;
mod eagain_storm;
mod epollout_armed;
mod interest_rewritten;
mod left_open;
mod long_turn;
mod multishot_ended;
mod queue_asleep;
mod single_sqe_enters;
mod sqpoll_for_nothing;
mod thundering_herd;
mod tiny_reads;
mod too_many_pollers;
mod uncollected;
mod unread_edge;
mod wakes_for_nothing;
mod workers_block;
mod write_cut_short;

use serde::{Deserialize, Serialize};

use super::ServerView;

/// One row of [`INSIGHTS`].
pub struct Insight {
    /// Its name in JSON and in lessons.
    pub id: &'static str,
    /// Its title on a screen.
    pub title: &'static str,
    /// What it is about, whatever the run: cause, cost.
    pub general: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// The rule: what this run shows, or `None`.
    pub rule: fn(&ServerView<'_>) -> Option<String>,
}

/// An insight that holds for a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its id.
    pub id: String,
    /// What this run shows.
    pub says: String,
}

/// Every insight there is.
pub const INSIGHTS: &[Insight] = &[
    single_sqe_enters::INSIGHT,
    eagain_storm::INSIGHT,
    epollout_armed::INSIGHT,
    wakes_for_nothing::INSIGHT,
    unread_edge::INSIGHT,
    sqpoll_for_nothing::INSIGHT,
    too_many_pollers::INSIGHT,
    cq_overflow::INSIGHT,
    thundering_herd::INSIGHT,
    interest_rewritten::INSIGHT,
    long_turn::INSIGHT,
    left_open::INSIGHT,
    tiny_reads::INSIGHT,
    write_cut_short::INSIGHT,
    queue_asleep::INSIGHT,
    uncollected::INSIGHT,
    buffers_ran_out::INSIGHT,
    multishot_ended::INSIGHT,
    workers_block::INSIGHT,
    client_bottleneck::INSIGHT,
];

/// The insight of that id.
pub fn by_id(id: &str) -> Option<&'static Insight> {
    INSIGHTS.iter().find(|insight| insight.id == id)
}

/// The insights that hold for a server.
pub fn findings(view: &ServerView<'_>) -> Vec<Finding> {
    INSIGHTS
        .iter()
        .filter_map(|insight| {
            let says = (insight.rule)(view)?;
            Some(Finding { id: insight.id.into(), says })
        })
        .collect()
}

/// A long message may come in pieces of about this size.
const PIECE_BYTES: u32 = 4096;

/// In how many pieces a message may come at most, each with calls of its own.
fn pieces(view: &ServerView<'_>) -> f64 {
    f64::from(1 + view.load().message_bytes / PIECE_BYTES)
}

/// Share of one processor that a thread, or several together, used in a time.
fn share_of_cpu(cpu_ns: u64, duration_ns: u64) -> f64 {
    match duration_ns {
        0 => 0.0,
        duration_ns => cpu_ns as f64 / duration_ns as f64,
    }
}
