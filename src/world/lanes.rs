//! User and kernel lanes: what each thread of a server did in its last turns.

use std::collections::BTreeMap;

use super::turns::{Turn, turns};
use super::{Call, MetricId, ServerView};
use crate::servers::Polls;

/// The name of an SQPOLL thread begins with this.
const POLLER: &str = "iou-sqp-";

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane<'w> {
    /// Thread id.
    pub tid: u32,
    /// Its turns, oldest first.
    pub turns: Vec<Turn<'w>>,
    /// How many calls of it are known.
    pub calls: usize,
}

/// The lanes of one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lanes<'w> {
    /// Its threads that made calls, the busiest first.
    pub threads: Vec<Lane<'w>>,
    /// Kernel threads that look at its submission queue (`iou-sqp-PID`): they are in the kernel all the time and
    /// never cross.
    pub pollers: Vec<&'w str>,
    /// System calls for each request answered: of the measured rounds where they are counted, else of the
    /// window.
    pub crossings_per_request: Option<f64>,
    /// The window's by name, those that are made once in a hundred requests or more.
    pub by_name: Vec<(&'w str, f64)>,
}

/// The lanes of a server in its latest window; `None` before there is one.
pub fn lanes<'w>(view: &ServerView<'w>) -> Option<Lanes<'w>> {
    /// Rarer calls belong to the beginning of a run.
    const RARE: f64 = 0.01;
    let window = &view.last_window()?.window;
    let mut threads: BTreeMap<u32, Vec<&Call>> = BTreeMap::new();
    for call in &window.calls {
        threads.entry(call.tid).or_default().push(call);
    }
    let polled = is_polled(view);
    let lane = |(tid, calls): (u32, Vec<_>)| {
        let turns = turns(&calls, &window.echoes, polled);
        Lane { tid, calls: calls.len(), turns }
    };
    let mut threads: Vec<Lane<'w>> = threads.into_iter().map(lane).collect();
    threads.sort_by_key(|lane| std::cmp::Reverse(lane.calls));
    let each = |count: u64| (window.requests > 0).then(|| count as f64 / window.requests as f64);
    let by_name = window.by_name.iter().filter_map(|(name, count)| Some((name.as_str(), each(*count)?)));
    let counted = view.metric(MetricId::SyscallsPerRequest).and_then(|measured| measured.value());
    Some(Lanes {
        threads,
        pollers: pollers(view),
        crossings_per_request: counted.or_else(|| each(window.syscalls)),
        by_name: by_name.filter(|(_, each)| *each >= RARE).collect(),
    })
}

/// Whether a kernel thread takes the submissions.
fn is_polled(view: &ServerView<'_>) -> bool {
    let by_table = view.server.is_some_and(|server| server.polls == Polls::KernelThread);
    let mut flags = view.sum.rings.iter().flat_map(|ring| &ring.now.setup_flags);
    by_table || flags.any(|flag| flag == "SQPOLL")
}

fn pollers<'w>(view: &ServerView<'w>) -> Vec<&'w str> {
    let process = view.latest().and_then(|run| run.process.as_ref());
    let threads = process.map(|process| process.threads.as_slice()).unwrap_or_default();
    let names = threads.iter().filter(|thread| thread.alive).map(|thread| thread.comm.as_str());
    names.filter(|name| name.starts_with(POLLER)).collect()
}
