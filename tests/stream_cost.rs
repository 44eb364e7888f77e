//! What the stream of records costs the server that it is about, and whether it keeps up: printed and never asserted
//! but for records that were lost at a pace.
//!
//! `cargo test --release --test stream_cost -- --ignored --nocapture --test-threads 1`

#![cfg(feature = "live")]
// A measurement says what went wrong by where it panics, and prints what it came to.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use iolab::load::protocol::{Ask, Tell};
use iolab::probe::perf::stream::{Events, Options, Stream, Woken};
use iolab::probe::perf::{Counters, Kind};
use iolab::trace::{Load, Pace, Story};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Rounds of each; odd, so that there is a middle.
const ROUNDS: usize = 7;

/// One round, nanoseconds.
const ROUND_NS: u64 = 700_000_000;

/// Between two rounds: what was attached is let go of meanwhile.
const BETWEEN_NS: u64 = 300_000_000;

/// A server on the first processor and its client on the last one.
struct Pair {
    server: Child,
    client: Child,
    asks: ChildStdin,
    tells: BufReader<ChildStdout>,
}

impl Pair {
    fn start(server: &str, load: Load) -> Self {
        let mut server = on_cpu(0, iolab(&["serve", server]).stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        let mut client = on_cpu(1, iolab(&["load"]).stdin(Stdio::piped()).stdout(Stdio::piped()));
        let (asks, tells) = (client.stdin.take().unwrap(), BufReader::new(client.stdout.take().unwrap()));
        let mut pair = Self { server, client, asks, tells };
        pair.ask(&Ask::Open { address, load });
        assert!(matches!(pair.hear(), Tell::Ready { refused: None, .. }));
        pair
    }

    fn ask(&mut self, ask: &Ask) {
        writeln!(self.asks, "{}", serde_json::to_string(ask).unwrap()).unwrap();
    }

    fn hear(&mut self) -> Tell {
        let mut line = String::new();
        self.tells.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Requests a second over so long.
    fn run(&mut self, duration_ns: u64) -> f64 {
        self.ask(&Ask::Run { requests: None, duration_ns: Some(duration_ns), story: false });
        loop {
            if let Tell::Quiet { at_ns, zero_ns, totals } = self.hear() {
                return totals.answered as f64 * 1e9 / (at_ns - zero_ns) as f64;
            }
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.client] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn iolab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    command.args(arguments);
    command
}

/// Starts a child on one processor; where there is one only, both share it.
fn on_cpu(which: usize, command: &mut Command) -> Child {
    let own = Pid::from_raw(0);
    let all = sched_getaffinity(own).unwrap();
    let cpus: Vec<usize> = (0..CpuSet::count()).filter(|cpu| all.is_set(*cpu) == Ok(true)).collect();
    let mut one = CpuSet::new();
    one.set(if which == 0 { cpus[0] } else { cpus[cpus.len() - 1] }).unwrap();
    sched_setaffinity(own, &one).unwrap();
    let child = command.spawn().unwrap();
    sched_setaffinity(own, &all).unwrap();
    child
}

/// Who watches a round.
#[derive(Clone, Copy, Debug)]
enum Watch {
    Nobody,
    Counter,
    Closed,
    Stream(Events),
}

/// Runs something while a stream is drained: what that came to, and how many bytes it was.
fn drained<T>(stream: &mut Stream, run: impl FnOnce() -> T) -> (T, usize) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let drainer = scope.spawn(|| {
            let mut bytes = 0;
            while !over.load(Ordering::Acquire) {
                if stream.wait(Duration::from_millis(50)).unwrap() == Woken::Ended {
                    break;
                }
                bytes += stream.fetch();
            }
            bytes
        });
        let came = run();
        over.store(true, Ordering::Release);
        (came, drainer.join().unwrap())
    })
}

fn round(pair: &mut Pair, watch: Watch) -> (f64, u64) {
    let pid = pair.server.id();
    let rate = match watch {
        Watch::Nobody => (pair.run(ROUND_NS), 0),
        Watch::Counter => {
            let _counter = Counters::open(pid, Kind::Perf).unwrap();
            (pair.run(ROUND_NS), 0)
        }
        Watch::Closed => {
            let _stream =
                Stream::open(pid, &Options { events: Events::Threads, ..Options::default() }).unwrap();
            (pair.run(ROUND_NS), 0)
        }
        Watch::Stream(events) => {
            let mut stream = Stream::open(pid, &Options { events, ..Options::default() }).unwrap();
            stream.enable().unwrap();
            let (rate, _) = drained(&mut stream, || pair.run(ROUND_NS));
            stream.disable().unwrap();
            (rate, stream.lost())
        }
    };
    pair.run(BETWEEN_NS);
    rate
}

#[test]
#[ignore = "a measurement: run it on a machine with nothing else to do"]
fn cost() {
    let watches = [
        Watch::Nobody,
        Watch::Counter,
        Watch::Closed,
        Watch::Stream(Events::Entries),
        Watch::Stream(Events::Calls),
        Watch::Stream(Events::Threads),
    ];
    for server in ["epoll", "uring-multishot"] {
        let load = Load { connections: 50, pace: Pace::Max, ..Load::default() };
        let mut pair = Pair::start(server, load);
        pair.run(ROUND_NS);
        let mut shares = vec![Vec::new(); watches.len()];
        let mut lost = vec![0; watches.len()];
        for round in 0..ROUNDS {
            let mut rates = vec![0.0; watches.len()];
            // Each goes first in turn: the machine has moods.
            for at in 0..watches.len() {
                let at = (at + round) % watches.len();
                let (rate, gone) = self::round(&mut pair, watches[at]);
                (rates[at], lost[at]) = (rate, lost[at] + gone);
            }
            for at in 0..watches.len() {
                shares[at].push(rates[at] / rates[0]);
            }
            println!("{server:<16} round {round}: nobody {:.0} echoes/s", rates[0]);
        }
        for ((watch, mut shares), lost) in watches.iter().zip(shares).zip(lost) {
            shares.sort_by(f64::total_cmp);
            let (low, middle, high) = (shares[0], shares[ROUNDS / 2], shares[ROUNDS - 1]);
            println!(
                "{server:<16} {:<18} {middle:.3} of unobserved ({low:.3} to {high:.3}), {lost} records lost",
                format!("{watch:?}")
            );
        }
    }
}

/// The whole story of a paced server, read and put in order while it goes on.
#[test]
#[ignore = "a measurement: run it on a machine with nothing else to do"]
fn fifty_thousand_a_second_lose_nothing() {
    for server in ["epoll", "uring"] {
        let load = Load { connections: 64, pace: Pace::PerSecond(50_000), ..Load::default() };
        let mut pair = Pair::start(server, load);
        pair.run(ROUND_NS);
        let events = if server == "epoll" { Events::Threads } else { Events::Rings };
        let mut stream = Stream::open(pair.server.id(), &Options { events, ..Options::default() }).unwrap();
        stream.enable().unwrap();
        let over = AtomicBool::new(false);
        let (mut calls, mut records) = (0_u64, 0_u64);
        let rate = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut sink = |_: u64, story: Story| {
                    records += 1;
                    calls += u64::from(matches!(story, Story::Enter { .. }));
                };
                while !over.load(Ordering::Acquire) {
                    stream.wait(Duration::from_millis(50)).unwrap();
                    stream.drain(&mut sink);
                }
                stream.disable().unwrap();
                stream.finish(&mut sink);
            });
            let rate = pair.run(10 * ROUND_NS);
            over.store(true, Ordering::Release);
            rate
        });
        let lost = stream.lost();
        println!("{server}: {rate:.0} echoes/s, {records} records ({calls} calls), {lost} lost");
        assert_eq!(lost, 0);
    }
}
