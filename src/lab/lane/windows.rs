//! Windows that are runs of their own, from rest to rest: told by a stream at full speed where this machine allows
//! it, else under ptrace.

use std::sync::Arc;

use super::{Lane, Outcome, Trouble};
use crate::lab::cast::Cast;
use crate::lab::observer::Probes;
use crate::lab::tracer::Tracer;
use crate::lab::windows::{Scene, Times, Windows};
use crate::load::protocol::Ask;
use crate::probe::clock;
use crate::trace::{End, Layer, Load, Pace, Purpose, Record, Refusal, RunId, Rung, Window};

/// Requests of a window in a closed loop: a few rounds of all connections.
const WINDOW_REQUESTS: u64 = 2048;

/// Requests of a window at a pace: what comes in a quarter of a second, within these bounds.
const WINDOW_REQUESTS_PACED: std::ops::RangeInclusive<u64> = 8..=512;

/// A window is opened so often until one has seen all calls of its requests.
const WINDOWS_MAX: u32 = 3;

/// Without a ring an echo takes at least a read and a write.
const CALLS_PER_ECHO_MIN: u64 = 2;

/// Requests of one connection that come more often than this may be read two at a time.
const OFTEN_PER_S: u64 = 50;

/// What a window saw.
#[derive(Clone, Debug, Default)]
struct Seen {
    syscalls: u64,
    lost: u64,
    /// Why it ended before it was told to, if it did.
    trouble: Option<String>,
}

impl Lane<'_> {
    /// Windows, until one tells all calls of its requests; the last one counts as it is.
    pub(super) fn windows(&self, cast: &mut Cast, round: u32) -> Result<Outcome, Trouble> {
        // A tracer takes a processor for itself; a stream does not.
        let _turn = cast.stream.is_none().then(|| self.stage.window_turn());
        for left in (0..WINDOWS_MAX).rev() {
            let outcome = match cast.stream.is_some() {
                true => self.streamed(cast, round, left == 0)?,
                false => self.traced(cast, round, left == 0)?,
            };
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
        }
        Ok(Outcome::Seen)
    }

    /// A run told by a stream. `None`: it told less than there was, and was not the `last`.
    fn streamed(&self, cast: &mut Cast, round: u32, last: bool) -> Result<Option<Outcome>, Trouble> {
        let Some(mut stream) = cast.stream.take() else { return Ok(Some(Outcome::Seen)) };
        stream.only_ring(cast.probes.as_ref().and_then(Probes::only_ring));
        let run = self.begin(cast.pid, &cast.load, round, Purpose::Window);
        let zero_ns = clock::monotonic_ns();
        self.stage.recorder.hold(run);
        cast.windows = Some(Windows::start(stream, self.scene(cast, run, zero_ns), Times::Once));
        let quiet = self.a_few_requests(cast, run, zero_ns);
        // The server is on its way to its next wait.
        self.settle();
        let told = cast.end_windows();
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        let seen = Seen { syscalls: told.syscalls, lost: told.lost, trouble: None };
        let whole = match &quiet {
            Ok(_) if cast.cut.is_none() => self.told_all(&cast.load, told.requests, &seen),
            _ => true,
        };
        if !whole && !last && !self.stage.is_stopped() {
            self.stage.recorder.discard(run);
            self.end(run, t_ns, End::Done);
            return Ok(None);
        }
        self.stage.recorder.release(run);
        self.conclude(cast, run, t_ns, quiet.map(|_| Outcome::Seen)).map(Some)
    }

    /// A run under ptrace, likewise.
    fn traced(&self, cast: &mut Cast, round: u32, last: bool) -> Result<Option<Outcome>, Trouble> {
        let run = self.begin(cast.pid, &cast.load, round, Purpose::Window);
        let zero_ns = clock::monotonic_ns();
        // The tracer and the client tell of the same moments: in order of time once both have told.
        self.stage.recorder.hold(run);
        let tracer = match Tracer::attach(cast.pid, Arc::clone(&self.stage.recorder), run, zero_ns) {
            Ok(tracer) => tracer,
            Err(refusal) => {
                self.stage.recorder.release(run);
                self.stage.recorder.push(run, [(0, Record::Refused { rung: Rung::Ptrace, refusal })]);
                self.end(run, 0, End::Done);
                return Ok(Some(Outcome::Seen));
            }
        };
        // Attaching broke the server's wait: it has to wait again before the first request comes.
        self.settle();
        let quiet = self.a_few_requests(cast, run, zero_ns);
        let seen = tracer.detach();
        let seen = Seen { syscalls: seen.syscalls, lost: 0, trouble: seen.trouble };
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        let whole = match &quiet {
            Ok(answered) if cast.cut.is_none() => self.told_all(&cast.load, *answered, &seen),
            _ => true,
        };
        if !whole && !last && !self.stage.is_stopped() {
            cast.story_lost = 0;
            self.stage.recorder.discard(run);
            self.end(run, t_ns, End::Done);
            return Ok(None);
        }
        self.stage.recorder.release(run);
        if let Some(says) = seen.trouble {
            let refusal = Refusal { layer: Layer::Kernel, says, try_this: String::new() };
            self.stage.recorder.push(run, [(t_ns, Record::Refused { rung: Rung::Ptrace, refusal })]);
        } else if let Ok(answered) = &quiet {
            let lost = std::mem::take(&mut cast.story_lost);
            let window = Window { rung: Rung::Ptrace, lost, requests: *answered, syscalls: seen.syscalls };
            self.stage.recorder.push(run, [(t_ns, Record::Window { duration_ns: t_ns, window })]);
        }
        self.conclude(cast, run, t_ns, quiet.map(|_| Outcome::Seen)).map(Some)
    }

    /// The requests of a window, from rest to rest; how many were answered.
    fn a_few_requests(&self, cast: &mut Cast, run: RunId, zero_ns: u64) -> Result<u64, Trouble> {
        let requests = Some(window_requests(&cast.load));
        cast.client.ask(&Ask::Run { requests, duration_ns: None, story: true })?;
        self.until_quiet(cast, Some((run, zero_ns))).map(|totals| totals.answered)
    }

    /// Where the windows of a run are told.
    pub(super) fn scene(&self, cast: &Cast, run: RunId, zero_ns: u64) -> Scene {
        Scene { recorder: Arc::clone(&self.stage.recorder), run, zero_ns, asks: cast.client.asks() }
    }

    /// Whether a window can have seen all calls of its requests, each by itself. A server that falls behind reads
    /// two requests of a connection at once; where they are meant to follow each other so closely that it may,
    /// that is how this server works under this load.
    fn told_all(&self, load: &Load, requests: u64, seen: &Seen) -> bool {
        let apart = match load.pace {
            Pace::Max => true,
            Pace::PerSecond(rate) => rate <= u64::from(load.connections) * OFTEN_PER_S,
        };
        let least =
            if self.server().io_uring || !apart { 0 } else { requests.saturating_mul(CALLS_PER_ECHO_MIN) };
        seen.trouble.is_none() && seen.lost == 0 && seen.syscalls >= least
    }
}

fn window_requests(load: &Load) -> u64 {
    let wanted = match load.pace {
        Pace::Max => WINDOW_REQUESTS,
        Pace::PerSecond(rate) => {
            // At a slow pace a second's worth is all that somebody waits for.
            let least = rate.clamp(2, *WINDOW_REQUESTS_PACED.start());
            (rate / 4).clamp(least, *WINDOW_REQUESTS_PACED.end())
        }
    };
    load.requests.map_or(wanted, |all| all.clamp(1, wanted))
}
