//! Differences of totals: what a process did between a run's zero and now. Deltas of several rounds add up.

use std::collections::BTreeMap;

use crate::trace::{Contents, Counts, ProcessTotals, RingTotals, Rung, ThreadTotals};

/// What a server's process and its client did in one run, or in several rounds together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deltas {
    /// Requests answered.
    pub requests: u64,
    /// Length, nanoseconds.
    pub duration_ns: u64,
    /// Threads by name; those of the same name together.
    pub threads: BTreeMap<String, ThreadTotals>,
    /// User time of the process, nanoseconds, in ticks.
    pub user_ns: u64,
    /// Kernel time of the process, nanoseconds, in ticks.
    pub kernel_ns: u64,
    /// Rings, in the order of their descriptors.
    pub rings: Vec<RingDeltas>,
    /// System calls, as counted.
    pub syscalls: Option<Counted>,
    /// By name.
    pub by_name: BTreeMap<String, u64>,
    /// Requests of the rounds whose threads are known.
    pub thread_requests: u64,
    /// Requests of the rounds whose rings are known.
    pub ring_requests: u64,
    /// Latencies in nanoseconds.
    pub latency_ns: Counts,
    /// Processor time of the client, nanoseconds.
    pub client_cpu_ns: u64,
    /// Processor time of the probes, nanoseconds.
    pub probe_cpu_ns: u64,
}

/// System calls that a rung counted, and the requests of the rounds in which it did: a round without a
/// counter belongs to neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Who counted.
    pub rung: Rung,
    /// System calls.
    pub calls: u64,
    /// Requests answered meanwhile.
    pub requests: u64,
}

/// What went through one ring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RingDeltas {
    /// As it stands now.
    pub now: RingTotals,
    /// SQEs published.
    pub sqes: u64,
    /// CQEs published.
    pub cqes: u64,
    /// Samples that saw the overflow flag.
    pub overflow_seen: u64,
    /// Samples that saw NEED_WAKEUP.
    pub asleep_seen: u64,
    /// The most readings in a row with entries queued and the SQPOLL thread asleep.
    pub stranded: u64,
    /// The most readings in a row with completions that only a call would bring.
    pub uncollected: u64,
    /// Of the CQEs that passed, those whose contents were read, where they were.
    pub contents: Option<Contents>,
    /// Submission queue depth at each sample.
    pub sq_depth: Counts,
    /// Completion queue depth at each sample.
    pub cq_depth: Counts,
}

impl Deltas {
    /// What lies between two totals of one process while so many requests were answered; the rest of the
    /// client's part is filled in by the caller.
    pub fn between(
        from: &ProcessTotals,
        to: &ProcessTotals,
        depths: &BTreeMap<(i32, u64), (Counts, Counts)>,
        requests: u64,
    ) -> Self {
        let mut deltas = Self {
            requests,
            probe_cpu_ns: to.probe_cpu_ns.saturating_sub(from.probe_cpu_ns),
            thread_requests: if to.threads.is_empty() { 0 } else { requests },
            ring_requests: if to.rings.is_empty() { 0 } else { requests },
            ..Self::default()
        };
        let earlier: BTreeMap<_, _> = from.threads.iter().map(|thread| (thread.tid, thread)).collect();
        for thread in &to.threads {
            add_thread(&mut deltas.threads, &thread_since(thread, earlier.get(&thread.tid).copied()));
        }
        (deltas.user_ns, deltas.kernel_ns) = match (to.user_ns, to.kernel_ns) {
            // Not read, as in traces of earlier days: what the threads say.
            (0, 0) => {
                (deltas.over_threads(|thread| thread.user_ns), deltas.over_threads(|thread| thread.kernel_ns))
            }
            (user_ns, kernel_ns) => {
                (user_ns.saturating_sub(from.user_ns), kernel_ns.saturating_sub(from.kernel_ns))
            }
        };
        for ring in &to.rings {
            let before = from.rings.iter().find(|other| other.is_same(ring));
            deltas.rings.push(RingDeltas::between(before, ring, depths.get(&(ring.fd, ring.id))));
        }
        if let Some(calls) = &to.syscalls {
            let before = from.syscalls.as_ref().filter(|before| before.rung == calls.rung);
            let total = before.map_or(0, |before| before.total);
            let calls_since = calls.total.saturating_sub(total);
            deltas.syscalls = Some(Counted { rung: calls.rung, calls: calls_since, requests });
            for (name, count) in &calls.by_name {
                let earlier = before.and_then(|before| before.by_name.get(name)).copied().unwrap_or(0);
                if *count > earlier {
                    deltas.by_name.insert(name.clone(), count - earlier);
                }
            }
        }
        deltas
    }

    /// Adds another round of the same server.
    pub fn add(&mut self, other: &Self) {
        grow(&mut self.requests, other.requests);
        grow(&mut self.duration_ns, other.duration_ns);
        grow(&mut self.user_ns, other.user_ns);
        grow(&mut self.kernel_ns, other.kernel_ns);
        grow(&mut self.client_cpu_ns, other.client_cpu_ns);
        grow(&mut self.probe_cpu_ns, other.probe_cpu_ns);
        grow(&mut self.thread_requests, other.thread_requests);
        grow(&mut self.ring_requests, other.ring_requests);
        self.latency_ns.merge(&other.latency_ns);
        for thread in other.threads.values() {
            add_thread(&mut self.threads, thread);
        }
        for (index, ring) in other.rings.iter().enumerate() {
            match self.rings.get_mut(index) {
                Some(mine) => mine.add(ring),
                None => self.rings.push(ring.clone()),
            }
        }
        match (&mut self.syscalls, other.syscalls) {
            (Some(mine), Some(theirs)) if mine.rung == theirs.rung => {
                grow(&mut mine.calls, theirs.calls);
                grow(&mut mine.requests, theirs.requests);
            }
            (Some(_), _) => {}
            (none, theirs) => *none = theirs,
        }
        for (name, count) in &other.by_name {
            grow(self.by_name.entry(name.clone()).or_default(), *count);
        }
    }

    /// SQEs published over all rings; `None` when there is no ring.
    pub fn sqes(&self) -> Option<u64> {
        (!self.rings.is_empty()).then(|| total(self.rings.iter().map(|ring| ring.sqes)))
    }

    /// CQEs published over all rings; `None` when there is no ring.
    pub fn cqes(&self) -> Option<u64> {
        (!self.rings.is_empty()).then(|| total(self.rings.iter().map(|ring| ring.cqes)))
    }

    /// What passed through all completion queues whose contents were read, and what was read of it.
    pub fn contents(&self) -> Option<Contents> {
        self.rings.iter().fold(None, |sum, ring| both(sum, ring.contents))
    }

    /// A sum over all threads, kernel helpers included.
    pub fn over_threads(&self, part: impl Fn(&ThreadTotals) -> u64) -> u64 {
        total(self.threads.values().map(part))
    }
}

impl RingDeltas {
    fn between(from: Option<&RingTotals>, to: &RingTotals, depths: Option<&(Counts, Counts)>) -> Self {
        let zero = RingTotals::default();
        let from = from.unwrap_or(&zero);
        let (sq_depth, cq_depth) = depths.cloned().unwrap_or_default();
        Self {
            now: to.clone(),
            sqes: to.sq_tail.saturating_sub(from.sq_tail),
            cqes: to.cq_tail.saturating_sub(from.cq_tail),
            overflow_seen: to.overflow_seen.saturating_sub(from.overflow_seen),
            asleep_seen: to.asleep_seen.saturating_sub(from.asleep_seen),
            stranded: if to.stranded > from.stranded { to.stranded } else { 0 },
            uncollected: if to.uncollected > from.uncollected { to.uncollected } else { 0 },
            contents: to.contents.map(|now| since(now, from.contents)),
            sq_depth,
            cq_depth,
        }
    }

    fn add(&mut self, other: &Self) {
        self.now = other.now.clone();
        grow(&mut self.sqes, other.sqes);
        grow(&mut self.cqes, other.cqes);
        grow(&mut self.overflow_seen, other.overflow_seen);
        grow(&mut self.asleep_seen, other.asleep_seen);
        self.stranded = self.stranded.max(other.stranded);
        self.uncollected = self.uncollected.max(other.uncollected);
        self.contents = both(self.contents, other.contents);
        self.sq_depth.merge(&other.sq_depth);
        self.cq_depth.merge(&other.cq_depth);
    }
}

fn since(now: Contents, before: Option<Contents>) -> Contents {
    let before = before.unwrap_or_default();
    Contents { seen: now.seen.saturating_sub(before.seen), passed: now.passed.saturating_sub(before.passed) }
}

fn both(one: Option<Contents>, other: Option<Contents>) -> Option<Contents> {
    let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
    Some(Contents {
        seen: one.seen.saturating_add(other.seen),
        passed: one.passed.saturating_add(other.passed),
    })
}

/// A trace may come from anywhere: sums stay at the top rather than wrap.
fn grow(sum: &mut u64, by: u64) {
    *sum = sum.saturating_add(by);
}

fn total(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(0, u64::saturating_add)
}

/// Thread names without their process id, so that rounds of one server add up: `iou-sqp`.
fn family(comm: &str) -> &str {
    ["iou-sqp", "iou-wrk"].into_iter().find(|family| comm.starts_with(family)).unwrap_or(comm)
}

fn thread_since(now: &ThreadTotals, before: Option<&ThreadTotals>) -> ThreadTotals {
    let zero = ThreadTotals::default();
    let before = before.unwrap_or(&zero);
    ThreadTotals {
        tid: now.tid,
        comm: now.comm.clone(),
        cpu_ns: now.cpu_ns.saturating_sub(before.cpu_ns),
        user_ns: now.user_ns.saturating_sub(before.user_ns),
        kernel_ns: now.kernel_ns.saturating_sub(before.kernel_ns),
        voluntary_switches: now.voluntary_switches.saturating_sub(before.voluntary_switches),
        involuntary_switches: now.involuntary_switches.saturating_sub(before.involuntary_switches),
        alive: now.alive,
    }
}

fn add_thread(threads: &mut BTreeMap<String, ThreadTotals>, thread: &ThreadTotals) {
    let name = family(&thread.comm).to_owned();
    let sum = threads.entry(name.clone()).or_insert_with(|| ThreadTotals {
        tid: thread.tid,
        comm: name,
        ..ThreadTotals::default()
    });
    grow(&mut sum.cpu_ns, thread.cpu_ns);
    grow(&mut sum.user_ns, thread.user_ns);
    grow(&mut sum.kernel_ns, thread.kernel_ns);
    grow(&mut sum.voluntary_switches, thread.voluntary_switches);
    grow(&mut sum.involuntary_switches, thread.involuntary_switches);
    sum.alive |= thread.alive;
}
