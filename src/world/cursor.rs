//! A cursor over a trace: seeks to any time without folding from the beginning each time.
//!
//! Every so many records of a run it keeps a copy of the fold. Seeking starts at the last copy before the
//! time; a property test holds it to [`World::at`].

use std::sync::Arc;

use super::{RunWorld, World};
use crate::trace::Trace;

/// Records between two checkpoints: seeking folds at most so many.
const STRIDE: usize = 2048;

/// Checkpoints of each run of one growing trace.
#[derive(Debug, Default)]
pub struct Cursor {
    runs: Vec<RunCursor>,
}

#[derive(Debug, Default)]
struct RunCursor {
    /// `checkpoints[i]` is the fold of the first `(i + 1) * STRIDE` records.
    checkpoints: Vec<Arc<RunWorld>>,
    /// The fold as it was last asked for, and how many records it holds: a live view goes on from here.
    /// Its frame is gone by then, so it is moved on in place; of a run that has nothing new nothing is copied.
    last: Option<(usize, Arc<RunWorld>)>,
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
                if done == (self.checkpoints.len() + 1) * STRIDE {
                    self.checkpoints.push(Arc::new(world.clone()));
                }
            }
        }
        self.last = Some((done, Arc::clone(&world)));
        world
    }

    /// The nearest fold that holds no record after `until`.
    fn start_before(&mut self, run: &crate::trace::Run, until: usize) -> (usize, Arc<RunWorld>) {
        let checkpoint = (until / STRIDE).min(self.checkpoints.len());
        match self.last.take() {
            Some((done, world)) if done <= until && done >= checkpoint * STRIDE => (done, world),
            _ if checkpoint > 0 => (checkpoint * STRIDE, Arc::clone(&self.checkpoints[checkpoint - 1])),
            _ => (0, Arc::new(RunWorld::of(run))),
        }
    }
}
