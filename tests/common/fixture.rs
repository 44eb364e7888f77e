//! Traces made by hand, for screens: what a run of some servers under a load looks like to the probes.

use std::collections::BTreeMap;

use iolab::trace::{
    Allowed, Capabilities, ClientTotals, Counts, Entry, EpollSet, Header, Interest, Load, Machine,
    ProcessTotals, Purpose, Record, RingTotals, Rung, SCHEMA, Start, Story, SyscallTotals, ThreadTotals,
    Trace, Window,
};

/// Time between two totals, nanoseconds.
pub const TICK_NS: u64 = 20_000_000;

/// A machine that allows everything.
pub fn capabilities() -> Capabilities {
    Capabilities {
        machine: Machine {
            kernel: "6.18.0".into(),
            cpus: 2,
            cpu: "a processor".into(),
            is_virtual: Some(true),
            io_uring: true,
            rungs: vec![Rung::Proc, Rung::Ring, Rung::Perf, Rung::Ptrace],
        },
        io_uring: Allowed::Yes,
        io_uring_operations: BTreeMap::new(),
        io_uring_features: BTreeMap::new(),
        ring: Allowed::Yes,
        perf: Allowed::Yes,
        perf_user: Allowed::Yes,
        tracefs: Allowed::Yes,
        ptrace: Allowed::Yes,
        sock: Allowed::Yes,
        yama_scope: None,
        perf_event_paranoid: Some(2),
        memlock_bytes: None,
        nofile: (1024, 1_048_576),
        uid: 0,
        io_uring_refusals: Default::default(),
        around: Default::default(),
    }
}

/// The header of a run of these servers.
pub fn header(servers: &[String], load: &Load) -> Header {
    Header {
        schema: SCHEMA.into(),
        capabilities: capabilities(),
        load: load.clone(),
        servers: servers.to_vec(),
        syscall_rung: Ok(Rung::Perf),
    }
}

/// Everything that is recorded in `ticks` steps of 20 ms.
pub fn entries(servers: &[String], ticks: u64) -> Vec<Entry> {
    let mut entries: Vec<_> = (0..).zip(servers).map(|(run, name)| start(run, name)).collect();
    for tick in 0..=ticks {
        for (run, name) in (0..).zip(servers) {
            entries.extend(at_tick(run, name, tick));
        }
    }
    entries
}

/// A whole trace.
pub fn trace(servers: &[String], load: &Load, ticks: u64) -> Trace {
    let mut trace = Trace::new(header(servers, load));
    for entry in entries(servers, ticks) {
        trace.push(entry).unwrap();
    }
    trace
}

/// The record that a run begins with.
pub fn start(run: u32, _server: &str) -> Entry {
    let start = Start { server: run, round: 0, purpose: Purpose::Measure, pid: 4711 + run, load: None };
    Entry { run: Some(run), t_ns: 0, record: Record::Start(start) }
}

/// What the probes say of one server at one tick.
pub fn at_tick(run: u32, server: &str, tick: u64) -> Vec<Entry> {
    let t_ns = tick * TICK_NS;
    let entry = |record| Entry { run: Some(run), t_ns, record };
    let answered = tick * 40;
    let mut latency_ns = Counts::default();
    if tick > 0 {
        latency_ns.add(84_000 + u64::from(run) * 3_000, 30);
        latency_ns.add(240_000 + tick % 7 * 10_000, 10);
    }
    let client = ClientTotals {
        sent: answered,
        answered,
        open: 64,
        cpu_ns: tick * 3_000_000,
        latency_ns,
        ..ClientTotals::default()
    };
    let mut entries = vec![entry(Record::Process(process(run, server, tick))), entry(Record::Client(client))];
    if tick % 25 == 3 {
        entries.extend(window(server, tick).into_iter().map(entry));
    }
    if server.starts_with("epoll") && tick.is_multiple_of(10) {
        let interest = (4..69).map(|fd| Interest { fd, events: Interest::IN }).collect();
        entries.push(entry(Record::EpollSets { sets: vec![EpollSet { fd: 3, interest }] }));
    }
    entries
}

fn process(run: u32, server: &str, tick: u64) -> ProcessTotals {
    let answered = tick * 40;
    let calls = match server {
        "uring" => answered / 32,
        "uring-naive" => answered * 2,
        _ => answered * 2 + answered / 32,
    };
    let thread = ThreadTotals {
        tid: 4711 + run,
        comm: "iolab".into(),
        cpu_ns: answered * 4_300,
        user_ns: answered * 500,
        kernel_ns: answered * 3_800,
        voluntary_switches: answered / 64,
        involuntary_switches: answered / 900,
        alive: true,
    };
    ProcessTotals {
        threads: vec![thread],
        rings: if server.starts_with("uring") { vec![ring(server, tick)] } else { Vec::new() },
        syscalls: Some(SyscallTotals { rung: Rung::Perf, total: calls, by_name: BTreeMap::new() }),
        probe_cpu_ns: tick * 20_000,
        ..ProcessTotals::default()
    }
}

fn ring(server: &str, tick: u64) -> RingTotals {
    let (mut sq_depth, mut cq_depth) = (Counts::default(), Counts::default());
    if tick > 0 {
        sq_depth.add(0, 180);
        sq_depth.add(if server == "uring" { 12 } else { 1 }, 20);
        cq_depth.add(0, 120);
        cq_depth.add(tick % 40, 60);
        cq_depth.add(3, 20);
    }
    let sqes = tick * 80 + 1;
    RingTotals {
        fd: 4,
        sq_entries: 256,
        cq_entries: 512,
        sq_tail: sqes + tick % 13,
        sq_head: sqes,
        cq_tail: sqes,
        cq_head: sqes.saturating_sub(tick % 40),
        setup_flags: Vec::new(),
        sq_depth,
        cq_depth,
        ..RingTotals::default()
    }
}

/// A window of story: one wake-up with a few requests.
fn window(server: &str, tick: u64) -> Vec<Record> {
    let mut records = Vec::new();
    let mut call = |name: &str, args: [u64; 6], result: i64| {
        records.push(Record::Story(Story::Enter { tid: 4711, name: name.into(), args }));
        records.push(Record::Story(Story::Exit { tid: 4711, name: name.into(), result }));
    };
    match server {
        "uring" => {
            call("io_uring_enter", [4, 12 + tick % 5, 1, 1, 0, 0], (12 + tick % 5) as i64);
            call("io_uring_enter", [4, 64, 1, 1, 0, 0], 64);
        }
        "uring-naive" => {
            for _ in 0..12 {
                call("io_uring_enter", [4, 1, 0, 0, 0, 0], 1);
            }
        }
        _ => {
            call("epoll_wait", [3, 0x7ffd_0000, 64, u64::MAX, 0, 0], 4);
            for fd in 7..11 {
                call("recvfrom", [fd, 0x7ffd_0000, 65_536, 0, 0, 0], 64);
                call("sendto", [fd, 0x7ffd_0000, 64, 0x4000, 0, 0], 64);
            }
        }
    }
    let syscalls = records.len() as u64 / 2;
    let window = Window { rung: Rung::Ptrace, lost: 0, requests: 12, syscalls };
    records.push(Record::Window { duration_ns: 5_000_000, window });
    records
}
