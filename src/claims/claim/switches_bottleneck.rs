//! Context switches and the number of connections.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "switches-bottleneck",
    says: "At tens of thousands of connections context switches are the bottleneck.",
    rests_on: RestsOn::Counts,
    needs: &["epoll@1", "epoll@64", "epoll@1000"],
    authority: "getrusage(2) for what is counted; epoll_wait(2): it sleeps only when nothing is ready",
    would_change: "a thread for each connection: then every one of them sleeps and wakes for itself",
    rule,
};

/// So many times fewer is a trend.
const FEWER: f64 = 4.0;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let switches = |column| evidence.number(column, MetricId::VoluntarySwitchesPerRequest);
    let (one, many, crowd) = (switches("epoll@1")?, switches("epoll@64")?, switches("epoll@1000")?);
    let verdict = if crowd.value() * FEWER < one.value() {
        Verdict::Fails
    } else if crowd.value() >= one.value() {
        Verdict::Holds
    } else {
        Verdict::Partly
    };
    let says = format!(
        "The busier the server, the less it sleeps: {:.3} switches an echo with one connection, {:.4} with 64, {:.4} \
         with 1000. With more connections there is always one that is ready.",
        one.value(),
        many.value(),
        crowd.value()
    );
    ruling(verdict, says, vec![one, many, crowd])
}
