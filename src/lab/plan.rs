//! What is to be run: the checked form of what a person asked for.

use super::cpus::Placement;
use crate::servers::{Column, Options, Polls};
use crate::trace::{Capabilities, Load, Pace, Probing, Refusal, Rung};

/// Rounds in which a closed loop alternates between its servers: an odd number, so that a middle exists, and
/// enough to show a spread.
const ROUNDS_AT_MAX: u32 = 5;

/// How long a server is loaded when nobody says, nanoseconds, all rounds together.
const DURATION_NS_DEFAULT: u64 = 3_000_000_000;

/// How long those that cannot run together run before the next ones, nanoseconds: long enough to read.
const TURN_NS: u64 = 3_000_000_000;

/// When a plan ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// When its load says.
    Bounded,
    /// When it is stopped.
    Endless,
    /// When it is stopped; whoever cannot run with the others takes turns with them.
    Turns,
}

/// When the story is told at full speed, where this machine allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OpenWindows {
    /// Once from rest to rest, then for 200 ms of each second.
    #[default]
    Auto,
    /// All the time: to measure what that costs.
    Always,
    /// Never: to measure what it saves.
    Never,
}

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
    /// When the story is told.
    pub windows: OpenWindows,
    /// Whether rounds without probes alternate with the others.
    pub probe_cost: bool,
    /// When it ends.
    pub length: Length,
    /// Rounds of each server.
    pub rounds: u32,
    /// Where server and client run.
    pub placement: Placement,
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
            windows: OpenWindows::Auto,
            probe_cost: false,
            length: Length::Bounded,
            rounds,
            placement: Placement::default(),
        }
    }

    /// A plan that runs until it is stopped.
    pub fn endless(columns: Vec<Column>, load: Load) -> Self {
        let load = Load { requests: None, duration_ns: None, ..load };
        let mut plan = Self { length: Length::Endless, rounds: 1, ..Self::new(columns, load.clone()) };
        plan.load = load;
        if plan.groups().len() > 1 {
            (plan.length, plan.rounds) = (Length::Turns, u32::MAX);
        }
        plan
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
        match self.length {
            Length::Endless => (None, None),
            Length::Turns => (None, Some(TURN_NS)),
            Length::Bounded => {
                let rounds = u64::from(self.rounds);
                let share = |all: u64| all / rounds + u64::from(u64::from(round) < all % rounds);
                (self.load.requests.map(share), self.load.duration_ns.map(|all| all / rounds))
            }
        }
    }

    /// The rung that will count system calls, or the reason why none does.
    pub fn syscall_rung(&self, capabilities: &Capabilities) -> Result<Rung, Refusal> {
        self.probing.syscall_rung(capabilities)
    }
}

impl Probing {
    /// The rung that will count system calls, or the reason why none does.
    pub fn syscall_rung(self, capabilities: &Capabilities) -> Result<Rung, Refusal> {
        let rungs = [
            (Rung::Perf, &capabilities.perf),
            (Rung::PerfUser, &capabilities.perf_user),
            (Rung::Ptrace, &capabilities.ptrace),
        ];
        let mut why = None;
        for (rung, allowed) in rungs {
            if !self.allows(rung) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().filter_map(|name| Column::parse(name)).collect()
    }

    #[test]
    fn whoever_polls_takes_turns_with_the_others() {
        let paced = Load { pace: Pace::PerSecond(1000), ..Load::default() };
        let together = Plan::endless(columns(&["epoll", "uring"]), paced.clone());
        assert_eq!((together.length, together.groups().len()), (Length::Endless, 1));
        assert_eq!(together.round_bounds(0), (None, None));
        let turns = Plan::endless(columns(&["uring", "sqpoll", "epoll-spin"]), paced);
        assert_eq!(turns.groups(), [vec![0], vec![1], vec![2]]);
        assert_eq!((turns.length, turns.round_bounds(7)), (Length::Turns, (None, Some(TURN_NS))));
    }
}
