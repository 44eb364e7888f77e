//! How much faster, and at what.

use crate::claims::judge::{between, ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "two-to-three-times",
    says: "io_uring is two to three times faster than epoll.",
    rests_on: RestsOn::Times,
    needs: &["ladder", "nops"],
    authority: "published comparisons go from 8 % slower to 130 % faster, by workload",
    would_change: "a workload whose cost is the system calls themselves and not what the kernel does in them",
    rule,
};

/// A clear gain, and none to speak of.
const CLEAR: f64 = 1.8;
const NONE: f64 = 1.5;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let cost = |server| evidence.number_in("ladder", server, MetricId::CpuNsPerRequest);
    let (epoll, naive, batched, best) =
        (cost("epoll")?, cost("uring-naive")?, cost("uring")?, cost("uring-multishot")?);
    let alone = evidence.number_in("nops", "nops-alone", MetricId::CpuNs)?;
    let in_batches = evidence.number_in("nops", "nops-in-batches", MetricId::CpuNs)?;
    let least = if best.value() < batched.value() { &best } else { &batched };
    let (echo, nop) = (times(&epoll, least), times(&alone, &in_batches));
    let says = format!(
        "An echo over TCP costs epoll {echo:.2} times what the best ring costs: nearly all of it is the kernel's work on the \
         connection. Operations that do nothing cost {nop:.1} times as much one by one as in batches of 32: that is the upper \
         bound."
    );
    let verdict = match (echo, nop) {
        (echo, _) if echo >= CLEAR => Verdict::Holds,
        (echo, nop) if echo < NONE && nop >= CLEAR => Verdict::Partly,
        (echo, nop) if echo < NONE && nop < 1.2 => Verdict::Fails,
        _ => return Err(between(says)),
    };
    ruling(verdict, says, vec![epoll, naive, batched, best, alone, in_batches])
}
