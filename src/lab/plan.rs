//! What is to be run: the checked form of what a person asked for.

use crate::servers::{Column, Options, Polls};
use crate::trace::{Capabilities, Load, Pace, Probing, Refusal, Rung};

/// Rounds in which a closed loop alternates between its servers: an odd number, so that a middle exists, and
/// enough to show a spread.
const ROUNDS_AT_MAX: u32 = 5;

/// How long a server is loaded when nobody says, nanoseconds, all rounds together.
const DURATION_NS_DEFAULT: u64 = 3_000_000_000;

/// A lab to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The servers, in the order they are shown.
    pub columns: Vec<Column>,
    /// What their clients do.
    pub load: Load,
    /// What the servers are told.
    pub options: Options,
    /// Which probes watch.
    pub probing: Probing,
    /// Whether rounds without probes alternate with the others.
    pub probe_cost: bool,
    /// Whether the run goes on until it is stopped; else `load` bounds it.
    pub endless: bool,
    /// Rounds of each server.
    pub rounds: u32,
}

impl Plan {
    /// A plan with the usual number of rounds; a bounded load gets a length if it has none.
    pub fn new(columns: Vec<Column>, mut load: Load) -> Self {
        if load.requests.is_none() && load.duration_ns.is_none() {
            load.duration_ns = Some(DURATION_NS_DEFAULT);
        }
        let rounds = if load.pace == Pace::Max { ROUNDS_AT_MAX } else { 1 };
        let rounds = load.requests.map_or(rounds, |requests| rounds.min(requests.clamp(1, 5) as u32));
        Self {
            columns,
            load,
            options: Options::default(),
            probing: Probing::Auto,
            probe_cost: false,
            endless: false,
            rounds,
        }
    }

    /// A plan that runs until it is stopped.
    pub fn endless(columns: Vec<Column>, load: Load) -> Self {
        let load = Load { requests: None, duration_ns: None, ..load };
        Self { endless: true, rounds: 1, ..Self::new(columns, load.clone()) }.with_load(load)
    }

    fn with_load(mut self, load: Load) -> Self {
        self.load = load;
        self
    }

    /// Which servers run at the same time: in a closed loop each alone, in turn; paced ones together, but
    /// whoever polls alone, because pollers take the processors that the others are measured on.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let all = 0..self.columns.len();
        if self.load.pace == Pace::Max {
            return all.map(|index| vec![index]).collect();
        }
        let (sleepers, pollers): (Vec<_>, Vec<_>) =
            all.partition(|&index| self.columns[index].server.polls == Polls::Never);
        let together = (!sleepers.is_empty()).then_some(sleepers);
        together.into_iter().chain(pollers.into_iter().map(|index| vec![index])).collect()
    }

    /// The bounds of one round: (requests, nanoseconds).
    pub fn round_bounds(&self, round: u32) -> (Option<u64>, Option<u64>) {
        let rounds = u64::from(self.rounds);
        let requests =
            self.load.requests.map(|all| all / rounds + u64::from(u64::from(round) < all % rounds));
        (requests, self.load.duration_ns.map(|all| all / rounds))
    }

    /// The rung that will count system calls, or the reason why none does.
    pub fn syscall_rung(&self, capabilities: &Capabilities) -> Result<Rung, Refusal> {
        let rungs = [
            (Rung::Perf, &capabilities.perf),
            (Rung::PerfUser, &capabilities.perf_user),
            (Rung::Ptrace, &capabilities.ptrace),
        ];
        let mut why = None;
        for (rung, allowed) in rungs {
            if !self.probing.allows(rung) {
                continue;
            }
            if allowed.is_usable() {
                return Ok(rung);
            }
            why = why.or(allowed.refusal().cloned());
        }
        Err(why.unwrap_or_else(|| Refusal {
            layer: crate::trace::Layer::Limit,
            says: "--probe leaves out every rung that counts system calls".into(),
            try_this: "--probe auto".into(),
        }))
    }
}
