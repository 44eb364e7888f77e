//! When rules began to hold: looked at now and then as a trace grows, or all along a recorded one.

use super::{Cursor, World, insight};
use crate::trace::{Found, Purpose, Trace};

/// Between two looks at a growing trace, nanoseconds of its time.
const LOOK_NS: u64 = 250_000_000;

/// Looks at a recorded trace.
const LOOKS: u64 = 96;

/// Who looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Survey {
    /// When a look is due again, nanoseconds since the trace's zero.
    due_ns: u64,
}

impl Survey {
    /// Looks at what a growing trace holds now, if enough time has passed since the last look.
    pub fn go_on(&mut self, trace: &mut Trace, cursor: &mut Cursor) {
        let end_ns = trace.end_ns();
        if end_ns >= self.due_ns {
            self.due_ns = end_ns.saturating_add(LOOK_NS);
            look(trace, cursor, end_ns);
        }
    }

    /// Looks all along a trace that is there as a whole.
    pub fn whole(trace: &mut Trace, cursor: &mut Cursor) {
        let end_ns = trace.end_ns();
        for step in 1..=LOOKS {
            let t_ns = u128::from(end_ns) * u128::from(step) / u128::from(LOOKS);
            look(trace, cursor, u64::try_from(t_ns).unwrap_or(end_ns));
        }
    }
}

fn look(trace: &mut Trace, cursor: &mut Cursor, t_ns: u64) {
    let found: Vec<Found> = found(&cursor.world(trace, t_ns), t_ns);
    found.into_iter().for_each(|found| trace.find(found));
}

fn found(world: &World<'_>, t_ns: u64) -> Vec<Found> {
    let measured = |server: u32| {
        let of = |run: &&std::sync::Arc<super::RunWorld>| run.start.server == server;
        world.runs.iter().filter(of).any(|run| run.start.purpose == Purpose::Measure)
    };
    let mut all = Vec::new();
    for (server, view) in (0..).zip(world.servers()) {
        if measured(server) {
            let holding = insight::INSIGHTS.iter().filter(|rule| (rule.rule)(&view).is_some());
            all.extend(holding.map(|rule| Found { t_ns, server, id: rule.id }));
        }
    }
    all
}
