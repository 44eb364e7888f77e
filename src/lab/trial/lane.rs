//! A trial from start to end: a process that is measured, then one that is traced.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::Stage;
use super::cast::{Cast, Happening, What};
use super::entries::Entries;
use super::scope::Scope;
use crate::lab::observer::{Probes, Watch};
use crate::lab::session::Control;
use crate::lab::tracer::Tracer;
use crate::probe::clock;
use crate::probe::proc::asleep;
use crate::trace::{End, Note, ProcessTotals, Purpose, Record, Refusal, RunId, Rung, Start, Window};
use crate::trials::{Trial, gate};

/// A moment at rest.
const SETTLE: Duration = Duration::from_millis(5);

/// So many moments a process gets to come to rest at its gate: two seconds, on a machine that is busy.
const MOMENTS_MAX: u32 = 400;

/// How long a process may take to end when its gate was closed.
const FAREWELL: Duration = Duration::from_secs(2);

/// One trial's lane.
pub(super) struct Lane<'s> {
    pub stage: &'s Stage,
    pub index: u32,
    pub trial: &'static Trial,
    pub inbox: &'s Receiver<Happening>,
    /// Whether a person wants everything at rest.
    pub is_frozen: bool,
}

/// A person has asked to stop: nothing more is to be done.
pub(super) struct Stopped;

/// Why a run cannot go on.
enum Trouble {
    Stopped,
    End(End),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::End(End::ServerGone { says: format!("{error:#}") })
    }
}

/// How a trial came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The window has told enough, and the trial goes on.
    Enough,
}

impl Lane<'_> {
    /// Runs the trial: measured, then told.
    pub fn run(&mut self) -> Result<(), Stopped> {
        if let Some(refusal) = self.refusal() {
            let run = self.begin(0, Purpose::Measure);
            self.end(run, 0, End::Refused { refusal });
            return Ok(());
        }
        for purpose in [Purpose::Measure, Purpose::Window] {
            if purpose == Purpose::Window && !self.stage.plan.probing.allows(Rung::Ptrace) {
                continue;
            }
            self.rest()?;
            if !self.once(purpose)? {
                break;
            }
        }
        Ok(())
    }

    fn refusal(&self) -> Option<Refusal> {
        let allowed = &self.stage.capabilities.io_uring;
        (self.trial.io_uring && !allowed.is_usable()).then(|| allowed.refusal().cloned()).flatten()
    }

    /// One process of it; whether all went well.
    fn once(&mut self, purpose: Purpose) -> Result<bool, Stopped> {
        let started = Cast::start(self.stage, self.trial, purpose).map_err(Trouble::from);
        let ready = started.and_then(|mut cast| {
            self.until(&mut cast, None, |what| matches!(what, What::Ready))?;
            Ok(cast)
        });
        let pid = ready.as_ref().map_or(0, |cast| cast.pid);
        if let Err(Trouble::Stopped) = ready {
            return Err(Stopped);
        }
        let run = self.begin(pid, purpose);
        let (t_ns, result) = match ready {
            Err(trouble) => (0, Err(trouble)),
            Ok(mut cast) if purpose == Purpose::Measure => self.measure(&mut cast, run),
            Ok(mut cast) => self.window(&mut cast, run),
        };
        let (end, outcome) = match result {
            Ok(()) => (End::Done, Ok(true)),
            Err(Trouble::Stopped) => (End::Stopped, Err(Stopped)),
            Err(Trouble::End(end)) => (end, Ok(false)),
        };
        self.end(run, t_ns, end);
        outcome
    }

    /// A measured run: everything is read at the gate, before and after.
    fn measure(&mut self, cast: &mut Cast, run: RunId) -> (u64, Result<(), Trouble>) {
        let (recorder, plan) = (&self.stage.recorder, &self.stage.plan);
        let mut probes = Probes::of_trial(cast.pid, self.trial.io_uring, plan.probing, cast.counters.take());
        self.come_to_rest(cast.pid, &mut probes);
        let refused = std::mem::take(&mut probes.refused);
        let refused = refused.into_iter().map(|(rung, refusal)| (0, Record::Refused { rung, refusal }));
        recorder.push(run, refused);
        recorder.push(run, [(0, Record::Process(probes.totals_exactly()))]);
        let zero_ns = clock::monotonic_ns();
        let watch = Watch::start(probes, Arc::clone(recorder), run, zero_ns);
        cast.open_gate();
        let result = self.until(cast, Some((run, zero_ns)), |what| matches!(what, What::Done));
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Some(mut probes) = watch.end() {
            self.come_to_rest(cast.pid, &mut probes);
            let state = probes.state();
            recorder.push(run, state.into_iter().map(|record| (t_ns, record)));
            let refusal = probes.ring_refused();
            recorder.push(run, refusal.map(|refusal| (t_ns, Record::Refused { rung: Rung::Ring, refusal })));
            let mut totals = probes.totals_exactly();
            if result.is_ok() {
                without_gate(&mut totals, cast.pid);
            }
            recorder.push(run, [(t_ns, Record::Process(totals))]);
        }
        (t_ns, result.and_then(|_| self.farewell(cast, run, zero_ns)))
    }

    /// A run under ptrace.
    fn window(&mut self, cast: &mut Cast, run: RunId) -> (u64, Result<(), Trouble>) {
        let recorder = &self.stage.recorder;
        let zero_ns = clock::monotonic_ns();
        let (pid, happenings) = (cast.pid, self.stage.happenings.clone());
        let looks = self.trial.io_uring && self.stage.plan.probing.allows(Rung::Ring);
        let scope = Scope::new(pid, looks.then(|| Entries::new(pid)), move || {
            let _ = happenings.send(Happening::Of(pid, What::Enough));
        });
        let tracer = Tracer::attach_for(pid, Arc::clone(recorder), run, zero_ns, scope);
        let tracer = match tracer {
            Ok(tracer) => tracer,
            Err(refusal) => {
                recorder.push(run, [(0, Record::Refused { rung: Rung::Ptrace, refusal })]);
                return (0, Ok(()));
            }
        };
        // Attaching broke its wait at the gate: it has to wait again before the gate is opened.
        for _ in 0..MOMENTS_MAX {
            self.settle();
            if asleep(pid) {
                break;
            }
        }
        cast.open_gate();
        let result = self.until(cast, Some((run, zero_ns)), |what| matches!(what, What::Done | What::Enough));
        let seen = tracer.detach();
        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
        if let Ok(outcome) = result {
            let cut = (outcome == Outcome::Enough).then_some(Note::Cut { calls: seen.syscalls });
            let window = Window { rung: Rung::Ptrace, lost: 0, requests: 0, syscalls: seen.syscalls };
            recorder.push(run, cut.map(|cut| (t_ns, Record::Note(cut))));
            recorder.push(run, [(t_ns, Record::Window { duration_ns: t_ns, window })]);
        }
        let result = match result {
            Ok(Outcome::Done) => self.farewell(cast, run, zero_ns),
            // Nobody looks at the rest of it: it is ended with its cast.
            Ok(Outcome::Enough) => Ok(()),
            Err(trouble) => Err(trouble),
        };
        (t_ns, result)
    }

    /// Closes the gate and waits for the end of the process.
    fn farewell(&mut self, cast: &mut Cast, run: RunId, zero_ns: u64) -> Result<(), Trouble> {
        cast.let_go();
        let by_ns = clock::monotonic_ns() + FAREWELL.as_nanos() as u64;
        loop {
            match self.next(cast, Some((run, zero_ns)), by_ns)? {
                Some(What::Ended) => return Ok(()),
                Some(_) => {}
                None => {
                    let says = "it was ended: it did not end by itself when it was over".into();
                    return Err(Trouble::End(End::ServerGone { says }));
                }
            }
        }
    }

    /// Waits for one thing to happen to the process, for as long as the plan's patience lasts.
    fn until(
        &mut self,
        cast: &mut Cast,
        run: Option<(RunId, u64)>,
        wanted: impl Fn(&What) -> bool,
    ) -> Result<Outcome, Trouble> {
        let patience = self.stage.plan.patience;
        let by_ns = clock::monotonic_ns() + patience.as_nanos() as u64;
        let mut said = None;
        loop {
            match self.next(cast, run, by_ns)? {
                Some(What::Ended) => {
                    let ended = cast.how_it_ended();
                    let says = said.map_or(ended.clone(), |line| format!("{ended}; it said last: {line}"));
                    return Err(Trouble::End(End::ServerGone { says }));
                }
                Some(What::Said(line)) => said = Some(line),
                Some(What::Enough) if wanted(&What::Enough) => return Ok(Outcome::Enough),
                Some(what) if wanted(&what) => return Ok(Outcome::Done),
                Some(_) => {}
                None => {
                    let says = format!(
                        "it was ended: after {} s it still waited for something that does not come",
                        patience.as_secs()
                    );
                    return Err(Trouble::End(End::ServerGone { says }));
                }
            }
        }
    }

    /// The next thing that happens to this process; `None` when it is later than `by_ns`.
    fn next(&mut self, cast: &Cast, run: Option<(RunId, u64)>, by_ns: u64) -> Result<Option<What>, Trouble> {
        loop {
            let left = Duration::from_nanos(by_ns.saturating_sub(clock::monotonic_ns()));
            match self.inbox.recv_timeout(left) {
                Ok(Happening::Control(Control::Stop)) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(Trouble::Stopped);
                }
                Ok(Happening::Control(Control::Freeze(frozen))) => self.is_frozen = frozen,
                Ok(Happening::Of(pid, what)) if pid == cast.pid => {
                    if let (What::Said(line), Some((run, zero_ns))) = (&what, run) {
                        let t_ns = clock::monotonic_ns().saturating_sub(zero_ns);
                        let said = Note::Said { line: line.clone() };
                        self.stage.recorder.push(run, [(t_ns, Record::Note(said))]);
                    }
                    return Ok(Some(what));
                }
                // Of a process that was ended before this one began; or a load, of which a trial has none.
                Ok(Happening::Of(..) | Happening::Control(Control::Load(_))) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(None),
            }
        }
    }

    /// Waits while a person has frozen the session.
    fn rest(&mut self) -> Result<(), Stopped> {
        loop {
            let happening = match self.is_frozen {
                true => self.inbox.recv().map_err(|_| Stopped)?,
                false => match self.inbox.try_recv() {
                    Ok(happening) => happening,
                    Err(_) => return Ok(()),
                },
            };
            match happening {
                Happening::Control(Control::Stop) => return Err(Stopped),
                Happening::Control(Control::Freeze(frozen)) => self.is_frozen = frozen,
                Happening::Of(..) | Happening::Control(Control::Load(_)) => {}
            }
        }
    }

    /// Waits until the process is at its gate, and nowhere else: it says that it is there just before it begins
    /// to wait, and other threads of it may still be on their way. Who has no processor uses none, so that
    /// alone is no rest; all threads have to sleep, and to have slept a moment ago.
    fn come_to_rest(&self, pid: u32, probes: &mut Probes) {
        let mut before = (false, 0);
        for _ in 0..MOMENTS_MAX {
            let now = (asleep(pid), probes.cpu_ns_of_server());
            // A thread that polls for the process never rests.
            let is_quiet = now.1 == before.1 || self.trial.polls;
            if now.0 && before.0 && is_quiet {
                return;
            }
            before = now;
            self.settle();
        }
    }

    /// Gives the process a moment at rest.
    fn settle(&self) {
        // Nobody ever sends: it is a wait of that length, and the inbox stays as it is.
        let (_open, nothing) = std::sync::mpsc::channel::<()>();
        let _ = nothing.recv_timeout(SETTLE);
    }

    fn begin(&self, pid: u32, purpose: Purpose) -> RunId {
        self.stage.recorder.begin(Start { server: self.index, round: 0, purpose, pid, load: None })
    }

    fn end(&self, run: RunId, t_ns: u64, end: End) {
        self.stage.recorder.push(run, [(t_ns, Record::End { end })]);
    }
}

/// Takes out what the gate itself did since go: its calls, and its wait.
fn without_gate(totals: &mut ProcessTotals, pid: u32) {
    if let Some(calls) = &mut totals.syscalls {
        calls.total = calls.total.saturating_sub(gate::CALLS.len() as u64);
        for name in gate::CALLS {
            if let Some(count) = calls.by_name.get_mut(name) {
                *count = count.saturating_sub(1);
            }
        }
    }
    if let Some(first) = totals.threads.iter_mut().find(|thread| thread.tid == pid) {
        first.voluntary_switches = first.voluntary_switches.saturating_sub(gate::SWITCHES);
    }
}
