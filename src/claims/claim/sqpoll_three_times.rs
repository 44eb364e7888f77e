//! The famous three times, and its control.

use crate::claims::judge::{between, ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "sqpoll-three-times",
    says: "SQPOLL is up to three times faster than epoll.",
    rests_on: RestsOn::Times,
    needs: &["pollers"],
    authority: "the control is this course's own: an epoll server that asks with timeout 0",
    would_change: "more than one connection: as soon as there is always work, nobody sleeps, and the gain is gone",
    rule,
};

/// Clearly faster, and not at all.
const FASTER: f64 = 1.4;
const SAME: f64 = 1.1;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let rate = |server| evidence.number_in("pollers", server, MetricId::RequestsPerSecond);
    let (epoll, sqpoll, spin) = (rate("epoll")?, rate("sqpoll")?, rate("epoll-spin")?);
    let (thread, control) = (times(&sqpoll, &epoll), times(&spin, &epoll));
    let says = format!(
        "With one connection SQPOLL answers {thread:.1} times as many requests as epoll that sleeps, and epoll that spins \
         {control:.1} times."
    );
    let (verdict, so) = match (thread, control) {
        (thread, control) if thread >= FASTER && control >= FASTER => (
            Verdict::Holds,
            "The gain is polling instead of sleeping, and costs a processor either way: io_uring is not needed for it.",
        ),
        (thread, _) if thread >= FASTER => (Verdict::Holds, "Polling alone does not explain it."),
        (thread, control) if thread < SAME && control < SAME => {
            (Verdict::Fails, "Where nobody had to be woken there was nothing to gain.")
        }
        _ => return Err(between(says)),
    };
    ruling(verdict, format!("{says} {so}"), vec![epoll, sqpoll, spin])
}
