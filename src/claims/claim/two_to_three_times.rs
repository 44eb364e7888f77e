//! How much faster, and at what.

use crate::claims::judge::{between, ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "two-to-three-times",
    says: "io_uring is two to three times faster than epoll.",
    rests_on: RestsOn::Times,
    needs: &["ladder", "nops"],
    authority: "both ways, on echo servers of 2020: issue 189 of axboe/liburing found epoll ahead in every test; the benchmarks \
                of frevib/io_uring-echo-server go from as fast with one client to 1.7 times as fast with 500",
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
        "An echo over TCP costs epoll {echo:.2} times what the best ring costs. Operations that do nothing cost {nop:.1} \
         times as much one by one as in batches of 32."
    );
    let (verdict, so) = match (echo, nop) {
        (echo, _) if echo >= CLEAR => (Verdict::Holds, "Here it is so even for an echo."),
        (echo, nop) if echo < NONE && nop >= CLEAR => (
            Verdict::Partly,
            "The second is the upper bound; of an echo nearly everything is the kernel's work on the connection, which \
             stays.",
        ),
        (echo, nop) if echo < NONE && nop < 1.2 => (Verdict::Fails, "Neither gains."),
        _ => return Err(between(says)),
    };
    ruling(verdict, format!("{says} {so}"), vec![epoll, naive, batched, best, alone, in_batches])
}
