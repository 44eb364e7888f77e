//! The stops of a trace, told one after another; what was told can be gone back through.

use std::collections::BTreeSet;

use crate::cli::Exit;
use crate::cli::face::print;
use crate::lesson::Go;
use crate::plain;
use crate::trace::{End, Entry, Header, Trace};
use crate::world::stops::stop_times;
use crate::world::{Cursor, World};

/// A trace and how far it was told.
pub struct Told {
    trace: Trace,
    cursor: Cursor,
    /// The time of the last stop that was told, nanoseconds since the trace's zero.
    at_ns: Option<u64>,
}

impl Told {
    /// Nothing was seen yet.
    pub fn new(header: Header) -> Self {
        Self::of(Trace::new(header))
    }

    /// A whole trace, of which nothing was told.
    pub fn of(trace: Trace) -> Self {
        Self { trace, cursor: Cursor::new(), at_ns: None }
    }

    /// Takes what came.
    pub fn push(&mut self, entries: Vec<Entry>) -> anyhow::Result<()> {
        entries.into_iter().try_for_each(|entry| self.trace.push(entry)).map_err(anyhow::Error::msg)
    }

    /// All that was seen.
    #[cfg(feature = "live")]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The servers.
    pub fn servers(&self) -> &[String] {
        &self.trace.header().servers
    }

    /// Tells the next stop that was not told since; `false` where there is none.
    pub fn forward(&mut self) -> anyhow::Result<bool> {
        let next = self.times().into_iter().find(|t_ns| self.at_ns.is_none_or(|at_ns| *t_ns > at_ns));
        next.map_or(Ok(false), |t_ns| self.tell(t_ns).map(|()| true))
    }

    /// Tells on as far as an order says; `false` where nothing is left to tell.
    pub fn follow(&mut self, go: Go) -> anyhow::Result<bool> {
        let mut any = false;
        while self.forward()? {
            any = true;
            if go == Go::Stop || self.is_there(go) {
                break;
            }
        }
        Ok(any)
    }

    /// Tells the stop before the one that was told last; `false` where there is none.
    pub fn back(&mut self) -> anyhow::Result<bool> {
        let before =
            self.times().into_iter().rev().find(|t_ns| self.at_ns.is_some_and(|at_ns| *t_ns < at_ns));
        before.map_or(Ok(false), |t_ns| self.tell(t_ns).map(|()| true))
    }

    /// How the runs ended, where they did not because somebody left.
    pub fn ends(&self) -> anyhow::Result<Exit> {
        let world = World::at(&self.trace, u64::MAX);
        let mut exit = Exit::Done;
        for run in &world.runs {
            match &run.end {
                None | Some(End::Stopped | End::Done) => {}
                Some(end) => {
                    print(&format!("{}: {end}\n", world.header.servers[run.start.server as usize]))?;
                    exit = if matches!(end, End::Refused { .. }) { Exit::Refused } else { Exit::Failed };
                }
            }
        }
        Ok(exit)
    }

    /// Whether all that was told since ends a request, or brought a completion.
    fn is_there(&self, go: Go) -> bool {
        let world = World::at(&self.trace, self.at_ns.unwrap_or(0));
        world.runs.iter().filter_map(|run| run.stops.now()).any(|seen| match go {
            Go::Request => seen.answers(),
            _ => seen.completes(),
        })
    }

    fn tell(&mut self, t_ns: u64) -> anyhow::Result<()> {
        self.at_ns = Some(t_ns);
        print(&plain::slow::at(&self.cursor.world(&self.trace, t_ns), t_ns))
    }

    fn times(&self) -> BTreeSet<u64> {
        stop_times(&self.trace, None)
    }
}
