//! A lane: one server, its client and its probes, from start to end.
//!
//! Every run begins and ends at quiescence: all connections open, nothing under way. Counters read there
//! belong to exactly the requests in between, which is why counts per request come out whole.

use std::cell::RefCell;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::Context;

use super::cage::Cage;
use super::client::Client;
use super::cpus::Cpus;
use super::observer::{Probes, Watch};
use super::session::{Control, Stage};
use super::spawn;
use super::tracer::Tracer;
use crate::load::protocol::{Ask, Tell};
use crate::probe::{clock, perf};
use crate::servers::Server;
use crate::trace::{End, Note, Pace, Purpose, Record, Refusal, RunId, Rung, Start, Window};

/// Requests of a window in a closed loop: a few rounds of all connections.
const WINDOW_REQUESTS: u64 = 2048;

/// Requests of a window at a pace: what comes in a quarter of a second, within these bounds.
const WINDOW_REQUESTS_PACED: std::ops::RangeInclusive<u64> = 8..=512;

/// How long a paused client may take to collect its last answers.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whatever happens to a lane.
pub enum Happening {
    /// The client told something.
    Told(Tell),
    /// The server said a line on stderr.
    Said(String),
    /// The server's process has ended.
    ServerEnded,
    /// A person asks for something.
    Control(Control),
}

/// One server's lane.
pub struct Lane<'s> {
    stage: &'s Stage,
    index: usize,
    happenings: Sender<Happening>,
    inbox: Receiver<Happening>,
    /// What the server said before its next run begins.
    unheard: RefCell<Vec<String>>,
    /// The last line it said: often the reason why it ended.
    last_said: RefCell<Option<String>>,
}

/// The processes of a lane, once they stand.
struct Cast {
    pid: u32,
    server: Cage,
    client: Client,
    probes: Option<Probes>,
    /// Asked to pause and not yet quiet: it may not take long.
    pausing: bool,
}

/// Why a lane cannot go on.
enum Trouble {
    /// It was asked to stop.
    Stopped,
    /// The run ends for this reason.
    End(End),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::End(End::ClientFailed { says: format!("{error:#}") })
    }
}

impl<'s> Lane<'s> {
    /// A lane for the plan's server of that index.
    pub(super) fn new(
        stage: &'s Stage,
        index: usize,
        happenings: Sender<Happening>,
        inbox: Receiver<Happening>,
    ) -> Self {
        Self { stage, index, happenings, inbox, unheard: RefCell::default(), last_said: RefCell::default() }
    }

    fn server(&self) -> &'static Server {
        self.stage.plan.servers[self.index]
    }

    /// One round: starts everything, measures, ends everything.
    pub fn run(&self, round: u32, purpose: Purpose) {
        if let Some(refusal) = self.refusal() {
            if round == 0 && purpose == Purpose::Measure {
                let run = self.begin(0, round, purpose);
                self.end(run, 0, End::Refused { refusal });
            }
            return;
        }
        match self.start(purpose) {
            Ok(cast) => self.rounds(cast, round, purpose),
            Err(Trouble::Stopped) => {}
            Err(Trouble::End(end)) => {
                let run = self.begin(0, round, purpose);
                self.end(run, 0, end);
            }
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        let allowed = &self.stage.capabilities.io_uring;
        (self.server().io_uring && !allowed.is_usable()).then(|| allowed.refusal().cloned()).flatten()
    }

    /// The window, the measured run, and further runs as long as a person freezes and goes on.
    fn rounds(&self, mut cast: Cast, first: u32, purpose: Purpose) {
        let window =
            first == 0 && purpose == Purpose::Measure && self.stage.plan.probing.allows(Rung::Ptrace);
        if window && let Err(Trouble::Stopped) = self.window(&mut cast, first) {
            return;
        }
        let mut round = first;
        loop {
            let frozen = self.measure(&mut cast, round, purpose);
            if !frozen || !self.thawed() {
                return;
            }
            round += 1;
        }
    }

    /// Starts server, client and probes; ends at quiescence, warmed up.
    fn start(&self, purpose: Purpose) -> Result<Cast, Trouble> {
        let cpus = Cpus::of(self.stage.plan.load.pace);
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on loopback")?;
        let backlog = nix::sys::socket::Backlog::MAXCONN;
        nix::sys::socket::listen(&listener, backlog).context("cannot listen on loopback")?;
        let address = listener.local_addr().context("cannot listen on loopback")?;
        let setup = spawn::Setup { listener: Some(listener.into()), cpus: cpus.server, hold: true };
        let held = spawn::spawn(self.command(), setup)?;
        let pid = held.pid;
        let counters = (purpose == Purpose::Measure).then(|| self.counters(pid)).flatten();
        let said = self.happenings.clone();
        let server = Cage::new(held.release()?, move |line| {
            let _ = said.send(line.map_or(Happening::ServerEnded, Happening::Said));
        });
        let client = Client::start(cpus.client, self.happenings.clone())?;
        let mut cast = Cast { pid, server, client, probes: None, pausing: false };
        self.open(&mut cast, address)?;
        if purpose == Purpose::Measure {
            cast.probes =
                Some(Probes::attach(pid, self.server().io_uring, self.stage.plan.probing, counters));
        }
        Ok(cast)
    }

    fn command(&self) -> Command {
        let options = &self.stage.plan.options;
        let mut command = spawn::iolab();
        command.args(["serve", self.server().name]);
        command.args(["--sq-entries", &options.sq_entries.to_string()]);
        command.args(["--buffers", &options.buffers.to_string()]);
        command.args(["--sqpoll-idle-ms", &options.sqpoll_idle_ms.to_string()]);
        if let Some(entries) = options.cq_entries {
            command.args(["--cq-entries", &entries.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Counters over the whole process, attached before its first instruction.
    fn counters(&self, pid: u32) -> Option<Result<perf::Counters, (Rung, Refusal)>> {
        let rung = self.stage.plan.syscall_rung(&self.stage.capabilities).ok()?;
        let kind = match rung {
            Rung::Perf => perf::Kind::Perf,
            Rung::PerfUser => perf::Kind::PerfUser,
            _ => return None,
        };
        Some(perf::Counters::open(pid, kind).map_err(|refusal| (rung, refusal)))
    }

    /// Opens all connections and warms up: each is used a few times.
    fn open(&self, cast: &mut Cast, address: SocketAddr) -> Result<(), Trouble> {
        let load = self.stage.plan.load.clone();
        let warm_up = u64::from(load.connections) * 4;
        cast.client.ask(&Ask::Open { address, load: load.clone() })?;
        let refused = loop {
            match self.next(cast, None)? {
                Tell::Ready { refused, .. } => break refused,
                Tell::Failed { says } => return Err(self.failed(cast, says)),
                _ => {}
            }
        };
        if let Some(says) = refused {
            return Err(Trouble::End(End::ClientFailed { says }));
        }
        cast.client.ask(&Ask::Run { requests: Some(warm_up), duration_ns: None, story: false })?;
        self.until_quiet(cast, None).map(|_| ())
    }

    /// A run under ptrace.
    fn window(&self, cast: &mut Cast, round: u32) -> Result<(), Trouble> {
        let run = self.begin(cast.pid, round, Purpose::Window);
        let zero_ns = clock::monotonic_ns();
        let tracer = match Tracer::attach(cast.pid, Arc::clone(&self.stage.recorder), run, zero_ns) {
            Ok(tracer) => tracer,
            Err(refusal) => {
                self.stage.recorder.push(run, [(0, Record::Refused { rung: Rung::Ptrace, refusal })]);
                self.end(run, 0, End::Done);
                return Ok(());
            }
        };
        let requests = Some(self.window_requests());
        let asked = cast.client.ask(&Ask::Run { requests, duration_ns: None, story: true });
        let quiet = asked.map_err(Trouble::from).and_then(|()| self.until_quiet(cast, Some((run, zero_ns))));
        let seen = tracer.detach();
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Ok(answered) = quiet {
            let window = Window { rung: Rung::Ptrace, lost: 0, requests: answered, syscalls: seen.syscalls };
            self.stage.recorder.push(run, [(t_ns, Record::Window { duration_ns: t_ns, window })]);
        }
        self.conclude(run, t_ns, quiet)
    }

    fn window_requests(&self) -> u64 {
        let load = &self.stage.plan.load;
        let wanted = match load.pace {
            Pace::Max => WINDOW_REQUESTS,
            Pace::PerSecond(rate) => {
                (rate / 4).clamp(*WINDOW_REQUESTS_PACED.start(), *WINDOW_REQUESTS_PACED.end())
            }
        };
        load.requests.map_or(wanted, |all| all.clamp(1, wanted))
    }

    /// A measured run. `true`: it was frozen and may go on.
    fn measure(&self, cast: &mut Cast, round: u32, purpose: Purpose) -> bool {
        let run = self.begin(cast.pid, round, purpose);
        let mut probes = cast.probes.take();
        let first = probes.as_mut().map(|probes| {
            let refused = std::mem::take(&mut probes.refused);
            let refused = refused.into_iter().map(|(rung, refusal)| (0, Record::Refused { rung, refusal }));
            self.stage.recorder.push(run, refused);
            let mut records = probes.state();
            records.push(Record::Process(probes.totals_exactly()));
            records
        });
        let first = first.unwrap_or_default();
        self.stage.recorder.push(run, first.into_iter().map(|record| (0, record)));
        let zero_ns = clock::monotonic_ns();
        let watch = probes.map(|probes| Watch::start(probes, Arc::clone(&self.stage.recorder), run, zero_ns));
        let (requests, duration_ns) = match self.stage.plan.endless {
            true => (None, None),
            false => self.stage.plan.round_bounds(round),
        };
        let asked = cast.client.ask(&Ask::Run { requests, duration_ns, story: false });
        let quiet = asked.map_err(Trouble::from).and_then(|()| self.until_quiet(cast, Some((run, zero_ns))));
        cast.probes = watch.and_then(Watch::end);
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Some(probes) = &mut cast.probes {
            self.stage.recorder.push(run, [(t_ns, Record::Process(probes.totals_exactly()))]);
        }
        self.conclude(run, t_ns, quiet).is_ok() && self.stage.plan.endless
    }

    /// Waits until the client is quiet, handing on what it tells; answers how many requests were answered.
    fn until_quiet(&self, cast: &mut Cast, run: Option<(RunId, u64)>) -> Result<u64, Trouble> {
        loop {
            match self.next(cast, run)? {
                Tell::Totals { at_ns, totals } => self.client_record(run, at_ns, Record::Client(totals)),
                Tell::Quiet { at_ns, totals, .. } => {
                    let answered = totals.answered;
                    self.client_record(run, at_ns, Record::Client(totals));
                    return Ok(answered);
                }
                Tell::Story { events, .. } => {
                    if let Some((run, zero_ns)) = run {
                        let records = events
                            .into_iter()
                            .map(|(at_ns, story)| (at_ns.saturating_sub(zero_ns), Record::Story(story)));
                        self.stage.recorder.push(run, records);
                    }
                }
                Tell::Failed { says } => return Err(self.failed(cast, says)),
                Tell::Ready { .. } => {}
            }
        }
    }

    fn client_record(&self, run: Option<(RunId, u64)>, at_ns: u64, record: Record) {
        if let Some((run, zero_ns)) = run {
            self.stage.recorder.push(run, [(at_ns.saturating_sub(zero_ns), record)]);
        }
    }

    /// The next thing the client tells. Everything else that happens is dealt with here.
    fn next(&self, cast: &mut Cast, run: Option<(RunId, u64)>) -> Result<Tell, Trouble> {
        loop {
            let happening = match cast.pausing {
                false => self.inbox.recv().map_err(|_| Trouble::Stopped)?,
                true => self.inbox.recv_timeout(PATIENCE).map_err(|_| Trouble::Stopped)?,
            };
            match happening {
                Happening::Told(tell) => {
                    cast.pausing &= !matches!(tell, Tell::Quiet { .. });
                    return Ok(tell);
                }
                Happening::Said(line) => self.said(run, line),
                Happening::ServerEnded => return Err(self.gone(cast)),
                Happening::Control(Control::Stop) if run.is_none() => return Err(Trouble::Stopped),
                Happening::Control(Control::Stop | Control::Freeze(true)) => {
                    cast.client.ask(&Ask::Pause)?;
                    cast.pausing = true;
                }
                Happening::Control(Control::Freeze(false)) => {}
            }
        }
    }

    fn said(&self, run: Option<(RunId, u64)>, line: String) {
        self.last_said.replace(Some(line.clone()));
        match run {
            Some((run, zero_ns)) => {
                let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
                self.stage.recorder.push(run, [(t_ns, Record::Note(Note::Said { line }))]);
            }
            None => self.unheard.borrow_mut().push(line),
        }
    }

    /// The client failed; when the server is gone, that is the reason and the better thing to say.
    fn failed(&self, cast: &mut Cast, says: String) -> Trouble {
        loop {
            match self.inbox.recv_timeout(Duration::from_millis(300)) {
                Ok(Happening::ServerEnded) => return self.gone(cast),
                Ok(Happening::Said(line)) => self.said(None, line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Trouble::End(End::ClientFailed { says });
                }
            }
        }
    }

    fn gone(&self, cast: &mut Cast) -> Trouble {
        let ended = cast.server.how_it_ended();
        let says = match self.last_said.borrow().as_deref() {
            Some(line) => format!("{ended}; it said last: {line}"),
            None => ended,
        };
        Trouble::End(End::ServerGone { says })
    }

    /// Blocks while frozen; `false` when the session ends instead.
    fn thawed(&self) -> bool {
        loop {
            match self.inbox.recv() {
                Ok(Happening::Control(Control::Freeze(false))) => return true,
                Ok(Happening::Control(Control::Stop) | Happening::ServerEnded) | Err(_) => return false,
                Ok(_) => {}
            }
        }
    }

    fn begin(&self, pid: u32, round: u32, purpose: Purpose) -> RunId {
        let start = Start { server: self.index as u32, round, purpose, pid };
        let run = self.stage.recorder.begin(start);
        let unheard = self.unheard.take();
        let notes = unheard.into_iter().map(|line| (0, Record::Note(Note::Said { line })));
        self.stage.recorder.push(run, notes);
        run
    }

    fn end(&self, run: RunId, t_ns: u64, end: End) {
        if matches!(end, End::ServerGone { .. } | End::ClientFailed { .. }) {
            self.stage.give_up(self.index);
        }
        self.stage.recorder.push(run, [(t_ns, Record::End { end })]);
    }

    /// Ends a run as it came out; what troubled it is said in its end, the lane then stops.
    fn conclude(&self, run: RunId, t_ns: u64, outcome: Result<u64, Trouble>) -> Result<(), Trouble> {
        let (end, goes_on) = match outcome {
            Ok(_) if self.stage.is_stopped() => (End::Stopped, false),
            Ok(_) => (End::Done, true),
            Err(Trouble::Stopped) => (End::Stopped, false),
            Err(Trouble::End(end)) => (end, false),
        };
        self.end(run, t_ns, end);
        if goes_on { Ok(()) } else { Err(Trouble::Stopped) }
    }
}
