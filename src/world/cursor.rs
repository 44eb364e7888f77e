//! A cursor over a trace: seeks to any time without folding from the beginning each time.
//!
//! Every so many records of a run it keeps a copy of the fold, no more of them than a bound allows. Seeking starts at the last copy before the
//! time; a property test holds it to [`World::at`].

use std::sync::Arc;

use super::{RunWorld, World};
use crate::trace::Trace;

/// Records between two checkpoints at first: seeking folds at most so many.
const STRIDE: usize = 2048;

/// Checkpoints of a run: beyond them every second one goes and they stand twice as far apart. A million records keep
/// at most so many, 8192 records apart.
const CHECKPOINTS_MAX: usize = 160;

/// The same of a run whose copies are large: thousands of threads and sockets stand in each.
const PARTS_MAX: usize = 400_000;

/// Checkpoints of each run of one growing trace.
#[derive(Debug, Default)]
pub struct Cursor {
    runs: Vec<RunCursor>,
}

#[derive(Debug)]
struct RunCursor {
    /// Records between two checkpoints.
    stride: usize,
    /// `checkpoints[i]` is the fold of the first `(i + 1) * stride` records.
    checkpoints: Vec<Arc<RunWorld>>,
    /// The fold as it was last asked for, and how many records it holds: a live view goes on from here.
    /// Its frame is gone by then, so it is moved on in place; of a run that has nothing new nothing is copied.
    last: Option<(usize, Arc<RunWorld>)>,
}

impl Default for RunCursor {
    fn default() -> Self {
        Self { stride: STRIDE, checkpoints: Vec::new(), last: None }
    }
}

impl Cursor {
    /// A cursor at the beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// The world at `t_ns`. The trace must be the same at every call, or have grown at its end.
    pub fn world<'t>(&mut self, trace: &'t Trace, t_ns: u64) -> World<'t> {
        self.runs.resize_with(trace.runs().len().max(self.runs.len()), RunCursor::default);
        let begun = trace.runs().iter().zip(&mut self.runs);
        let begun = begun.filter_map(|(run, cursor)| Some(cursor.seek(run, run.own_ns(t_ns)?)));
        let runs = begun.collect();
        World::of(trace, t_ns, runs)
    }
}

impl RunCursor {
    fn seek(&mut self, run: &crate::trace::Run, t_ns: u64) -> Arc<RunWorld> {
        let until = run.records.partition_point(|(at_ns, _)| *at_ns <= t_ns);
        let (mut done, mut world) = self.start_before(run, until);
        if done < until {
            let world = Arc::make_mut(&mut world);
            while done < until {
                let (at_ns, record) = &run.records[done];
                world.apply(*at_ns, record);
                done += 1;
                if done == (self.checkpoints.len() + 1) * self.stride {
                    self.keep(Arc::new(world.clone()));
                }
            }
        }
        self.last = Some((done, Arc::clone(&world)));
        world
    }

    /// One more checkpoint; memory stays within bounds however long the run is.
    fn keep(&mut self, world: Arc<RunWorld>) {
        let parts = parts(&world).max(1);
        self.checkpoints.push(world);
        if self.checkpoints.len() > CHECKPOINTS_MAX.min((PARTS_MAX / parts).max(4)) {
            // The second, the fourth, … stand where the first, the second, … of the wider stride do.
            let mut place = 0;
            self.checkpoints.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            self.stride *= 2;
        }
    }

    /// The nearest fold that holds no record after `until`.
    fn start_before(&mut self, run: &crate::trace::Run, until: usize) -> (usize, Arc<RunWorld>) {
        let checkpoint = (until / self.stride).min(self.checkpoints.len());
        match self.last.take() {
            Some((done, world)) if done <= until && done >= checkpoint * self.stride => (done, world),
            _ if checkpoint > 0 => (checkpoint * self.stride, Arc::clone(&self.checkpoints[checkpoint - 1])),
            _ => (0, Arc::new(RunWorld::of(run))),
        }
    }
}

/// How much of a fold is copied with it: calls, requests and entries that are kept, threads, sockets, interest lists.
fn parts(world: &RunWorld) -> usize {
    let threads = |totals: &Option<crate::trace::ProcessTotals>| {
        totals.as_ref().map_or(0, |totals| totals.threads.len())
    };
    let window = &world.window;
    let interest: usize = world.epoll_sets.iter().map(|set| set.interest.len()).sum();
    let kept = window.calls.len() + window.echoes.len() + window.entries.len();
    kept + threads(&world.first) + threads(&world.process) + world.sockets.len() + interest
}
