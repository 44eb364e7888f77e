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
    let (verdict, so) = match (naive.value(), batched.value()) {
        (naive, batched) if naive < 0.9 && batched < 0.9 => {
            (Verdict::Holds, "Many entries shared a call either way")
        }
        (_, batched) if batched >= 1.0 => (Verdict::Fails, "No call was shared"),
        _ => (Verdict::Partly, "Only if you batch, and the same ring on the same kernel does either"),
    };
    let says = format!(
        "{so}: {:.2} calls an echo when each entry is handed over by itself, {:.3} when everything that is there goes \
         together.",
        naive.value(),
        batched.value()
    );
    ruling(verdict, says, vec![naive, batched])
}
