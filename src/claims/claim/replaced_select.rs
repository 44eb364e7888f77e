//! What does not scale about select and poll.

use crate::claims::judge::{between, ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "replaced-select",
    says: "select and poll do not scale, epoll does.",
    rests_on: RestsOn::Times,
    needs: &["active", "idle"],
    authority: "Banga, Mogul, Druschel, \"A Scalable and Explicit Event Delivery Mechanism for UNIX\", USENIX 1999: the \
                cost of select follows the descriptors that it is given",
    would_change: "how many connections do nothing: only those are searched in vain",
    rule,
};

/// From here on idle connections cost.
const COSTS: f64 = 3.0;

/// Up to here it makes no difference.
const SAME: f64 = 1.5;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let cost = |experiment, server| evidence.number_in(experiment, server, MetricId::CpuNsPerRequest);
    let (poll, epoll) = (cost("active", "poll")?, cost("active", "epoll")?);
    let (poll_idle, epoll_idle) = (cost("idle", "poll")?, cost("idle", "epoll")?);
    let (active, idle) = (times(&poll, &epoll), times(&poll_idle, &poll));
    let says = format!(
        "With ten connections, all active, poll costs {active:.2} times what epoll does. Beside 4000 that do nothing it \
         costs {idle:.1} times as much as before, and epoll {:.2} times. (poll stands for both: select, too, is given \
         its descriptors anew each time.)",
        times(&epoll_idle, &epoll)
    );
    let (verdict, so) = match (idle, active) {
        (idle, _) if idle < SAME => (Verdict::Fails, "Idle connections cost poll nothing."),
        (idle, _) if idle < COSTS => return Err(between(says)),
        _ if times(&epoll_idle, &epoll) >= COSTS => return Err(between(says)),
        (_, active) if active > SAME => (Verdict::Holds, "It costs more from the beginning."),
        _ => (Verdict::Partly, "Only those that do nothing show it: they are searched in vain."),
    };
    ruling(verdict, format!("{says} {so}"), vec![poll, epoll, poll_idle, epoll_idle])
}
