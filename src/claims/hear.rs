//! Runs the experiments that claims need, one after another, each alone on the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::evidence::Evidence;
use super::experiment::{Asks, EXPERIMENTS, Experiment};
use super::judge::{Judged, judge};
use super::look::{self, Spent};
use super::quiet::Quiet;
use super::{Claim, RestsOn};
use crate::lab::{Control, Placement, Plan, Recorder, Session, TrialPlan, Trials};
use crate::trace::{Capabilities, Entry, Thinner, Trace};
use crate::trials;

/// Looks, of some 60 ms each, until a machine that has been busy is taken to stay so.
const LOOKS: u32 = 10;

/// What is going on, for whoever waits.
#[derive(Clone, Copy, Debug)]
pub struct Hearing {
    /// The experiment that begins.
    pub experiment: &'static Experiment,
    /// Which it is, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// Runs what the claims need and judges them, in their order. `stopped` ends it early: what was not run by then is
/// not judged.
pub fn hear(
    claims: &[&'static Claim],
    capabilities: Capabilities,
    stopped: &Arc<AtomicBool>,
    mut tell: impl FnMut(Hearing),
) -> Vec<Judged> {
    let is_needed = |experiment: &&Experiment| {
        claims.iter().any(|claim| claim.needs.contains(&experiment.id))
            && (!experiment.io_uring() || capabilities.io_uring.is_usable())
    };
    let needed: Vec<_> = EXPERIMENTS.iter().filter(is_needed).collect();
    let mut evidence = Evidence::new(capabilities.clone());
    let mut seconds = Vec::new();
    for (index, experiment) in needed.iter().enumerate() {
        if stopped.load(Ordering::Acquire) {
            break;
        }
        tell(Hearing { experiment, number: index + 1, of: needed.len() });
        let began = now();
        hear_one(experiment, uses(claims, experiment), &capabilities, stopped, &mut evidence);
        seconds.push((experiment.id, began.elapsed().as_secs_f64()));
    }
    let mut told: Vec<&str> = Vec::new();
    let judged = claims.iter().map(|claim| {
        let own = seconds.iter().filter(|(id, _)| claim.needs.contains(id) && !told.contains(id));
        // An empty sum of floats is -0.0, and a document would say so.
        let seconds = own.fold(0.0, |all, (_, seconds)| all + seconds);
        told.extend(claim.needs);
        Judged { seconds, ..judge(claim, &evidence) }
    });
    judged.collect()
}

/// What claims want of an experiment.
#[derive(Clone, Copy)]
struct Uses {
    counts: bool,
    times: bool,
}

fn uses(claims: &[&'static Claim], experiment: &Experiment) -> Uses {
    let wanting = || claims.iter().filter(|claim| claim.needs.contains(&experiment.id));
    Uses {
        counts: wanting().any(|claim| claim.rests_on != RestsOn::Times),
        times: wanting().any(|claim| claim.rests_on == RestsOn::Times),
    }
}

/// Runs an experiment, and looks at the machine before, meanwhile and after, where times are wanted of it.
fn hear_one(
    experiment: &'static Experiment,
    uses: Uses,
    capabilities: &Capabilities,
    stopped: &Arc<AtomicBool>,
    evidence: &mut Evidence,
) {
    let before = if uses.times { wait_for_quiet() } else { Quiet::default() };
    let mut quiet = before;
    // What is measured beside others would not count, and running it would take everybody's time.
    if uses.counts || before.is_quiet() {
        let spent = Spent::so_far();
        run(experiment, capabilities, stopped, evidence);
        if uses.times {
            let meanwhile =
                spent.zip(Spent::so_far()).map_or(0.0, |(from, until)| from.by_others_until(&until));
            quiet = before.busier(Quiet { others: meanwhile, ..before }).busier(wait_for_quiet());
        }
    }
    evidence.quiet.insert(experiment.id.to_owned(), quiet);
}

/// Waits a little for others to be done: also for what our own processes leave to the kernel when they end.
fn wait_for_quiet() -> Quiet {
    let mut looks = (0..LOOKS).map(|_| look::quiet());
    let first_quiet = looks.find(|quiet| quiet.is_quiet());
    first_quiet.unwrap_or_else(look::quiet)
}

fn run(
    experiment: &'static Experiment,
    capabilities: &Capabilities,
    stopped: &Arc<AtomicBool>,
    evidence: &mut Evidence,
) {
    let trace = match &experiment.asks {
        Asks::Machine => {
            evidence.host = Some(look::host());
            return;
        }
        Asks::Servers { rounds, in_turns, .. } => {
            let placement = if *in_turns { Placement::Together } else { Placement::Apart };
            let plan =
                Plan { rounds: *rounds, placement, ..Plan::new(experiment.columns(), experiment.load()) };
            let header = Session::header(&plan, capabilities);
            collect(header, stopped, |recorder| {
                let session = Session::start(plan, capabilities.clone(), recorder);
                let remote = session.remote();
                (move || session.wait(), remote)
            })
        }
        Asks::Trials(names) => {
            let plan = TrialPlan::new(names.iter().filter_map(|name| trials::by_name(name)).collect());
            let header = plan.header(capabilities);
            collect(header, stopped, |recorder| {
                let trials = Trials::start(plan, capabilities.clone(), recorder);
                let remote = trials.remote();
                (move || trials.wait(), remote)
            })
        }
    };
    evidence.traces.insert(experiment.id.to_owned(), trace);
}

/// Starts something that records, and keeps what it says until it is over.
fn collect<W: FnOnce(), R: Fn(Control)>(
    header: crate::trace::Header,
    stopped: &AtomicBool,
    start: impl FnOnce(Recorder) -> (W, R),
) -> Trace {
    /// Between two looks at whether somebody wants it to end.
    const LOOK: Duration = Duration::from_millis(100);
    let (sender, entries) = channel::<Vec<Entry>>();
    let recorder = Recorder::new(move |batch| {
        let _ = sender.send(batch);
    });
    let (wait, remote) = start(recorder);
    let (mut trace, mut thinner) = (Trace::new(header), Thinner::default());
    let mut told = false;
    loop {
        // Asked at each turn: whoever records does so without a pause.
        if !told && stopped.load(Ordering::Acquire) {
            remote(Control::Stop);
            told = true;
        }
        match entries.recv_timeout(LOOK) {
            Ok(batch) => {
                for entry in batch {
                    // The lab's own entries fit together; what does not is left out.
                    let _ = trace.push(entry);
                    thinner.thin(&mut trace);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    wait();
    trace
}

/// The clock of progress.
fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "how long an experiment took is told to whoever waited")]
    Instant::now()
}
