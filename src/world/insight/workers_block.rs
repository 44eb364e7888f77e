//! Threads after all, which no socket needs.

use super::{Insight, ServerView, share_of_cpu};
use crate::world::Helper;

/// Fewer are no evidence: a file that is opened or read from disk takes a worker, too.
const SLEEPS_MIN: u64 = 20;

/// Of all processor time.
const SHARE_MIN: f64 = 0.05;

/// Fewer SQEs than this are no evidence.
const SQES_MIN: u64 = 200;

pub const INSIGHT: Insight = Insight {
    id: "workers-block",
    title: "kernel workers do what needs no thread",
    general: "Operations are handed to kernel threads of the ring (iou-wrk): each is put into a queue, a worker is woken, \
              tries it, and hands the result back, with locks and switches on the way. Files that have to come from a \
              disk need that. A socket does not: the kernel hears when it is ready, and no thread need wait.",
    fix: "Leave IOSQE_ASYNC out for sockets and pipes: an operation that finds nothing stays in flight by itself. Keep \
          the flag for files whose first try would block the caller.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    // Where there are no sockets, it may well be files that the workers wait for.
    let connected = view.latest()?.sockets.iter().filter(|socket| !socket.listening).count();
    let sqes = view.sum.sqes().filter(|sqes| *sqes >= SQES_MIN)?;
    let workers = view.sum.threads.get(Helper::Worker.name())?;
    let (sleeps, all_ns) = (workers.voluntary_switches, view.sum.over_threads(|thread| thread.cpu_ns));
    let share = share_of_cpu(workers.cpu_ns, all_ns);
    (sleeps >= SLEEPS_MIN && share >= SHARE_MIN && connected > 0).then(|| {
        format!(
            "kernel workers (iou-wrk) slept {sleeps} times over {sqes} SQEs of {connected} connections, and used {:.0} % of \
             the processor time",
            share * 100.0
        )
    })
}
