//! `iolab.lab/1`: one document about a lab, for scripts, graders and the book. Versioned; it only grows.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::trace::{Contents, Counts, End, Load, Machine, Rung, ThreadTotals};
use crate::world::insight::Finding;
use crate::world::{METRICS, Measured, RingDeltas, ServerView, WindowView, World};

/// The whole document.
#[derive(Serialize)]
pub struct Document<'w> {
    schema: &'static str,
    machine: &'w Machine,
    load: &'w Load,
    servers: Vec<Server<'w>>,
}

#[derive(Serialize)]
struct Server<'w> {
    server: &'w str,
    /// Where it is not the document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<&'w Load>,
    requests: u64,
    errors: u64,
    bytes_wrong: u64,
    /// Requests that the client came to when the next one of their connection was due as well.
    late: u64,
    seconds: f64,
    rounds: usize,
    latency_ns: Latency,
    metrics: BTreeMap<&'static str, Measured>,
    syscalls_per_request_by_name: BTreeMap<String, Measured>,
    /// Of a trial, which answers no requests: in all, or of the first calls (`window_cut_after`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    syscalls_by_name: BTreeMap<String, Measured>,
    /// After how many calls the window was closed while the trial went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    window_cut_after: Option<u64>,
    /// How many SQEs each io_uring_enter of the windows took.
    #[serde(skip_serializing_if = "Option::is_none")]
    batches: Option<Batches>,
    /// Records that the windows have lost, where they have.
    #[serde(skip_serializing_if = "is_zero")]
    window_records_lost: u64,
    threads: Vec<Thread<'w>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rings: Vec<Ring>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    epoll_sets: Vec<EpollSet>,
    insights: Vec<Finding>,
    probe_cost: ProbeCost,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    said: Vec<&'w str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    troubles: Vec<End>,
    /// It was stopped on request before all was done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stopped: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Latency {
    Known {
        p50: u64,
        p90: u64,
        p99: u64,
        p999: u64,
        max: u64,
    },
    /// `value` is null beside the reason, as in a metric.
    Unknown(Measured),
}

#[derive(Serialize)]
struct Batches {
    p50: u64,
    max: u64,
    /// How many calls had SQEs to submit.
    calls: u64,
    /// Who saw them; null while their window is open.
    rung: Option<Rung>,
}

#[derive(Serialize)]
struct Thread<'w> {
    comm: &'w str,
    cpu_ns: u64,
    user_ns: u64,
    kernel_ns: u64,
    voluntary_switches: u64,
    involuntary_switches: u64,
}

#[derive(Serialize)]
struct Ring {
    fd: i32,
    sq_entries: u32,
    cq_entries: u32,
    sq_tail_advanced: u64,
    cq_tail_advanced: u64,
    sq_depth: Depth,
    cq_depth: Depth,
    cq_overflow_seen: bool,
    /// The share of CQEs whose contents were read before their slot was written again, where they were (0 to 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    cqe_contents_seen: Option<f64>,
    flags: Vec<String>,
}

#[derive(Serialize)]
struct Depth {
    p50: Option<u64>,
    max: Option<u64>,
    samples: u64,
}

#[derive(Serialize)]
struct EpollSet {
    fd: i32,
    watched: usize,
    edge: usize,
    oneshot: usize,
}

#[derive(Serialize)]
struct ProbeCost {
    rungs: Vec<Rung>,
    cpu_ns_per_request: Option<f64>,
    /// Requests per second with probes, as a share of without; only with `--probe-cost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput_share: Option<Measured>,
}

/// The document of a world.
pub fn lab<'w>(world: &'w World<'_>, views: &'w [ServerView<'w>]) -> Document<'w> {
    Document {
        schema: "iolab.lab/1",
        machine: &world.header.capabilities.machine,
        load: &world.header.load,
        servers: views.iter().map(server).collect(),
    }
}

fn server<'w>(view: &'w ServerView<'w>) -> Server<'w> {
    let (of_server, of_trial) = match view.trial {
        None => (view.syscalls_by_name(), BTreeMap::new()),
        Some(_) => (BTreeMap::new(), view.syscalls_by_name()),
    };
    Server {
        server: view.name,
        load: (view.load() != &view.header.load).then(|| view.load()),
        requests: view.sum.requests,
        errors: view.over_clients(|client| client.errors),
        bytes_wrong: view.over_clients(|client| client.bytes_wrong),
        late: view.over_clients(|client| client.delayed),
        seconds: view.sum.duration_ns as f64 / 1e9,
        rounds: view.rounds.len(),
        latency_ns: latency(view),
        metrics: METRICS
            .iter()
            .filter(|metric| !metric.key.starts_with("latency"))
            .filter_map(|metric| Some((metric.key, view.metric(metric.id)?)))
            .collect(),
        syscalls_per_request_by_name: of_server,
        syscalls_by_name: of_trial,
        window_cut_after: view.window.cut_after,
        batches: batches(&view.window),
        window_records_lost: view.window.lost,
        threads: view.sum.threads.values().map(thread).collect(),
        rings: view.sum.rings.iter().map(ring).collect(),
        epoll_sets: epoll_sets(view),
        insights: view.insights(),
        probe_cost: probe_cost(view),
        said: view.said(),
        troubles: view.troubles().cloned().collect(),
        stopped: view.is_stopped(),
    }
}

fn latency(view: &ServerView<'_>) -> Latency {
    let counts = view.latency_ns();
    let known = || {
        Some(Latency::Known {
            p50: counts.quantile(0.5)?,
            p90: counts.quantile(0.9)?,
            p99: counts.quantile(0.99)?,
            p999: counts.quantile(0.999)?,
            max: counts.max()?,
        })
    };
    known().unwrap_or_else(|| {
        let trouble = view.troubles().next().map(End::to_string);
        Latency::Unknown(Measured::unknown(trouble.unwrap_or_else(|| "nothing was answered".into())))
    })
}

fn batches(window: &WindowView) -> Option<Batches> {
    let counts = &window.batches;
    let (p50, max) = (counts.quantile(0.5)?, counts.max()?);
    Some(Batches { p50, max, calls: counts.samples(), rung: window.rung })
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn thread(thread: &ThreadTotals) -> Thread<'_> {
    Thread {
        comm: &thread.comm,
        cpu_ns: thread.cpu_ns,
        user_ns: thread.user_ns,
        kernel_ns: thread.kernel_ns,
        voluntary_switches: thread.voluntary_switches,
        involuntary_switches: thread.involuntary_switches,
    }
}

fn ring(ring: &RingDeltas) -> Ring {
    let mut flags = ring.now.setup_flags.clone();
    flags.extend(ring.now.sq_flags.iter().cloned());
    Ring {
        fd: ring.now.fd,
        sq_entries: ring.now.sq_entries,
        cq_entries: ring.now.cq_entries,
        sq_tail_advanced: ring.sqes,
        cq_tail_advanced: ring.cqes,
        sq_depth: depth(&ring.sq_depth),
        cq_depth: depth(&ring.cq_depth),
        cq_overflow_seen: ring.overflow_seen > 0,
        cqe_contents_seen: ring.contents.and_then(Contents::share),
        flags,
    }
}

fn depth(counts: &Counts) -> Depth {
    Depth { p50: counts.quantile(0.5), max: counts.max(), samples: counts.samples() }
}

fn epoll_sets(view: &ServerView<'_>) -> Vec<EpollSet> {
    use crate::trace::Interest;
    let sets = view.latest().map(|run| run.epoll_sets.as_slice()).unwrap_or_default();
    sets.iter()
        .map(|set| {
            let having = |bit| set.interest.iter().filter(|entry| entry.events & bit != 0).count();
            EpollSet {
                fd: set.fd,
                watched: set.interest.len(),
                edge: having(Interest::ET),
                oneshot: having(Interest::ONESHOT),
            }
        })
        .collect()
}

fn probe_cost(view: &ServerView<'_>) -> ProbeCost {
    let requests = view.sum.requests;
    ProbeCost {
        rungs: view.rungs(),
        cpu_ns_per_request: (requests > 0).then(|| view.sum.probe_cpu_ns as f64 / requests as f64),
        throughput_share: view.throughput_share(),
    }
}
