//! `iolab.observe/1`: one document about an observed program, for scripts. Versioned; it only grows.
//!
//! Totals and rates stand where a lab has numbers for each request: nobody knows what a request of somebody else's
//! program is. What was measured is an object that says where it came from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::trace::{Counts, End, Interest, Layer, Machine, Refusal, Rung, ThreadTotals};
use crate::world::insight::Finding;
use crate::world::{RingDeltas, RunWorld, ServerView, World};

/// The whole document.
#[derive(Serialize)]
pub struct Document<'w> {
    schema: &'static str,
    machine: &'w Machine,
    seconds: f64,
    processes: Vec<Process<'w>>,
}

#[derive(Serialize)]
struct Process<'w> {
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    comm: &'w str,
    /// The file that it runs; null where that is not known: it may not be read, or it had ended before.
    exe: Option<&'w str>,
    /// Null where that is not known.
    user: Option<u32>,
    /// Whether it was seen from its first instruction on; else it ran already.
    from_birth: bool,
    /// For how long it was looked at.
    seconds: f64,
    /// How it ended; null while it runs.
    end: Option<&'w End>,
    syscalls: Number,
    /// Names that were counted one by one; what they leave of `syscalls` is in `syscalls_not_named`.
    syscalls_by_name: BTreeMap<&'w str, Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    syscalls_not_named: Option<Number>,
    /// The process whose numbers hold the system calls of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    syscalls_counted_with: Option<u32>,
    /// Processes whose system calls are in these numbers, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    syscalls_count_also: Vec<u32>,
    cpu_ns: Number,
    user_ns: Number,
    kernel_ns: Number,
    voluntary_switches: Number,
    involuntary_switches: Number,
    threads: Vec<Thread<'w>>,
    rings: Vec<Ring<'w>>,
    epoll_sets: Vec<EpollSet>,
    sockets: Sockets,
    insights: Vec<Finding>,
    /// Rungs that were refused, each with its layer and what to try.
    refused: Vec<Refused<'w>>,
    /// What has to be known to read these numbers right.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    remarks: &'w [String],
}

/// A measured number, or the reason why there is none. Never 0 for "not known".
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Number {
    Known {
        value: u64,
        /// Its mean over the time that it was looked at; null when that has just begun.
        per_second: Option<f64>,
        rung: Rung,
        /// There was more: what was missed is not known.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        at_least: bool,
    },
    Unknown {
        /// Always null.
        value: (),
        why: String,
        #[serde(rename = "try", skip_serializing_if = "String::is_empty")]
        try_this: String,
    },
}

#[derive(Serialize)]
struct Thread<'w> {
    tid: u32,
    comm: &'w str,
    alive: bool,
    cpu_ns: Number,
    user_ns: Number,
    kernel_ns: Number,
    voluntary_switches: Number,
    involuntary_switches: Number,
}

#[derive(Serialize)]
struct Ring<'w> {
    /// Null for one that is registered only, and for closed ones that are told together.
    fd: Option<i32>,
    sq_entries: u32,
    cq_entries: u32,
    sq_tail_advanced: Number,
    cq_tail_advanced: Number,
    sq_depth: Depth,
    cq_depth: Depth,
    cq_overflow_seen: bool,
    flags: Vec<&'w str>,
    closed: bool,
    rung: Rung,
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
    exclusive: usize,
    rung: Rung,
}

/// TCP sockets as last read.
#[derive(Serialize)]
#[serde(untagged)]
enum Sockets {
    Known { listening: usize, connected: usize, receive_queue_bytes: u64, send_queue_bytes: u64, rung: Rung },
    Unknown(Number),
}

#[derive(Serialize)]
struct Refused<'w> {
    rung: Rung,
    layer: Layer,
    says: &'w str,
    #[serde(rename = "try", skip_serializing_if = "str::is_empty")]
    try_this: &'w str,
}

/// The document of a world.
pub fn observe<'w>(world: &'w World<'_>, views: &'w [ServerView<'w>]) -> Document<'w> {
    let processes = views.iter().filter_map(|view| Some(process(view, view.latest()?, views)));
    Document {
        schema: "iolab.observe/1",
        machine: &world.header.capabilities.machine,
        seconds: world.end_ns() as f64 / 1e9,
        processes: processes.collect(),
    }
}

fn process<'w>(view: &'w ServerView<'w>, run: &'w RunWorld, views: &[ServerView<'_>]) -> Process<'w> {
    let program = run.program.as_ref();
    let counted_with = program.and_then(|program| program.counted_with);
    let scale = Scale { ns: view.sum.duration_ns };
    let of_threads = |part: fn(&ThreadTotals) -> u64| match view.sum.threads.is_empty() {
        false => scale.number(view.sum.over_threads(part), Rung::Proc),
        true => unknown(view.refusal_of(Rung::Proc), "the process was not read yet"),
    };
    Process {
        pid: run.start.pid,
        parent: program.and_then(|program| program.parent),
        comm: program.map_or("", |program| &program.comm),
        exe: program.and_then(|program| program.exe.as_deref()),
        user: program.and_then(|program| program.user),
        from_birth: program.is_some_and(|program| program.from_birth),
        seconds: view.sum.duration_ns as f64 / 1e9,
        end: run.end.as_ref(),
        syscalls: syscalls(view, counted_with, scale),
        syscalls_by_name: names(view, scale),
        syscalls_not_named: not_named(view, scale),
        syscalls_counted_with: counted_with,
        syscalls_count_also: counted_also(run.start.pid, views),
        cpu_ns: of_threads(|thread| thread.cpu_ns),
        user_ns: of_threads(|thread| thread.user_ns),
        kernel_ns: of_threads(|thread| thread.kernel_ns),
        voluntary_switches: of_threads(|thread| thread.voluntary_switches),
        involuntary_switches: of_threads(|thread| thread.involuntary_switches),
        threads: threads(run, scale),
        rings: view.sum.rings.iter().map(|ring| one_ring(ring, scale)).collect(),
        epoll_sets: run.epoll_sets.iter().map(epoll_set).collect(),
        sockets: sockets(view, run),
        insights: view.insights(),
        refused: run.refused.iter().map(|(rung, refusal)| refused(*rung, refusal)).collect(),
        remarks: &run.remarks,
    }
}

/// The time that rates are taken over.
#[derive(Clone, Copy)]
struct Scale {
    ns: u64,
}

impl Scale {
    fn number(self, value: u64, rung: Rung) -> Number {
        let per_second = (self.ns > 0).then(|| value as f64 * 1e9 / self.ns as f64);
        Number::Known { value, per_second, rung, at_least: false }
    }

    fn at_least(self, value: u64, rung: Rung, is_more: bool) -> Number {
        match self.number(value, rung) {
            Number::Known { value, per_second, rung, .. } => {
                Number::Known { value, per_second, rung, at_least: is_more }
            }
            unknown @ Number::Unknown { .. } => unknown,
        }
    }
}

fn unknown(refusal: Option<&Refusal>, otherwise: &str) -> Number {
    let why = refusal.map_or(otherwise, |refusal| &refusal.says).to_owned();
    let try_this = refusal.map(|refusal| refusal.try_this.clone()).unwrap_or_default();
    Number::Unknown { value: (), why, try_this }
}

fn syscalls(view: &ServerView<'_>, counted_with: Option<u32>, scale: Scale) -> Number {
    match (view.sum.syscalls, counted_with) {
        (Some(counted), _) => scale.number(counted.calls, counted.rung),
        (None, Some(pid)) => {
            let why = format!(
                "counted with process {pid}, which it comes from: counters that children inherit are one sum"
            );
            Number::Unknown { value: (), why, try_this: format!("iolab observe -p {}", view_pid(view)) }
        }
        (None, None) => {
            let rungs = [Rung::Perf, Rung::PerfUser, Rung::Ptrace];
            let refusal = rungs.into_iter().find_map(|rung| view.refusal_of(rung));
            unknown(refusal.or(view.header.syscall_rung.as_ref().err()), "no rung has counted yet")
        }
    }
}

fn view_pid(view: &ServerView<'_>) -> u32 {
    view.latest().map_or(0, |run| run.start.pid)
}

fn names<'w>(view: &'w ServerView<'_>, scale: Scale) -> BTreeMap<&'w str, Number> {
    let Some(counted) = view.sum.syscalls else { return BTreeMap::new() };
    view.sum.by_name.iter().map(|(name, calls)| (name.as_str(), scale.number(*calls, counted.rung))).collect()
}

/// Calls whose names have no counter. Where only names are counted, nobody knows.
fn not_named(view: &ServerView<'_>, scale: Scale) -> Option<Number> {
    let counted = view.sum.syscalls?;
    let named = view.sum.by_name.values().fold(0_u64, |sum, calls| sum.saturating_add(*calls));
    Some(match counted.rung {
        Rung::PerfUser => unknown(None, "perf-user counts the names that it has counters for, and no others"),
        rung => scale.number(counted.calls.saturating_sub(named), rung),
    })
}

fn counted_also(pid: u32, views: &[ServerView<'_>]) -> Vec<u32> {
    let program = |view: &ServerView<'_>| {
        let program = view.latest()?.program.as_ref()?;
        (program.counted_with == Some(pid)).then_some(program.pid)
    };
    views.iter().filter_map(program).collect()
}

fn threads(run: &RunWorld, scale: Scale) -> Vec<Thread<'_>> {
    let first = run.first.as_ref().map(|first| first.threads.as_slice()).unwrap_or_default();
    let now = run.process.as_ref().map(|now| now.threads.as_slice()).unwrap_or_default();
    now.iter().map(|now| thread(now, first, scale, run.end.is_none())).collect()
}

fn thread<'w>(now: &'w ThreadTotals, first: &[ThreadTotals], scale: Scale, runs: bool) -> Thread<'w> {
    let before = first.iter().find(|before| before.tid == now.tid);
    let since = |part: fn(&ThreadTotals) -> u64| {
        scale.number(part(now).saturating_sub(before.map_or(0, part)), Rung::Proc)
    };
    Thread {
        tid: now.tid,
        comm: &now.comm,
        alive: now.alive && runs,
        cpu_ns: since(|thread| thread.cpu_ns),
        user_ns: since(|thread| thread.user_ns),
        kernel_ns: since(|thread| thread.kernel_ns),
        voluntary_switches: since(|thread| thread.voluntary_switches),
        involuntary_switches: since(|thread| thread.involuntary_switches),
    }
}

fn one_ring(ring: &RingDeltas, scale: Scale) -> Ring<'_> {
    let now = &ring.now;
    Ring {
        fd: (now.fd >= 0).then_some(now.fd),
        sq_entries: now.sq_entries,
        cq_entries: now.cq_entries,
        sq_tail_advanced: scale.at_least(ring.sqes, Rung::Ring, now.at_least),
        cq_tail_advanced: scale.at_least(ring.cqes, Rung::Ring, now.at_least),
        sq_depth: depth(&ring.sq_depth),
        cq_depth: depth(&ring.cq_depth),
        cq_overflow_seen: ring.overflow_seen > 0,
        flags: now.setup_flags.iter().chain(&now.sq_flags).map(String::as_str).collect(),
        closed: now.closed,
        rung: Rung::Ring,
    }
}

fn depth(counts: &Counts) -> Depth {
    Depth { p50: counts.quantile(0.5), max: counts.max(), samples: counts.samples() }
}

fn epoll_set(set: &crate::trace::EpollSet) -> EpollSet {
    let having = |bit| set.interest.iter().filter(|entry| entry.events & bit != 0).count();
    EpollSet {
        fd: set.fd,
        watched: set.interest.len(),
        edge: having(Interest::ET),
        oneshot: having(Interest::ONESHOT),
        exclusive: having(Interest::EXCLUSIVE),
        rung: Rung::EpollSet,
    }
}

fn sockets(view: &ServerView<'_>, run: &RunWorld) -> Sockets {
    if let Some(refusal) = view.refusal_of(Rung::Sock) {
        return Sockets::Unknown(unknown(Some(refusal), ""));
    }
    let listening = run.sockets.iter().filter(|socket| socket.listening).count();
    let connected = || run.sockets.iter().filter(|socket| !socket.listening);
    let bytes =
        |queue: fn(&crate::trace::Socket) -> u32| connected().map(|socket| u64::from(queue(socket))).sum();
    Sockets::Known {
        listening,
        connected: connected().count(),
        receive_queue_bytes: bytes(|socket| socket.receive_queue_bytes),
        send_queue_bytes: bytes(|socket| socket.send_queue_bytes),
        rung: Rung::Sock,
    }
}

fn refused(rung: Rung, refusal: &Refusal) -> Refused<'_> {
    Refused { rung, layer: refusal.layer, says: &refusal.says, try_this: &refusal.try_this }
}
