//! The crossings of a server as text: its lanes turn by turn, the receipt of one echo, the ready list.

use super::number::number;
use crate::trace::Rung;
use crate::world::lanes::{Lane, lanes};
use crate::world::ready::{Ready, unread, watched};
use crate::world::receipt::receipt;
use crate::world::turns::Turn;
use crate::world::{Call, ServerView};

/// Turns of a thread that are told: the last ones.
const TURNS_TOLD: usize = 3;

/// Calls in a row that are told one by one.
const CALLS_TOLD: usize = 8;

/// Threads that are told: the busiest.
const THREADS_TOLD: usize = 2;

/// Where no queue was read, nobody can say what is ready.
const NO_QUEUE: &str = "ready list: not known: no queue of a socket was read";

/// What one request cost; a server that answered while it was watched, and has none, says so.
pub(super) fn receipt_of(view: &ServerView<'_>) -> Option<String> {
    let answered = view.trial.is_none() && view.last_window().is_some_and(|run| run.window.rung.is_some());
    let says = match receipt(view) {
        Some(receipt) => format!(
            "the middle one of {} requests in the window, by crossings: {}: {}",
            receipt.of,
            receipt.sum(),
            receipt.chain()
        ),
        None if answered => "no request of the window is known whole".into(),
        None => return None,
    };
    Some(format!("the receipt of one echo ({}): {says}", rung(view)))
}

/// A server's lanes, its busiest threads first.
pub(super) fn lanes_of(view: &ServerView<'_>) -> Vec<String> {
    let Some(lanes) = lanes(view) else { return Vec::new() };
    let rung = rung(view);
    let mut lines: Vec<_> = lanes.threads.iter().take(THREADS_TOLD).map(|one| lane(one, rung)).collect();
    if lanes.threads.is_empty() {
        lines.push(format!("own code and kernel ({rung}): no crossing"));
    }
    let more = lanes.threads.len().saturating_sub(THREADS_TOLD);
    if more > 0 {
        lines.push(format!("{more} more threads crossed less often"));
    }
    lines.extend(lanes.pollers.iter().map(|name| format!("{name}: a thread of the kernel, no crossing")));
    if let Some(each) = lanes.crossings_per_request {
        let by_name = lanes.by_name.iter().map(|(name, each)| format!("{name} {}", number(*each)));
        let by_name: Vec<_> = by_name.collect();
        let window = if by_name.is_empty() { String::new() } else { format!("; in the window ({rung}): ") };
        lines.push(format!("crossings per echo: {}{window}{}", number(each), by_name.join(", ")));
    }
    lines
}

/// Who told the story.
fn rung(view: &ServerView<'_>) -> &'static str {
    view.story_rung().unwrap_or(Rung::Ptrace).word()
}

/// A thread's last turns in order; times under ptrace are not told, they would be wrong.
fn lane(lane: &Lane<'_>, rung: &str) -> String {
    let from = lane.turns.len().saturating_sub(TURNS_TOLD);
    let turns: Vec<_> = lane.turns.iter().skip(from).map(turn).collect();
    format!("own code and kernel, thread {}, its last turns ({rung}): {}", lane.tid, turns.join("; "))
}

fn turn(turn: &Turn<'_>) -> String {
    let wait = turn.wait.map(|call| match call.until_ns {
        Some(_) => format!("waits in {}", call.name),
        None => format!("waits in {} now", call.name),
    });
    wait.into_iter().chain(crossings(&turn.calls)).collect::<Vec<_>>().join(", then ")
}

/// Calls by name, those that repeat counted: `recvfrom, sendto` or `recvfrom ×52, sendto ×52`.
fn crossings(calls: &[&Call]) -> Option<String> {
    if calls.len() <= CALLS_TOLD {
        let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
        return (!names.is_empty()).then(|| names.join(", "));
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for call in calls {
        match counts.iter_mut().find(|(name, _)| *name == call.name) {
            Some((_, count)) => *count += 1,
            None => counts.push((&call.name, 1)),
        }
    }
    Some(counts.iter().map(|(name, count)| format!("{name} ×{count}")).collect::<Vec<_>>().join(", "))
}

/// What of the interest lists is ready, as far as queues tell.
pub(super) fn ready(view: &ServerView<'_>) -> Option<String> {
    let watched = view.latest().map(watched).filter(|watched| !watched.is_empty())?;
    let unread = view.latest().map(unread).unwrap_or_default();
    let ready = watched.iter().filter_map(|one| {
        let fd = one.interest.fd;
        match one.ready {
            Ready::Read { bytes } if unread.contains(&fd) => {
                Some(format!("fd {fd} with {bytes} bytes unread"))
            }
            Ready::Read { bytes } => Some(format!("fd {fd} with {bytes} bytes")),
            Ready::Accept { connections } => Some(format!("fd {fd} with {connections} connections")),
            Ready::Write => Some(format!("fd {fd} with room")),
            Ready::No | Ready::NotKnown => None,
        }
    });
    let ready: Vec<_> = ready.collect();
    let unknown = watched.iter().filter(|one| one.ready == Ready::NotKnown).count();
    let not_known = match unknown {
        unknown if (1..watched.len()).contains(&unknown) => format!(", {unknown} not known"),
        _ => String::new(),
    };
    let says = match ready.as_slice() {
        [] if unknown == watched.len() => return Some(NO_QUEUE.into()),
        [] => format!("none at this reading{not_known}"),
        ready => format!("{} of {}{not_known}: {}", ready.len(), watched.len(), ready.join(", ")),
    };
    Some(format!("ready list (derived from the sockets' queues): {says}"))
}
