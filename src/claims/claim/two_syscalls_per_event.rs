//! What epoll pays for an event.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "two-syscalls-per-event",
    says: "epoll pays two system calls per event.",
    rests_on: RestsOn::Counts,
    needs: &["epoll@1", "epoll@64", "epoll-edge@64"],
    authority: "epoll(7): one epoll_wait reports as many descriptors as are ready; edge-triggered ones are to be read \
                until EAGAIN",
    would_change: "how many events wait at each wake-up: a wait is shared by all of them",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let calls = |column| evidence.number(column, MetricId::SyscallsPerRequest);
    let (one, many, edge) = (calls("epoll@1")?, calls("epoll@64")?, calls("epoll-edge@64")?);
    let two = |number: &Number| (1.9..=2.1).contains(&number.value());
    let verdict = match (two(&one), two(&many), two(&edge)) {
        (true, true, true) => Verdict::Holds,
        _ if many.value() > 2.5 && one.value() > 2.5 => Verdict::Fails,
        _ => Verdict::Partly,
    };
    let so = match verdict {
        Verdict::Partly => {
            " The rule behind it: one call for the wake-up, and a read and a write for each connection in it."
        }
        Verdict::Holds => " Two, whatever the number of connections.",
        _ => " Not even many connections brought it down to two.",
    };
    let says = format!(
        "{:.2} calls an echo at one connection, {:.2} at 64, where a wait tells of many, and {:.2} edge-triggered, which \
         asks until EAGAIN.{so}",
        one.value(),
        many.value(),
        edge.value()
    );
    ruling(verdict, says, vec![one, many, edge])
}
