//! The cast of a lane: the server's process, its client's, and the probes that watch.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;

use anyhow::Context;

use super::cage::Cage;
use super::client::Client;
use super::cpus::Seats;
use super::lane::Happening;
use super::observer::Probes;
use super::plan::OpenWindows;
use super::session::Stage;
use super::spawn;
use super::windows::{Told, Windows};
use crate::probe::perf;
use crate::probe::perf::stream::{self, Events, Stream};
use crate::servers::{Model, Options, Server};
use crate::trace::{Allowed, End, Load, Purpose, Refusal, Rung};

/// The buffer of each processor, and how full it gets before its reader wakes, in bytes: 40 ms of a server at full
/// speed, and what a window of it holds.
const STREAM_BYTES: usize = 4 << 20;
const STREAM_WAKEUP_BYTES: usize = 256 << 10;

/// With more threads than this nobody tells the story at full speed.
const STREAMED_THREADS_MAX: u32 = 256;

/// Counters over a whole process, or the rung that was refused.
type Counters = Option<Result<perf::Counters, (Rung, Refusal)>>;

/// The processes of a lane. All of them end with it.
pub struct Cast {
    /// The server's process.
    pub pid: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// The server.
    pub server: Cage,
    /// The client.
    pub client: Client,
    /// The probes, once they are attached and while nobody else holds them.
    pub probes: Option<Probes>,
    counters: Counters,
    /// Who tells the story at full speed, where somebody may and while no window has it.
    pub stream: Option<Stream>,
    /// The windows of the run under way.
    pub windows: Option<Windows>,
    /// Connections that were open when the client last came to rest.
    pub open: u32,
    /// CLOCK_MONOTONIC nanoseconds by which a client that was asked to pause has to be quiet.
    pub quiet_by_ns: Option<u64>,
    /// How the run under way was cut short, if it was.
    pub cut: Option<End>,
    /// The load whose connections are open.
    pub load: Load,
    /// Story events that the client could not keep.
    pub story_lost: u64,
}

impl Cast {
    /// Starts server and client; what happens to them arrives as happenings.
    pub fn start(
        stage: &Stage,
        server: &'static Server,
        load: Load,
        purpose: Purpose,
        happenings: &Sender<Happening>,
    ) -> anyhow::Result<Self> {
        let seats = Seats::of(load.pace, stage.plan.placement);
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on loopback")?;
        let backlog = nix::sys::socket::Backlog::MAXCONN;
        nix::sys::socket::listen(&listener, backlog).context("cannot listen on loopback")?;
        let address = listener.local_addr().context("cannot listen on loopback")?;
        let setup = spawn::Setup {
            listener: Some(listener.into()),
            seat: seats.server,
            hold: true,
            ..spawn::Setup::default()
        };
        let held = spawn::spawn(command(&stage.plan.options, server), setup)?;
        let pid = held.pid;
        // Attached before the first instruction, so that all threads to come are counted.
        let counters = (purpose == Purpose::Measure).then(|| counters(stage, pid)).flatten();
        let stream = (purpose == Purpose::Measure).then(|| stream(stage, server, &load, pid)).flatten();
        let said = happenings.clone();
        let server = Cage::new(held.release()?, move |line| {
            let _ = said.send(line.map_or(Happening::ServerEnded, Happening::Said));
        });
        let client = Client::start(seats.client, happenings.clone())?;
        Ok(Self {
            pid,
            address,
            server,
            client,
            probes: None,
            counters,
            stream,
            windows: None,
            open: 0,
            quiet_by_ns: None,
            cut: None,
            load,
            story_lost: 0,
        })
    }

    /// Ends the windows of a run that is over, and takes their stream back; what they told.
    pub fn end_windows(&mut self) -> Told {
        let (stream, told) = self.windows.take().and_then(Windows::end).unzip();
        self.stream = self.stream.take().or(stream);
        told.unwrap_or_default()
    }

    /// Lets go of the stream where there will be too many threads for it.
    pub fn mind_threads(&mut self, server: &Server) {
        self.stream = self.stream.take().filter(|_| suits(server, &self.load));
    }

    /// Attaches the probes, at rest: the rings are there by now.
    pub fn watch(&mut self, stage: &Stage, server: &Server) {
        let counters = self.counters.take();
        let plan = &stage.plan;
        let probes = Probes::attach(self.pid, server.io_uring, plan.probing, plan.load.pace, counters);
        self.probes = Some(probes);
    }
}

/// The command that serves.
pub fn command(options: &Options, server: &Server) -> Command {
    let mut command = spawn::iolab();
    command.args(["serve", server.name]);
    command.args(["--sq-entries", &options.sq_entries.to_string()]);
    command.args(["--buffers", &options.buffers.to_string()]);
    command.args(["--sqpoll-idle-ms", &options.sqpoll_idle_ms.to_string()]);
    if let Some(entries) = options.cq_entries {
        command.args(["--cq-entries", &entries.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Whether a stream suits: each thread has events of its own, a kilobyte each in the kernel.
fn suits(server: &Server, load: &Load) -> bool {
    server.model != Model::Threads || load.connections.saturating_add(load.idle) <= STREAMED_THREADS_MAX
}

/// Who tells the story at full speed. Where nobody may, windows under ptrace do.
fn stream(stage: &Stage, server: &Server, load: &Load, pid: u32) -> Option<Stream> {
    let (plan, capabilities) = (&stage.plan, &stage.capabilities);
    if plan.windows == OpenWindows::Never || !suits(server, load) {
        return None;
    }
    let usable = [
        (perf::Kind::Perf, capabilities.perf == Allowed::Yes),
        (perf::Kind::PerfUser, capabilities.perf_user == Allowed::Yes),
    ];
    let (kind, _) = usable.into_iter().find(|(kind, usable)| *usable && plan.probing.allows(kind.rung()))?;
    let events = if server.io_uring { Events::Rings } else { Events::Threads };
    let options =
        stream::Options { kind, events, buffer_bytes: STREAM_BYTES, wakeup_bytes: STREAM_WAKEUP_BYTES };
    Stream::open(pid, &options).ok()
}

fn counters(stage: &Stage, pid: u32) -> Counters {
    let rung = stage.plan.syscall_rung(&stage.capabilities).ok()?;
    let kind = match rung {
        Rung::Perf => perf::Kind::Perf,
        Rung::PerfUser => perf::Kind::PerfUser,
        _ => return None,
    };
    Some(perf::Counters::open(pid, kind).map_err(|refusal| (rung, refusal)))
}
