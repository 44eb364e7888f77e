//! Which instants of a recorded run a player stops at.

use crate::lesson::Kind;
use crate::screen::number::seconds;
use crate::trace::Trace;

/// Stops of a player of servers: few enough for a page, enough to see what grows and what does not.
const STOPS: u64 = 10;

/// Stops of a trial, whose story is short: nearly every call.
const STOPS_OF_A_STORY: usize = 16;

/// The instants, nanoseconds since the trace's zero, in order; the last one is the end.
pub(super) fn instants(trace: &Trace, kind: Kind) -> Vec<u64> {
    let end_ns = trace.end_ns();
    let mut instants: Vec<u64> = match kind {
        // A load goes on evenly.
        Kind::Servers | Kind::Processes => (1..=STOPS).map(|stop| end_ns / STOPS * stop).collect(),
        // A trial is told call by call, however long each of them takes.
        Kind::Trials => {
            let mut times: Vec<u64> = trace
                .runs()
                .iter()
                .flat_map(|run| run.records.iter().map(|(at_ns, _)| run.began_ns.saturating_add(*at_ns)))
                .collect();
            times.sort_unstable();
            times.dedup();
            (1..=STOPS_OF_A_STORY)
                .filter_map(|stop| {
                    times.get((times.len() * stop / STOPS_OF_A_STORY).checked_sub(1)?).copied()
                })
                .collect()
        }
    };
    instants.pop();
    instants.push(end_ns);
    instants.dedup();
    instants
}

/// An instant in words.
pub(super) fn time(t_ns: u64) -> String {
    match t_ns {
        0..100_000_000 => format!("{}.{} ms", t_ns / 1_000_000, t_ns / 100_000 % 10),
        _ => seconds(t_ns),
    }
}
