//! One server, all its runs together: what faces show side by side.

use super::{Deltas, Measured, MetricId, RunWorld, WindowView, World, insight};
use crate::servers::Server;
use crate::trace::{Counts, End, Header, Load, Machine, Purpose, Refusal, Rung};

/// A server in a world.
#[derive(Clone, Debug)]
pub struct ServerView<'w> {
    /// Its name.
    pub name: &'w str,
    /// Its row in the table; `None` for a name this iolab does not know.
    pub server: Option<&'static Server>,
    /// The trace's header.
    pub header: &'w Header,
    /// Its measured rounds.
    pub rounds: Vec<&'w RunWorld>,
    /// All rounds added up.
    pub sum: Deltas,
    /// Its windows added up.
    pub window: WindowView,
    /// Its rounds without probes, added up (only with `--probe-cost`).
    pub unobserved: Option<Deltas>,
    /// All its runs, of every purpose.
    pub runs: Vec<&'w RunWorld>,
}

impl<'w> ServerView<'w> {
    pub(super) fn new(world: &'w World<'_>, index: u32) -> Self {
        let name = world.header.servers[index as usize].as_str();
        let runs: Vec<_> = world.runs.iter().filter(|run| run.start.server == index).collect();
        let rounds: Vec<_> =
            runs.iter().copied().filter(|run| run.start.purpose == Purpose::Measure).collect();
        let mut window = WindowView::default();
        runs.iter().for_each(|run| window.merge(&run.window));
        let unobserved: Vec<_> =
            runs.iter().copied().filter(|run| run.start.purpose == Purpose::Unobserved).collect();
        Self {
            name,
            server: crate::servers::by_name(name),
            header: world.header,
            sum: sum(&rounds),
            window,
            unobserved: (!unobserved.is_empty()).then(|| sum(&unobserved)),
            rounds,
            runs,
        }
    }

    /// The load.
    pub fn load(&self) -> &'w Load {
        &self.header.load
    }

    /// The machine.
    pub fn machine(&self) -> &'w Machine {
        &self.header.capabilities.machine
    }

    /// A metric over all rounds, with their spread; `None` where it does not apply to this server.
    pub fn metric(&self, id: MetricId) -> Option<Measured> {
        let all = id.of(self, &self.sum)?;
        let rounds: Vec<_> =
            self.rounds.iter().filter_map(|round| id.of(self, &round.deltas())?.value()).collect();
        Some(all.with_spread_of(&rounds))
    }

    /// The latest run of any purpose, whose state is what stands in the kernel now.
    pub fn latest(&self) -> Option<&'w RunWorld> {
        self.rounds.last().or(self.runs.last()).copied()
    }

    /// Why the whole server could not run, if so.
    pub fn refused(&self) -> Option<&'w Refusal> {
        self.runs.iter().find_map(|run| match &run.end {
            Some(End::Refused { refusal }) => Some(refusal),
            _ => None,
        })
    }

    /// Why a rung gave nothing.
    pub fn refusal_of(&self, rung: Rung) -> Option<&'w Refusal> {
        self.runs.iter().find_map(|run| run.refused.get(&rung))
    }

    /// All latencies of the measured rounds.
    pub fn latency_ns(&self) -> Counts {
        let mut all = Counts::default();
        self.rounds.iter().for_each(|round| all.merge(&round.client.latency_ns));
        all
    }

    /// The insights that hold.
    pub fn insights(&self) -> Vec<insight::Finding> {
        insight::findings(self)
    }
}

fn sum(runs: &[&RunWorld]) -> Deltas {
    let mut sum = Deltas::default();
    runs.iter().for_each(|run| sum.add(&run.deltas()));
    sum
}
