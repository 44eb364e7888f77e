//! Evidence that is written down: each server and trial with just the numbers that a judge looks at.

use std::collections::BTreeMap;

use iolab::claims::{Evidence, Host, Judged, Quiet, by_id, judge};
use iolab::trace::{
    Allowed, Capabilities, ClientTotals, Counts, End, Entry, Header, Layer, Load, Machine, ProcessTotals,
    Purpose, Record, Refusal, RingTotals, Rung, SCHEMA, Start, SyscallTotals, ThreadTotals, Trace,
};

/// Requests of each written run.
const REQUESTS: u64 = 1000;

/// What one server or trial did, in all.
#[derive(Clone, Default)]
pub struct Did {
    name: &'static str,
    syscalls: u64,
    by_name: BTreeMap<String, u64>,
    switches: u64,
    cpu_ns: u64,
    latency_ns: u64,
    duration_ns: u64,
    sqes: u64,
    others: Vec<(String, u64)>,
    asleep: bool,
}

/// Of a server, for each of its requests.
pub fn server(name: &'static str) -> Did {
    Did {
        name,
        syscalls: 2 * REQUESTS,
        cpu_ns: 1_000_000,
        latency_ns: 50_000,
        duration_ns: 1_000_000_000,
        ..Did::default()
    }
}

/// Of a trial, in all.
pub fn trial(name: &'static str) -> Did {
    server(name)
}

impl Did {
    pub fn calls_each(mut self, each: f64) -> Self {
        self.syscalls = (each * REQUESTS as f64) as u64;
        self
    }

    pub fn calls(mut self, calls: u64) -> Self {
        self.syscalls = calls;
        self
    }

    pub fn named(mut self, name: &str, each: f64) -> Self {
        self.by_name.insert(name.to_owned(), (each * REQUESTS as f64) as u64);
        self
    }

    pub fn switches_each(mut self, each: f64) -> Self {
        self.switches = (each * REQUESTS as f64) as u64;
        self
    }

    pub fn switches(mut self, switches: u64) -> Self {
        self.switches = switches;
        self
    }

    pub fn cpu(mut self, ns: u64) -> Self {
        self.cpu_ns = ns;
        self
    }

    pub fn p99(mut self, ns: u64) -> Self {
        self.latency_ns = ns;
        self
    }

    /// Answers all its requests in this time.
    pub fn took(mut self, ns: u64) -> Self {
        self.duration_ns = ns;
        self
    }

    pub fn sqes_each(mut self, each: f64) -> Self {
        self.sqes = (each * REQUESTS as f64) as u64;
        self
    }

    pub fn thread(mut self, comm: &str, cpu_ns: u64) -> Self {
        self.others.push((comm.to_owned(), cpu_ns));
        self
    }

    pub fn asleep(mut self) -> Self {
        self.asleep = true;
        self
    }

    fn totals(&self, at_the_end: bool) -> ProcessTotals {
        let so_far = |count: u64| if at_the_end { count } else { 0 };
        let thread = |tid, comm: &str, cpu_ns, switches| ThreadTotals {
            tid,
            comm: comm.to_owned(),
            cpu_ns: so_far(cpu_ns),
            voluntary_switches: so_far(switches),
            alive: true,
            ..ThreadTotals::default()
        };
        let mut threads = vec![thread(1, "iolab", self.cpu_ns, self.switches)];
        if at_the_end {
            threads
                .extend((2..).zip(&self.others).map(|(tid, (comm, cpu_ns))| thread(tid, comm, *cpu_ns, 0)));
        }
        let ring = RingTotals {
            fd: 4,
            sq_tail: so_far(self.sqes),
            cq_tail: so_far(self.sqes),
            asleep_seen: so_far(u64::from(self.asleep)),
            ..RingTotals::default()
        };
        let rings =
            if self.sqes > 0 || self.asleep || !self.others.is_empty() { vec![ring] } else { Vec::new() };
        let rung = if self.by_name.is_empty() { Rung::Perf } else { Rung::PerfUser };
        let by_name = if at_the_end { self.by_name.clone() } else { BTreeMap::new() };
        let syscalls = Some(SyscallTotals { rung, total: so_far(self.syscalls), by_name });
        ProcessTotals { threads, rings, syscalls, ..ProcessTotals::default() }
    }
}

/// The evidence of a machine on which everything is allowed and nothing else runs.
pub struct Written(Evidence);

pub fn evidence() -> Written {
    let mut evidence = Evidence::new(capabilities());
    evidence.host = Some(Host::default());
    Written(evidence)
}

impl Written {
    /// An experiment and what came of it.
    pub fn with(mut self, experiment: &str, did: &[Did]) -> Self {
        self.0.traces.insert(experiment.to_owned(), trace(did));
        self.0.quiet.insert(experiment.to_owned(), Quiet::default());
        self
    }

    /// An experiment of one server, named after it.
    pub fn column(self, did: Did) -> Self {
        self.with(did.name, std::slice::from_ref(&did))
    }

    pub fn others(mut self, others: f64) -> Self {
        self.0.quiet.values_mut().for_each(|quiet| quiet.others = others);
        self
    }

    pub fn host(mut self, host: Host) -> Self {
        self.0.host = Some(host);
        self
    }

    pub fn cpus(mut self, cpus: u32) -> Self {
        self.0.capabilities.machine.cpus = cpus;
        self
    }

    pub fn has(mut self, feature: &str) -> Self {
        self.0.capabilities.io_uring_features.insert(feature.to_owned(), true);
        self
    }

    pub fn can(mut self, operation: &str) -> Self {
        self.0.capabilities.io_uring_operations.insert(operation.to_owned(), true);
        self
    }

    pub fn without_io_uring(mut self) -> Self {
        self.0.capabilities.io_uring = Allowed::No(Refusal {
            layer: Layer::Seccomp,
            says: "io_uring_setup: EPERM (a seccomp filter is at work)".into(),
            try_this: "outside the container".into(),
        });
        self
    }

    /// The judge's answer.
    pub fn judge(&self, id: &str) -> Judged {
        judge(by_id(id).unwrap(), &self.0)
    }
}

fn trace(all: &[Did]) -> Trace {
    let header = Header {
        schema: SCHEMA.into(),
        capabilities: capabilities(),
        load: Load::default(),
        servers: all.iter().map(|did| did.name.to_owned()).collect(),
        syscall_rung: Ok(Rung::Perf),
    };
    let mut trace = Trace::new(header);
    for (run, did) in (0..).zip(all) {
        let mut push = |t_ns, record| trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
        push(
            0,
            Record::Start(Start { server: run, round: 0, purpose: Purpose::Measure, pid: 1, load: None }),
        );
        push(0, Record::Process(did.totals(false)));
        let mut latency_ns = Counts::default();
        latency_ns.add(did.latency_ns, REQUESTS);
        let client =
            ClientTotals { sent: REQUESTS, answered: REQUESTS, latency_ns, ..ClientTotals::default() };
        push(did.duration_ns, Record::Client(client));
        push(did.duration_ns, Record::Process(did.totals(true)));
        push(did.duration_ns, Record::End { end: End::Done });
    }
    trace
}

/// The machine that all of it is written on.
pub fn machine() -> Machine {
    capabilities().machine
}

fn capabilities() -> Capabilities {
    let capabilities = serde_json::json!({
        "machine": {"kernel": "6.18.0", "cpus": 2, "cpu": "a processor", "virtual": true,
                    "io_uring": true, "rungs": ["proc", "ring", "perf", "ptrace"]},
        "io_uring": {"state": "yes"}, "io_uring_operations": {}, "io_uring_features": {},
        "ring": {"state": "yes"}, "perf": {"state": "yes"}, "perf_user": {"state": "yes"},
        "tracefs": {"state": "yes"}, "ptrace": {"state": "yes"}, "sock": {"state": "yes"},
        "yama_scope": null, "perf_event_paranoid": 2, "memlock_bytes": null, "nofile": [1024, 4096], "uid": 0
    });
    serde_json::from_value(capabilities).unwrap()
}
