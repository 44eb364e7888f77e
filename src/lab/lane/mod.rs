//! A lane: one server, its client and its probes, from start to end.
//!
//! Every run begins and ends at quiescence: all connections open, nothing under way. Counters read there
//! belong to exactly the requests in between, which is why counts per request come out whole.

mod conversation;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use super::cast::Cast;
use super::observer::Watch;
use super::session::{Control, Stage};
use super::tracer::Tracer;
use crate::load::protocol::{Ask, Tell};
use crate::probe::clock;
use crate::servers::Server;
use crate::trace::{End, Note, Pace, Purpose, Record, Refusal, RunId, Rung, Start, Window};

/// Requests of a window in a closed loop: a few rounds of all connections.
const WINDOW_REQUESTS: u64 = 2048;

/// Requests of a window at a pace: what comes in a quarter of a second, within these bounds.
const WINDOW_REQUESTS_PACED: std::ops::RangeInclusive<u64> = 8..=512;

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

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// To its end.
    Whole,
    /// A person froze it; another follows when they go on.
    Cut,
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
        let outcome = self.start(purpose).and_then(|mut cast| self.rounds(&mut cast, round, purpose));
        // Trouble between two runs: a run of its own says so.
        if let Err(Trouble::End(end)) = outcome {
            let run = self.begin(0, round, purpose);
            self.end(run, 0, end);
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        let allowed = &self.stage.capabilities.io_uring;
        (self.server().io_uring && !allowed.is_usable()).then(|| allowed.refusal().cloned()).flatten()
    }

    /// The window, the measured run, and further runs as often as a person freezes and goes on.
    fn rounds(&self, cast: &mut Cast, first: u32, purpose: Purpose) -> Result<(), Trouble> {
        if first == 0 && purpose == Purpose::Measure && self.stage.plan.probing.allows(Rung::Ptrace) {
            self.rest(cast)?;
            self.window(cast, first)?;
        }
        let mut round = first;
        loop {
            self.rest(cast)?;
            if self.measure(cast, round, purpose)? == Outcome::Whole {
                return Ok(());
            }
            round += 1;
        }
    }

    /// Starts server, client and probes; ends at quiescence, warmed up.
    fn start(&self, purpose: Purpose) -> Result<Cast, Trouble> {
        let mut cast = Cast::start(self.stage, self.server(), purpose, &self.happenings)?;
        self.open(&mut cast)?;
        if purpose == Purpose::Measure {
            cast.watch(self.stage, self.server());
        }
        Ok(cast)
    }

    /// Opens all connections and warms up: each is used a few times, and all must live.
    fn open(&self, cast: &mut Cast) -> Result<(), Trouble> {
        let load = self.stage.plan.load.clone();
        let wanted = load.connections.saturating_add(load.idle);
        let warm_up = u64::from(load.connections) * 4;
        cast.client.ask(&Ask::Open { address: cast.address, load })?;
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
        let totals = self.until_quiet(cast, None)?;
        if totals.open < wanted {
            let lost = wanted - totals.open;
            let says =
                format!("the server closed {lost} of {wanted} connections before anything was measured");
            return Err(self.failed(cast, says));
        }
        Ok(())
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
        // Attaching broke the server's wait: it has to wait again before the first request comes.
        self.settle();
        let requests = Some(self.window_requests());
        let asked = cast.client.ask(&Ask::Run { requests, duration_ns: None, story: true });
        let quiet = asked.map_err(Trouble::from).and_then(|()| self.until_quiet(cast, Some((run, zero_ns))));
        let seen = tracer.detach();
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Ok(totals) = &quiet {
            let lost = std::mem::take(&mut cast.story_lost);
            let window =
                Window { rung: Rung::Ptrace, lost, requests: totals.answered, syscalls: seen.syscalls };
            self.stage.recorder.push(run, [(t_ns, Record::Window { duration_ns: t_ns, window })]);
        }
        self.conclude(cast, run, t_ns, quiet.map(|_| ())).map(|_| ())
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

    /// A measured run.
    fn measure(&self, cast: &mut Cast, round: u32, purpose: Purpose) -> Result<Outcome, Trouble> {
        let run = self.begin(cast.pid, round, purpose);
        let mut probes = cast.probes.take();
        self.come_to_rest(probes.as_mut());
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
        self.come_to_rest(cast.probes.as_mut());
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Some(probes) = &mut cast.probes {
            self.stage.recorder.push(run, [(t_ns, Record::Process(probes.totals_exactly()))]);
        }
        self.conclude(cast, run, t_ns, quiet.map(|_| ()))
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

    /// Ends a run as it came out; trouble is said in its end, and the lane then stops.
    fn conclude(
        &self,
        cast: &mut Cast,
        run: RunId,
        t_ns: u64,
        result: Result<(), Trouble>,
    ) -> Result<Outcome, Trouble> {
        // Whoever froze it may have thawed it again by now: the run was cut all the same.
        let is_cut = std::mem::take(&mut cast.is_cut);
        let (end, outcome) = match result {
            Ok(()) if self.stage.is_stopped() => (End::Stopped, Err(Trouble::Stopped)),
            Ok(()) if is_cut => (End::Frozen, Ok(Outcome::Cut)),
            Ok(()) => (End::Done, Ok(Outcome::Whole)),
            Err(Trouble::Stopped) => (End::Stopped, Err(Trouble::Stopped)),
            Err(Trouble::End(end)) => (end, Err(Trouble::Stopped)),
        };
        self.end(run, t_ns, end);
        outcome
    }
}
