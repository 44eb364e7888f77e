//! Slow motion as it is used: real servers that stop at their calls, the sentences, the lit lines, and that nothing
//! stays stopped.
#![cfg(all(target_os = "linux", feature = "live"))]
#![allow(clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests are tests, and it is its own harness.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use iolab::lab::{Recorder, Slow, SlowPlan, slow::State};
use iolab::lesson::Go;
use iolab::servers::{SERVERS, Server, by_name, listings::listing};
use iolab::trace::{Edge, End, Entry, Source, Trace};
use iolab::world::World;
use iolab::world::stops::Seen;

/// Anything that is awaited comes within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Some servers in slow motion, and what was seen of them.
struct Bench {
    slow: Option<Slow>,
    trace: Trace,
    entries: Receiver<Vec<Entry>>,
}

impl Bench {
    fn of(plan: &SlowPlan) -> Self {
        let (send, entries) = channel();
        let recorder = Recorder::new(move |batch| {
            let _ = send.send(batch);
        });
        let trace = Trace::new(plan.header(&iolab::lab::capabilities().clone()));
        let slow = Slow::start(plan, recorder).unwrap();
        slow.settle();
        let mut bench = Self { slow: Some(slow), trace, entries };
        bench.take();
        bench
    }

    fn new(names: &[&str]) -> Self {
        Self::of(&SlowPlan::new(names.iter().map(|name| by_name(name).unwrap()).collect()))
    }

    fn take(&mut self) {
        for entry in self.entries.try_iter().flatten() {
            self.trace.push(entry).unwrap();
        }
    }

    fn go(&mut self, go: Go, server: Option<usize>) {
        let slow = self.slow.as_ref().unwrap();
        slow.go(go, server);
        slow.settle();
        self.take();
    }

    /// All stops of a server that are kept.
    fn stops(&self, server: u32) -> Vec<Seen> {
        let world = World::at(&self.trace, u64::MAX);
        let run = world.runs.iter().find(|run| run.start.server == server).unwrap();
        run.stops.last().cloned().collect()
    }

    fn pid(&self, server: u32) -> u32 {
        self.trace.runs().iter().find(|run| run.start.server == server).unwrap().start.pid
    }

    fn end(&mut self, server: u32) -> Option<End> {
        self.take();
        World::at(&self.trace, u64::MAX).runs.iter().find(|run| run.start.server == server)?.end.clone()
    }
}

/// Every test. One after the other: servers that spin would starve those of another.
const TESTS: &[(&str, fn())] = &[
    (
        "a_request_through_epoll_is_six_stops_and_what_the_kernel_holds_is_seen_at_each",
        a_request_through_epoll_is_six_stops_and_what_the_kernel_holds_is_seen_at_each,
    ),
    (
        "a_request_through_uring_is_four_stops_and_its_rings_are_seen_at_each",
        a_request_through_uring_is_four_stops_and_its_rings_are_seen_at_each,
    ),
    ("two_servers_go_through_one_request_side_by_side", two_servers_go_through_one_request_side_by_side),
    (
        "every_call_of_every_server_has_a_sentence_and_a_line_of_its_listing",
        every_call_of_every_server_has_a_sentence_and_a_line_of_its_listing,
    ),
    ("several_connections_are_one_wait_away", several_connections_are_one_wait_away),
    ("a_server_runs_free_and_is_stopped_again", a_server_runs_free_and_is_stopped_again),
    ("nothing_is_left_of_a_server_that_was_held", nothing_is_left_of_a_server_that_was_held),
    ("a_server_that_is_killed_while_it_is_held_is_told", a_server_that_is_killed_while_it_is_held_is_told),
];

/// A lab starts this very program as its servers.
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return iolab::cli::main();
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let (mut ran, mut failed) = (0, Vec::new());
    for (name, test) in
        TESTS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted.as_str())))
    {
        ran += 1;
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    println!("{ran} ran, {} failed {failed:?}", failed.len());
    u8::from(!failed.is_empty()).into()
}

/// Servers that this machine can run.
fn servers() -> impl Iterator<Item = &'static Server> {
    let has_rings = iolab::lab::capabilities().io_uring.is_usable();
    SERVERS.iter().filter(move |server| has_rings || !server.io_uring)
}

fn status(pid: u32, field: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix(field))?.trim().to_owned())
}

/// Waits until something is so.
#[expect(
    clippy::disallowed_methods,
    reason = "what another process does is looked at now and then, and not for ever"
)]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn names(stops: &[Seen]) -> Vec<String> {
    let name = |seen: &Seen| match seen.stop.edge {
        Edge::Entry => format!("{} >", seen.stop.name),
        Edge::Exit { .. } => format!("< {}", seen.stop.name),
        Edge::Look => "look".to_owned(),
    };
    stops.iter().map(name).collect()
}

fn a_request_through_epoll_is_six_stops_and_what_the_kernel_holds_is_seen_at_each() {
    let mut bench = Bench::new(&["epoll"]);
    let first = bench.stops(0);
    assert_eq!(names(&first), ["epoll_wait >"], "it stands before its wait, and nothing else was shown");
    assert!(
        first[0].said.asks.starts_with("is any of the 2 descriptors that I watch ready?"),
        "{:?}",
        first[0].said
    );
    for _ in 0..6 {
        bench.go(Go::Stop, None);
    }
    let stops = bench.stops(0);
    let expected =
        ["epoll_wait >", "< epoll_wait", "recvfrom >", "< recvfrom", "sendto >", "< sendto", "epoll_wait >"];
    assert_eq!(names(&stops), expected);
    let peer = stops[2].stop.args[0];
    assert_eq!(stops[1].said.answers, Some(format!("fd {peer}: it can be read")));
    let changes: Vec<String> = stops[1].changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes, [format!("64 bytes came for fd {peer}"), format!("fd {peer} is ready now")]);
    let answer = stops[3].said.answers.clone().unwrap();
    assert!(answer.starts_with("64 bytes: \"request 1 of client 1"), "{answer}");
    assert_eq!(stops[3].changes[0].to_string(), format!("64 bytes of fd {peer} were fetched"));
    assert!(
        stops[4].said.asks.starts_with(&format!("send 64 bytes on fd {peer}: \"request 1")),
        "{:?}",
        stops[4].said
    );
    assert!(!stops[4].stop.answered && stops[5].stop.answered, "the client has it when the send is back");
    assert_eq!(stops[6].stop.request, 1, "the next request waits until it is asked for");
}

fn a_request_through_uring_is_four_stops_and_its_rings_are_seen_at_each() {
    let mut bench = Bench::new(&["uring"]);
    bench.go(Go::Request, None);
    let stops = bench.stops(0);
    assert_eq!(stops.len(), 5, "{:?}", names(&stops));
    let ring = |nth: usize| stops[nth].stop.rings[0].clone();
    assert_eq!(ring(0).sqes.len(), 1, "what is asked for stands in the ring before the call");
    assert_eq!((ring(0).sqes[0].operation.as_str(), ring(0).sqes[0].len), ("RECV", 4096));
    assert_eq!((ring(1).sqes.len(), ring(1).cqes.len()), (0, 1), "the kernel has taken it and answered");
    assert_eq!((ring(1).sq.0, ring(1).cq.1), (ring(0).sq.0 + 1, ring(0).cq.1 + 1));
    assert_eq!(ring(1).cqes[0].result, 64);
    let fd = ring(0).sqes[0].fd;
    assert_eq!(stops[1].said.answers, Some(format!("1 SQE taken; 1 CQE waits: RECV fd {fd} → 64")));
    assert!(
        stops[2].said.asks.starts_with(&format!("take 1 SQE (SEND fd {fd}), wake me")),
        "{:?}",
        stops[2].said
    );
    assert!(stops[3].stop.answered);
}

fn two_servers_go_through_one_request_side_by_side() {
    let mut bench = Bench::new(&["epoll", "uring"]);
    for _ in 0..6 {
        bench.go(Go::Stop, None);
    }
    let requests = |server| bench.stops(server).last().unwrap().stop.request;
    assert_eq!((requests(0), requests(1)), (1, 1), "uring is through after 4 stops and waits for epoll");
    bench.go(Go::Stop, Some(1));
    assert_eq!(bench.stops(1).last().unwrap().stop.request, 2, "alone it goes on");
    bench.go(Go::Completion, Some(0));
    bench.go(Go::Completion, Some(0));
    let last = bench.stops(0).last().unwrap().clone();
    assert_eq!((last.stop.name.as_str(), last.completes()), ("sendto", true), "receive, then send");
}

fn every_call_of_every_server_has_a_sentence_and_a_line_of_its_listing() {
    for server in servers() {
        let mut bench = Bench::new(&[server.name]);
        bench.go(Go::Request, None);
        bench.go(Go::Request, None);
        let stops = bench.stops(0);
        assert!(
            stops.iter().any(|seen| seen.stop.request == 2 && seen.stop.answered),
            "{}: {:?}",
            server.name,
            names(&stops)
        );
        for seen in stops.iter().filter(|seen| seen.stop.edge != Edge::Look) {
            let generic = format!("{}(0x", seen.stop.name);
            assert!(!seen.said.asks.starts_with(&generic), "{}: {}", server.name, seen.said.asks);
            let Source::Line(line) = &seen.stop.source else {
                panic!("{}, {}: {:?}", server.name, seen.stop.name, seen.stop.source)
            };
            let listing = listing(&line.file).unwrap();
            assert_eq!(listing.line(line.line).trim(), line.says, "{}", line.file);
            let calls: &[&str] = match seen.stop.name.as_str() {
                "epoll_wait" => &["epoll.wait("],
                "epoll_ctl" => &["epoll.add(", "epoll.modify("],
                "poll" | "ppoll" => &["poll("],
                "select" | "pselect6" => &["select("],
                "recvfrom" => &["recv("],
                "sendto" => &["send("],
                "accept4" => &["accept4("],
                "io_uring_enter" => &["submit", "enter"],
                other => panic!("{} calls {other}: say here what its line holds", server.name),
            };
            let lines = listing.text.lines().skip(line.line as usize - 1).take(2).collect::<String>();
            assert!(
                calls.iter().any(|call| lines.contains(call)),
                "{}: {} at {line:?}",
                server.name,
                seen.stop.name
            );
        }
    }
}

fn several_connections_are_one_wait_away() {
    let plan = SlowPlan { connections: 3, ..SlowPlan::new(vec![by_name("epoll").unwrap()]) };
    let mut bench = Bench::of(&plan);
    bench.go(Go::Request, None);
    let stops = bench.stops(0);
    let answers = stops.iter().filter_map(|seen| seen.said.answers.clone());
    let most = answers.map(|answer| answer.matches("it can be read").count()).max().unwrap();
    assert!(most >= 1, "{:?}", names(&stops));
    assert_eq!(stops.iter().filter(|seen| seen.stop.name == "sendto" && seen.stop.moves_bytes()).count(), 3);
    assert!(stops.last().unwrap().stop.answered);
}

fn a_server_runs_free_and_is_stopped_again() {
    let mut bench = Bench::new(&["epoll"]);
    let pid = bench.pid(0);
    let before = bench.stops(0).len();
    bench.slow.as_ref().unwrap().go(Go::Free, None);
    until("a server that nobody traces", || status(pid, "TracerPid:").as_deref() == Some("0"));
    bench.go(Go::Stop, None);
    until("a stop", || {
        bench.take();
        bench.stops(0).len() > before
    });
    assert_ne!(status(pid, "TracerPid:").as_deref(), Some("0"));
}

fn nothing_is_left_of_a_server_that_was_held() {
    let mut bench = Bench::new(&["epoll", "threads"]);
    bench.go(Go::Stop, None);
    let pids = [bench.pid(0), bench.pid(1)];
    assert!(pids.iter().all(|pid| status(*pid, "State:").is_some()));
    drop(bench.slow.take());
    assert_eq!(bench.end(0), Some(End::Stopped));
    assert!(pids.iter().all(|pid| status(*pid, "State:").is_none()), "ended before the drop returns");
}

fn a_server_that_is_killed_while_it_is_held_is_told() {
    let mut bench = Bench::new(&["epoll"]);
    let pid = nix::unistd::Pid::from_raw(bench.pid(0).cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    until("the end of the run", || bench.end(0).is_some());
    let Some(End::ServerGone { says }) = bench.end(0) else { panic!("{:?}", bench.end(0)) };
    assert!(says.contains("SIGKILL"), "{says}");
    let over = bench.slow.as_ref().unwrap().settle();
    assert_eq!(over[0].state, State::Over);
}
