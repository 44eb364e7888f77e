//! Context switches and the number of connections.

use crate::claims::judge::{ruling, switches};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};

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
    let of = |column| switches(evidence, column);
    let (one, many, crowd) = (of("epoll@1")?, of("epoll@64")?, of("epoll@1000")?);
    let (verdict, so) = match (one.value(), crowd.value()) {
        (one, crowd) if crowd * FEWER < one => (
            Verdict::Fails,
            "The busier the server, the less it sleeps: one of many connections is always ready. Measured up to 1000; \
             more only go on in that direction.",
        ),
        (one, crowd) if crowd >= one => (Verdict::Holds, "More connections brought no fewer switches."),
        _ => (Verdict::Partly, "More connections brought fewer switches, but not many fewer."),
    };
    let says = format!(
        "{:.3} context switches an echo with one connection, {:.4} with 64, {:.4} with 1000. {so}",
        one.value(),
        many.value(),
        crowd.value()
    );
    ruling(verdict, says, vec![one, many, crowd])
}
