//! Cost of an echo by connections: runs under several loads, side by side.

use iolab::plain;
use iolab::trace::{
    ClientTotals, Entry, Load, Pace, ProcessTotals, Purpose, Record, Rung, Start, SyscallTotals,
    ThreadTotals, Trace,
};
use iolab::world::{CostTable, ServerView, World};

use crate::fixture;

const LESSON: Load = Load {
    connections: 64,
    idle: 0,
    message_bytes: 64,
    pace: Pace::PerSecond(2000),
    burst: 1,
    requests: None,
    duration_ns: None,
};

/// A measured run of a server: 1000 echoes, each for so much processor time and so many system calls.
struct Measured {
    server: u32,
    load: Option<Load>,
    cpu_ns: u64,
    syscalls: u64,
}

fn trace(servers: &[&str], runs: &[Measured]) -> Trace {
    let servers: Vec<_> = servers.iter().map(|name| (*name).to_owned()).collect();
    let mut trace = Trace::new(fixture::header(&servers, &LESSON));
    for (run, measured) in (0..).zip(runs) {
        let mut push = |t_ns, record| trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
        let Measured { server, load, .. } = measured;
        let start =
            Start { server: *server, round: run, purpose: Purpose::Measure, pid: 1, load: load.clone() };
        push(0, Record::Start(start));
        for (t_ns, echoes) in [(0, 0), (1_000_000_000, 1000)] {
            let thread = ThreadTotals { tid: 7, cpu_ns: measured.cpu_ns * echoes, ..ThreadTotals::default() };
            let total = measured.syscalls * echoes;
            let syscalls = Some(SyscallTotals { rung: Rung::Perf, total, by_name: Default::default() });
            let process = ProcessTotals { threads: vec![thread], syscalls, ..ProcessTotals::default() };
            push(t_ns, Record::Process(process));
            push(t_ns, Record::Client(ClientTotals { answered: echoes, ..ClientTotals::default() }));
        }
    }
    trace
}

fn with(connections: u32, idle: u32) -> Option<Load> {
    Some(Load { connections, idle, ..LESSON })
}

/// CPU and system calls of an echo; `None` where it was not measured.
type Costs = Option<[Option<f64>; 2]>;

/// Each row: its label, whether it is now, and the costs of each server.
fn told(world: &World<'_>) -> Vec<(String, bool, Vec<Costs>)> {
    let views = world.servers();
    let views: Vec<&ServerView<'_>> = views.iter().collect();
    let cells = |row: &iolab::world::CostRow<'_>| {
        let cells = row.cells.iter();
        cells.map(|cell| cell.as_ref().map(|cost| [0, 1].map(|of| cost.values[of].value()))).collect()
    };
    CostTable::of(&views).rows.iter().map(|row| (row.label.clone(), row.is_now, cells(row))).collect()
}

fn cost(cpu_ns: f64, syscalls: f64) -> Costs {
    Some([Some(cpu_ns), Some(syscalls)])
}

#[test]
fn each_load_that_was_tried_is_a_row_the_fewest_connections_first() {
    let trace = trace(
        &["poll", "epoll"],
        &[
            Measured { server: 0, load: None, cpu_ns: 6_000, syscalls: 3 },
            Measured { server: 1, load: None, cpu_ns: 4_000, syscalls: 3 },
            Measured { server: 0, load: with(64, 1000), cpu_ns: 90_000, syscalls: 3 },
            Measured { server: 1, load: with(64, 1000), cpu_ns: 4_200, syscalls: 3 },
            Measured { server: 0, load: with(1, 0), cpu_ns: 5_000, syscalls: 3 },
        ],
    );
    let rows = told(&World::at(&trace, u64::MAX));
    assert_eq!(
        rows,
        [
            ("1".into(), true, vec![cost(5_000.0, 3.0), None]),
            ("64".into(), false, vec![cost(6_000.0, 3.0), cost(4_000.0, 3.0)]),
            ("64+1000 idle".into(), true, vec![cost(90_000.0, 3.0), cost(4_200.0, 3.0)]),
        ]
    );
}

#[test]
fn rounds_of_one_load_are_one_number_also_when_another_came_between() {
    let trace = trace(
        &["poll"],
        &[
            Measured { server: 0, load: None, cpu_ns: 6_000, syscalls: 2 },
            Measured { server: 0, load: with(1, 0), cpu_ns: 1_000, syscalls: 3 },
            Measured { server: 0, load: None, cpu_ns: 8_000, syscalls: 4 },
        ],
    );
    let rows = told(&World::at(&trace, u64::MAX));
    assert_eq!(rows[1], ("64".into(), true, vec![cost(7_000.0, 3.0)]));
    assert_eq!(rows[0], ("1".into(), false, vec![cost(1_000.0, 3.0)]));
}

#[test]
fn columns_of_one_server_with_connections_of_their_own_are_one() {
    let trace = trace(
        &["threads@1", "threads@64"],
        &[
            Measured { server: 0, load: with(1, 0), cpu_ns: 9_000, syscalls: 2 },
            Measured { server: 1, load: None, cpu_ns: 7_000, syscalls: 2 },
        ],
    );
    let rows = told(&World::at(&trace, u64::MAX));
    assert_eq!(
        rows,
        [("1".into(), true, vec![cost(9_000.0, 2.0)]), ("64".into(), true, vec![cost(7_000.0, 2.0)])]
    );
}

#[test]
fn what_differs_beside_the_connections_is_said_where_it_does() {
    let other = |load: Load| Measured { server: 0, load: Some(load), cpu_ns: 1, syscalls: 1 };
    let trace = trace(
        &["poll"],
        &[other(Load { pace: Pace::Max, ..LESSON }), other(Load { burst: 64, ..LESSON }), other(LESSON)],
    );
    let labels: Vec<_> = told(&World::at(&trace, u64::MAX)).into_iter().map(|(label, ..)| label).collect();
    assert_eq!(labels, ["64, 2000/s, burst 1", "64, 2000/s, burst 64", "64, max, burst 1"]);
}

#[test]
fn lines_tell_the_loads_that_were_tried_once_there_are_two() {
    let one = trace(&["poll"], &[Measured { server: 0, load: None, cpu_ns: 6_000, syscalls: 3 }]);
    assert!(!plain::lab(&World::at(&one, u64::MAX)).contains("cost of an echo"));
    let two = trace(
        &["poll"],
        &[
            Measured { server: 0, load: None, cpu_ns: 6_000, syscalls: 3 },
            Measured { server: 0, load: with(64, 1000), cpu_ns: 90_000, syscalls: 3 },
        ],
    );
    let says = plain::lab(&World::at(&two, u64::MAX));
    let joined = says.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        joined.contains("cost of an echo at 64 connections: CPU 6.00 µs (proc), syscalls 3.00 (perf)"),
        "{says}"
    );
    assert!(joined.contains("at 64+1000 idle connections, now: CPU 90.00 µs (proc)"), "{says}");
}
