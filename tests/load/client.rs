//! The client process as the lab drives it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use iolab::load::protocol::{Ask, Tell};
use iolab::trace::{ClientTotals, Counts, Load, Story};

/// Longer than anything takes; a test that meets it has found a client that hangs.
const HANGS: Duration = Duration::from_secs(60);

pub struct Client {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    tells: Receiver<Tell>,
}

/// A run as it was told.
#[derive(Debug, Default)]
pub struct Told {
    pub zero_ns: u64,
    pub at_ns: u64,
    pub totals: ClientTotals,
    /// All latencies.
    pub latency_ns: Counts,
    /// Reports before the last one.
    pub reports: Vec<(u64, ClientTotals)>,
    pub story: Vec<(u64, Story)>,
    pub story_lost: u64,
    /// Why the run failed, where it did.
    pub failed: Option<String>,
}

/// `iolab load --engine ENGINE`, not started yet.
pub fn command(engine: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    command.args(["load", "--engine", engine]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

impl Client {
    pub fn start(engine: &str) -> Self {
        Self::of(command(engine).spawn().unwrap())
    }

    pub fn of(mut child: Child) -> Self {
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, tells) = channel();
        std::thread::spawn(move || {
            for line in lines {
                let Ok(line) = line else { return };
                let tell = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
                if sender.send(tell).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, tells }
    }

    pub fn ask(&mut self, ask: &Ask) {
        self.say(&serde_json::to_string(ask).unwrap());
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn hear(&mut self) -> Tell {
        self.tells.recv_timeout(HANGS).expect("the client tells something")
    }

    /// Opens the connections of a load: engine, how many are open, what was refused.
    pub fn open(&mut self, address: SocketAddr, load: &Load) -> (String, u32, Option<String>) {
        self.ask(&Ask::Open { address, load: load.clone() });
        loop {
            match self.hear() {
                Tell::Ready { engine, open, refused } => return (engine, open, refused),
                Tell::Totals { .. } | Tell::Story { .. } => {}
                other => panic!("not ready: {other:?}"),
            }
        }
    }

    pub fn run(&mut self, requests: u64) -> Told {
        self.begin(Some(requests), None);
        self.rest()
    }

    pub fn begin(&mut self, requests: Option<u64>, duration_ns: Option<u64>) {
        self.ask(&Ask::Run { requests, duration_ns, story: false });
    }

    /// The next report of a run that is on.
    pub fn report(&mut self) -> (u64, ClientTotals) {
        loop {
            match self.hear() {
                Tell::Totals { at_ns, totals } => return (at_ns, totals),
                Tell::Story { .. } => {}
                other => panic!("no report: {other:?}"),
            }
        }
    }

    /// Reports until one says so.
    pub fn until(&mut self, mut so: impl FnMut(u64, &ClientTotals) -> bool) -> Counts {
        let mut latency_ns = Counts::default();
        loop {
            let (at_ns, totals) = self.report();
            latency_ns.merge(&totals.latency_ns);
            if so(at_ns, &totals) {
                return latency_ns;
            }
        }
    }

    pub fn pause(&mut self) -> Told {
        self.ask(&Ask::Pause);
        self.rest()
    }

    /// What is told until the run is over.
    pub fn rest(&mut self) -> Told {
        let mut told = Told::default();
        loop {
            match self.hear() {
                Tell::Totals { at_ns, totals } => {
                    told.latency_ns.merge(&totals.latency_ns);
                    told.totals = totals.clone();
                    told.reports.push((at_ns, totals));
                }
                Tell::Story { events, lost, .. } => {
                    told.story.extend(events);
                    told.story_lost += lost;
                }
                Tell::Quiet { at_ns, zero_ns, totals } => {
                    told.latency_ns.merge(&totals.latency_ns);
                    return Told { at_ns, zero_ns, totals, ..told };
                }
                Tell::Failed { says } => return Told { failed: Some(says), ..told },
                Tell::Ready { .. } => panic!("ready in a run"),
            }
        }
    }

    /// Waits for the end of the process: its status, and what it still told.
    pub fn end(mut self) -> (ExitStatus, Vec<Tell>) {
        let mut tells = Vec::new();
        while let Ok(tell) = self.tells.recv_timeout(HANGS) {
            tells.push(tell);
        }
        (self.child.wait().unwrap(), tells)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
