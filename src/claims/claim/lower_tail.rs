//! Switches and the slowest answers.

use crate::claims::judge::{between, ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "lower-tail",
    says: "Fewer context switches give lower tail latency.",
    rests_on: RestsOn::Times,
    needs: &["epoll@1", "epoll@64", "epoll@1000"],
    authority: "queueing: a server that never sleeps is one that always has somebody waiting",
    would_change: "fewer switches at the same load and the same queue",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let switches = |column| evidence.number(column, MetricId::VoluntarySwitchesPerRequest);
    let tail = |column| evidence.number(column, MetricId::LatencyP99Ns);
    let (few, many) = (switches("epoll@1000")?, switches("epoll@1")?);
    let (crowded, alone) = (tail("epoll@1000")?, tail("epoll@1")?);
    let says = format!(
        "With 1000 connections epoll switched {:.4} times an echo and 1 in 100 took longer than {:.0} us; with one connection \
         {:.2} times and {:.0} us. Switches went down, the tail went up: it follows the queue.",
        few.value(),
        crowded.value() / 1e3,
        many.value(),
        alone.value() / 1e3
    );
    if few.value() * 4.0 > many.value() {
        return Err(between(says));
    }
    let verdict = match times(&crowded, &alone) {
        longer if longer >= 1.2 => Verdict::Fails,
        longer if longer <= 0.8 => Verdict::Holds,
        _ => return Err(between(says)),
    };
    ruling(verdict, says, vec![many, alone, few, crowded])
}
