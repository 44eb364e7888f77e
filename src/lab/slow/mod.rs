//! Slow motion: servers that really stop at the entry and exit of each system call, each with a client that sends
//! one request when it is told to.
//!
//! Each server has a thread of its own, which traces it, is its client, and reads what stands in rings, interest
//! lists and sockets while it stands still. Times mean nothing here, so nothing of it is measured.

mod client;
mod lane;
mod looks;
mod rope;
mod sight;
mod standings;

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use nix::sys::eventfd::{EfdFlags, EventFd};

use self::client::Client;
use self::lane::{Lane, Order, Remote, Trouble};
use self::sight::Sight;
use self::standings::Standings;
pub use self::standings::{Standing, State};
use super::cage::Cage;
use super::recorder::Recorder;
use super::trial::entries::Entries;
use super::{cast, spawn};
use crate::lesson::Go;
use crate::probe::clock;
use crate::probe::ptrace::Stepper;
use crate::servers::{Options, Server};
use crate::trace::{
    Capabilities, End, Header, Layer, Load, Note, Pace, Purpose, Record, Refusal, Rung, SCHEMA, Start,
};

/// Connections of each server at most: more cannot be followed by eye.
pub const CONNECTIONS_MAX: u32 = 4;

/// What is to be shown in slow motion.
#[derive(Clone, Debug)]
pub struct SlowPlan {
    /// The servers, side by side.
    pub servers: Vec<&'static Server>,
    /// What they are told.
    pub options: Options,
    /// Connections of each; a request is one message on each of them.
    pub connections: u32,
    /// Bytes of a message.
    pub message_bytes: u32,
}

impl SlowPlan {
    /// These servers with one connection each, and rings small enough to be drawn slot by slot.
    pub fn new(servers: Vec<&'static Server>) -> Self {
        let options = Options { sq_entries: 8, buffers: 8, ..Options::default() };
        Self { servers, options, connections: 1, message_bytes: 64 }
    }

    /// The header of its trace.
    pub fn header(&self, capabilities: &Capabilities) -> Header {
        Header {
            schema: SCHEMA.into(),
            capabilities: capabilities.clone(),
            load: Load {
                connections: self.connections,
                message_bytes: self.message_bytes,
                pace: Pace::PerSecond(1),
                duration_ns: None,
                ..Load::default()
            },
            servers: self.servers.iter().map(|server| server.name.to_owned()).collect(),
            syscall_rung: Ok(Rung::Ptrace),
        }
    }
}

/// Servers in slow motion. Dropping it ends them.
pub struct Slow {
    standings: Arc<Standings>,
    remotes: Vec<Remote>,
    threads: Vec<JoinHandle<()>>,
}

impl Slow {
    /// Starts everything in the background.
    pub fn start(plan: &SlowPlan, recorder: Recorder) -> anyhow::Result<Self> {
        let recorder = Arc::new(recorder);
        let left = Arc::new(AtomicUsize::new(plan.servers.len()));
        let standings = Arc::new(Standings::new(plan.servers.len()));
        let mut slow = Self { standings: Arc::clone(&standings), remotes: Vec::new(), threads: Vec::new() };
        for (index, server) in plan.servers.iter().enumerate() {
            let (orders, inbox) = channel();
            let bell = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
            let remote = Remote { orders, bell: Arc::clone(&bell) };
            let standings = Arc::clone(&standings);
            let (plan, recorder, left) = (plan.clone(), Arc::clone(&recorder), Arc::clone(&left));
            let thread =
                std::thread::Builder::new().name(format!("iolab-{}", server.name)).spawn(move || {
                    Booth {
                        plan: &plan,
                        index,
                        recorder: &recorder,
                        inbox: &inbox,
                        bell: &bell,
                        standings: &standings,
                    }
                    .run();
                    standings.set(index, Standing { state: State::Over, request: 0, done: true });
                    if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                        recorder.close();
                    }
                })?;
            slow.remotes.push(remote);
            slow.threads.push(thread);
        }
        Ok(slow)
    }

    /// Lets a server go on, or all that stand still: then those that have ended a request wait for the others. One
    /// that runs free is stopped again by [`Go::Stop`], and hears nothing else.
    pub fn go(&self, go: Go, server: Option<usize>) {
        let lanes = self.standings.all();
        let behind = lanes.iter().any(|lane| !lane.done);
        for (index, (remote, lane)) in self.remotes.iter().zip(&lanes).enumerate() {
            let is_meant = match server {
                Some(server) => server == index,
                None => !(lane.done && behind) || go == Go::Free,
            };
            let runs_free = lane.state == State::Free && go == Go::Stop;
            if is_meant && (runs_free || self.standings.take(index)) {
                remote.order(Order::Go(go));
            }
        }
    }

    /// Waits until no server is on its way to a stop; where they stand then.
    pub fn settle(&self) -> Vec<Standing> {
        self.standings.settle()
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        for remote in &self.remotes {
            remote.order(Order::Quit);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What a lane's thread has at hand.
struct Booth<'b> {
    plan: &'b SlowPlan,
    index: usize,
    recorder: &'b Recorder,
    inbox: &'b Receiver<Order>,
    bell: &'b EventFd,
    standings: &'b Standings,
}

impl Booth<'_> {
    /// From the server's start to its end. Whatever happens is told in the run's last record.
    fn run(&self) {
        let zero_ns = clock::monotonic_ns();
        let said = Arc::new(Mutex::new(None));
        let start =
            |pid| Start { server: self.index as u32, round: 0, purpose: Purpose::Slow, pid, load: None };
        let (run, end) = match self.begin(&said) {
            Ok((pid, cage, client)) => {
                let run = self.recorder.begin(start(pid));
                (run, self.step(run, zero_ns, pid, cage, client))
            }
            Err(error) => (self.recorder.begin(start(0)), End::ClientFailed { says: format!("{error:#}") }),
        };
        let line = said.lock().unwrap_or_else(PoisonError::into_inner).take();
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        let note = line.clone().map(|line| (t_ns, Record::Note(Note::Said { line })));
        let end = match (end, line) {
            (End::ServerGone { says }, Some(line)) => {
                End::ServerGone { says: format!("{says}; it said last: {line}") }
            }
            (end, _) => end,
        };
        self.recorder.push(run, note.into_iter().chain([(t_ns, Record::End { end })]));
    }

    fn begin(&self, said: &Arc<Mutex<Option<String>>>) -> anyhow::Result<(u32, Cage, Client)> {
        let server = self.plan.servers[self.index];
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on loopback")?;
        let address = listener.local_addr().context("cannot listen on loopback")?;
        let setup = spawn::Setup { listener: Some(listener.into()), ..spawn::Setup::default() };
        let held = spawn::spawn(cast::command(&self.plan.options, server), setup)?;
        let pid = held.pid;
        let said = Arc::clone(said);
        let cage = Cage::new(held.release()?, move |line| {
            if line.is_some() {
                *said.lock().unwrap_or_else(PoisonError::into_inner) = line;
            }
        });
        let client = Client::connect(address, self.plan.connections, self.plan.message_bytes)?;
        Ok((pid, cage, client))
    }

    /// Steps through the server until the end. It is traced and ended by this thread: whoever waits for a child that
    /// another thread traces is handed its stops.
    fn step(&self, run: u32, zero_ns: u64, pid: u32, mut cage: Cage, client: Client) -> End {
        let server = self.plan.servers[self.index];
        let stepper = match Stepper::attach(pid) {
            Ok(stepper) => stepper,
            Err(refusal) => return self.refused(&mut cage, pid, refusal),
        };
        let mut lane = Lane {
            server,
            pid,
            run,
            zero_ns,
            recorder: self.recorder,
            orders: self.inbox,
            bell: self.bell,
            index: self.index,
            standings: self.standings,
            client,
            sight: Sight::new(pid, server.io_uring),
            entries: Entries::new(pid),
            waiting: VecDeque::new(),
            goal: 0,
            idle_waits: 0,
            shown: false,
            told_answer: 0,
            last: None,
        };
        let trouble = lane.run(stepper);
        match trouble {
            Trouble::Quit => End::Stopped,
            Trouble::Gone => End::ServerGone { says: cage.how_it_ended() },
            Trouble::Failed(error) => End::ClientFailed { says: format!("{error:#}") },
        }
    }

    /// A server that has ended before it could be attached to has a better reason than the kernel's.
    fn refused(&self, cage: &mut Cage, pid: u32, refusal: Refusal) -> End {
        let has_ended = std::fs::metadata(format!("/proc/{pid}")).is_err() || refusal.layer == Layer::Process;
        match has_ended {
            true => End::ServerGone { says: cage.how_it_ended() },
            false => End::Refused { refusal },
        }
    }
}
