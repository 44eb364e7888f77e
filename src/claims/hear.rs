//! Runs the experiments that claims need, one after another, each alone on the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::evidence::Evidence;
use super::experiment::{Asks, EXPERIMENTS, Experiment};
use super::judge::{Judged, judge};
use super::quiet::Quiet;
use super::{Claim, look};
use crate::lab::{Control, Plan, Recorder, Session, TrialPlan, Trials};
use crate::trace::{Capabilities, Entry, Thinner, Trace};
use crate::trials;

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
        run(experiment, &capabilities, stopped, &mut evidence);
        seconds.push((experiment.id, began.elapsed().as_secs_f64()));
    }
    let mut told: Vec<&str> = Vec::new();
    let judged = claims.iter().map(|claim| {
        let own = seconds.iter().filter(|(id, _)| claim.needs.contains(id) && !told.contains(id));
        let seconds = own.map(|(_, seconds)| seconds).sum();
        told.extend(claim.needs);
        Judged { seconds, ..judge(claim, &evidence) }
    });
    judged.collect()
}

fn run(
    experiment: &'static Experiment,
    capabilities: &Capabilities,
    stopped: &Arc<AtomicBool>,
    evidence: &mut Evidence,
) {
    let before = look::quiet();
    let trace = match &experiment.asks {
        Asks::Machine => {
            evidence.host = Some(look::host());
            return;
        }
        Asks::Servers { rounds, .. } => {
            let plan = Plan { rounds: *rounds, ..Plan::new(experiment.columns(), experiment.load()) };
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
    let after = look::quiet();
    evidence.traces.insert(experiment.id.to_owned(), trace);
    let others = before.others.max(after.others);
    evidence.quiet.insert(experiment.id.to_owned(), Quiet { others });
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
    loop {
        match entries.recv_timeout(LOOK) {
            Ok(batch) => {
                for entry in batch {
                    // The lab's own entries fit together; what does not is left out.
                    let _ = trace.push(entry);
                    thinner.thin(&mut trace);
                }
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) if stopped.load(Ordering::Acquire) => {
                remote(Control::Stop);
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
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
