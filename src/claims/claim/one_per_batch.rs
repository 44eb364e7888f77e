//! What a batch costs, if there is one.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "one-per-batch",
    says: "io_uring pays one system call per batch.",
    rests_on: RestsOn::Counts,
    needs: &["uring-naive@64", "uring@64"],
    authority: "io_uring_enter(2): to_submit entries are taken in one call; nobody makes a program collect them first",
    would_change: "whether the program submits when it has something, or when it has all it can have",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let calls = |column| evidence.number(column, MetricId::SyscallsPerRequest);
    let (naive, batched) = (calls("uring-naive@64")?, calls("uring@64")?);
    let verdict = match (naive.value(), batched.value()) {
        (naive, batched) if naive < 0.9 && batched < 0.9 => Verdict::Holds,
        (_, batched) if batched >= 1.0 => Verdict::Fails,
        _ => Verdict::Partly,
    };
    let says = format!(
        "Only if you batch: {:.2} calls an echo when each entry is handed over by itself, {:.3} when everything that is \
         there goes together. Same ring, same kernel.",
        naive.value(),
        batched.value()
    );
    ruling(verdict, says, vec![naive, batched])
}
