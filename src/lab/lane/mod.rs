//! A lane: one server, its client and its probes, from start to end.
//!
//! Every run begins and ends at quiescence: all connections open, nothing under way. Counters read there
//! belong to exactly the requests in between, which is why counts per request come out whole.

mod conversation;
mod windows;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use super::cast::Cast;
use super::observer::{Probes, Watch};
use super::plan::OpenWindows;
use super::session::{Control, Stage};
use super::tracer::Burden;
use super::windows::{Times, Windows};
use crate::load::protocol::{Ask, Tell};
use crate::probe::clock;
use crate::servers::{Server, TracedFrom};
use crate::trace::{End, Layer, Load, Note, Pace, Purpose, Record, Refusal, RunId, Rung, Start};

/// The longest message of a warm-up.
const WARM_UP_BYTES: u32 = 64;

/// The longest that a warm-up may take at the load's own pace, nanoseconds. Whoever turned the rate down or the
/// connections up would else wait for minutes before anything is seen.
const WARM_UP_NS_MAX: u64 = 500_000_000;

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
    /// A measured run came to its end.
    Measured,
    /// A window was closed; the measured run follows.
    Seen,
    /// A person froze it or changed the load; another follows.
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
        self.stage.plan.columns[self.index].server
    }

    fn traced_from(&self) -> Option<TracedFrom> {
        self.stage.plan.columns[self.index].traced
    }

    /// One round, or what is left of it: starts everything, measures, ends everything. Answers what is left where
    /// it takes a fresh server and client.
    pub fn run(&self, round: u32, purpose: Purpose) -> Option<u32> {
        if let Some(refusal) = self.refusal() {
            self.stage.give_up(self.index);
            if round == 0 && purpose == Purpose::Measure {
                let run = self.begin(0, &self.stage.load_of(self.index), round, purpose);
                self.end(run, 0, End::Refused { refusal });
            }
            return None;
        }
        match self.start(purpose).and_then(|mut cast| self.rounds(&mut cast, round, purpose)) {
            Ok(left) => left,
            // Trouble between two runs: a run of its own says so.
            Err(Trouble::End(end)) => {
                let run = self.begin(0, &self.stage.load_of(self.index), round, purpose);
                self.end(run, 0, end);
                None
            }
            Err(Trouble::Stopped) => None,
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        if self.traced_from() == Some(TracedFrom::Other) && self.stage.capabilities.machine.cpus < 2 {
            return Some(Refusal {
                layer: Layer::Cpus,
                says: "there is one processor, so the tracer cannot sit on another".into(),
                try_this: "the same column with +same".into(),
            });
        }
        let allowed = &self.stage.capabilities.io_uring;
        (self.server().io_uring && !allowed.is_usable()).then(|| allowed.refusal().cloned()).flatten()
    }

    /// The window, the measured run, and further runs as often as a person freezes, goes on, changes the load.
    ///
    /// A client gives connections up on which no answer comes, so a run may end with fewer than it began with.
    /// Then this ends, too, and what is left is for others: the server still holds what nobody asks for any more.
    fn rounds(&self, cast: &mut Cast, first: u32, purpose: Purpose) -> Result<Option<u32>, Trouble> {
        let windows = purpose == Purpose::Measure
            && self.traced_from().is_none()
            && self.stage.plan.windows != OpenWindows::Never
            && (cast.stream.is_some() || self.stage.plan.probing.allows(Rung::Ptrace));
        let mut round = first;
        loop {
            self.rest(cast)?;
            if cast.open < wanted(&cast.load) {
                return Ok(Some(round));
            }
            let load = self.stage.load_of(self.index);
            if load != cast.load {
                cast.load = load;
                cast.mind_threads(self.server());
                self.open(cast)?;
                continue;
            }
            // What a window told of another load says nothing about this one.
            let outcome = match windows && self.stage.is_unseen(self.index, &cast.load) {
                true => self.windows(cast, round)?,
                false => self.measure(cast, round, purpose)?,
            };
            if outcome == Outcome::Measured {
                return Ok(None);
            }
            round += u32::from(outcome == Outcome::Cut);
        }
    }

    /// Starts server, client and probes; ends at quiescence, warmed up.
    fn start(&self, purpose: Purpose) -> Result<Cast, Trouble> {
        let mut cast = Cast::start(
            self.stage,
            self.server(),
            self.stage.load_of(self.index),
            purpose,
            &self.happenings,
        )?;
        self.open(&mut cast)?;
        if purpose == Purpose::Measure {
            cast.watch(self.stage, self.server());
        }
        Ok(cast)
    }

    /// Opens all connections and warms up: each is used a few times, and all must live.
    ///
    /// With short messages, so that a server that only long ones bring to a stop begins its run like any other.
    fn open(&self, cast: &mut Cast) -> Result<(), Trouble> {
        let load = cast.load.clone();
        let wanted = wanted(&load);
        self.connect(cast, warm_up(&load))?;
        let requests = Some(warm_up_requests(&load));
        cast.client.ask(&Ask::Run { requests, duration_ns: None, story: false })?;
        let totals = self.until_quiet(cast, None)?;
        if totals.open < wanted {
            let lost = wanted - totals.open;
            let says =
                format!("the server closed {lost} of {wanted} connections before anything was measured");
            return Err(self.failed(cast, says));
        }
        self.connect(cast, load)
    }

    /// Has the client take over a load: it opens the connections that it has not got.
    fn connect(&self, cast: &mut Cast, load: Load) -> Result<(), Trouble> {
        cast.client.ask(&Ask::Open { address: cast.address, load })?;
        let refused = loop {
            match self.next(cast, None)? {
                Tell::Ready { refused, .. } => break refused,
                Tell::Failed { says } => return Err(self.failed(cast, says)),
                _ => {}
            }
        };
        match refused {
            Some(says) => Err(Trouble::End(End::ClientFailed { says })),
            None => Ok(()),
        }
    }

    /// A measured run.
    fn measure(&self, cast: &mut Cast, round: u32, purpose: Purpose) -> Result<Outcome, Trouble> {
        let run = self.begin(cast.pid, &cast.load, round, purpose);
        let mut probes = cast.probes.take();
        let burden = match self.traced_from().map(|from| Burden::attach(cast.pid, from)).transpose() {
            Ok(burden) => burden,
            Err(refusal) => {
                self.end(run, 0, End::Refused { refusal });
                self.stage.give_up(self.index);
                return Ok(Outcome::Measured);
            }
        };
        if let Some(burden) = &burden {
            // Attaching broke the server's wait: it has to wait again before the first request comes.
            self.settle();
            probes.iter_mut().for_each(|probes| probes.is_stopped_by(Arc::clone(&burden.calls)));
        }
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
        self.open_windows(cast, run, zero_ns, probes.as_ref());
        let watch = probes.map(|probes| Watch::start(probes, Arc::clone(&self.stage.recorder), run, zero_ns));
        let (requests, duration_ns) = self.stage.plan.round_bounds(round);
        let asked = cast.client.ask(&Ask::Run { requests, duration_ns, story: false });
        let quiet = asked.map_err(Trouble::from).and_then(|()| self.until_quiet(cast, Some((run, zero_ns))));
        cast.end_windows();
        cast.probes = watch.and_then(Watch::end);
        self.come_to_rest(cast.probes.as_mut());
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Some(probes) = &mut cast.probes {
            self.stage.recorder.push(run, [(t_ns, Record::Process(probes.totals_exactly()))]);
        }
        // After the last reading: letting go breaks the server's wait once more.
        burden.into_iter().for_each(Burden::detach);
        self.conclude(cast, run, t_ns, quiet.map(|_| Outcome::Measured))
    }

    /// Has the story told now and then, where a stream is there to tell it.
    fn open_windows(&self, cast: &mut Cast, run: RunId, zero_ns: u64, probes: Option<&Probes>) {
        if self.traced_from().is_some() {
            return;
        }
        let times = match self.stage.plan.windows {
            OpenWindows::Auto => Times::NowAndThen(cast.load.pace),
            OpenWindows::Always => Times::Always,
            OpenWindows::Never => return,
        };
        if let Some(mut stream) = cast.stream.take() {
            stream.only_ring(probes.and_then(Probes::only_ring));
            cast.windows = Some(Windows::start(stream, self.scene(cast, run, zero_ns), times));
        }
    }

    fn begin(&self, pid: u32, load: &Load, round: u32, purpose: Purpose) -> RunId {
        let load = (*load != self.stage.plan.load).then(|| load.clone());
        let start = Start { server: self.index as u32, round, purpose, pid, load };
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
        result: Result<Outcome, Trouble>,
    ) -> Result<Outcome, Trouble> {
        // Whoever froze it may have thawed it again by now: the run was cut all the same.
        let cut = std::mem::take(&mut cast.cut);
        let (end, outcome) = match (result, cut) {
            (Ok(_), _) if self.stage.is_stopped() => (End::Stopped, Err(Trouble::Stopped)),
            (Ok(_), Some(end)) => (end, Ok(Outcome::Cut)),
            (Ok(outcome), None) => (End::Done, Ok(outcome)),
            (Err(Trouble::Stopped), _) => (End::Stopped, Err(Trouble::Stopped)),
            (Err(Trouble::End(end)), _) => (end, Err(Trouble::Stopped)),
        };
        self.end(run, t_ns, end);
        outcome
    }
}

/// How many connections a run begins with.
fn wanted(load: &Load) -> u32 {
    load.connections.saturating_add(load.idle)
}

/// Requests of a warm-up: a few for each connection.
fn warm_up_requests(load: &Load) -> u64 {
    u64::from(load.connections) * 4
}

/// The load of a warm-up: short messages, at the load's own pace unless that takes too long.
fn warm_up(load: &Load) -> Load {
    let short = Load { message_bytes: load.message_bytes.min(WARM_UP_BYTES), ..load.clone() };
    match load.pace {
        Pace::PerSecond(rate) if rate < warm_up_requests(load) * (1_000_000_000 / WARM_UP_NS_MAX) => {
            Load { pace: Pace::Max, burst: 1, ..short }
        }
        _ => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warmed(connections: u32, rate: u64) -> Load {
        let pace = Pace::PerSecond(rate);
        warm_up(&Load { connections, pace, message_bytes: 1 << 20, ..Load::default() })
    }

    #[test]
    fn a_warm_up_has_short_messages_and_does_not_wait_for_a_slow_pace() {
        assert_eq!(warmed(64, 2_000).pace, Pace::PerSecond(2_000));
        assert_eq!(warmed(64, 2_000).message_bytes, WARM_UP_BYTES);
        for (connections, rate) in [(16_384, 2_000), (64, 1)] {
            assert_eq!(warmed(connections, rate).pace, Pace::Max, "{connections} at {rate} a second");
        }
        assert_eq!(warmed(1, 10).pace, Pace::PerSecond(10));
    }
}
