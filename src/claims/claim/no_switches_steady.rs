//! io_uring and sleeping.

use crate::claims::judge::{ruling, switches};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};

pub const CLAIM: Claim = Claim {
    id: "no-switches-steady",
    says: "With io_uring there are no context switches per operation in steady state.",
    rests_on: RestsOn::Counts,
    needs: &["uring@1", "uring@64"],
    authority: "io_uring_enter(2): with IORING_ENTER_GETEVENTS it sleeps until min_complete completions are there",
    would_change: "work that never runs out, or a program that looks at the queue instead of waiting",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let (one, many) = (switches(evidence, "uring@1")?, switches(evidence, "uring@64")?);
    let (verdict, so) = match one.value() {
        each if each >= 0.5 => (Verdict::Fails, "Whoever has nothing to do sleeps, ring or not."),
        each if each < 0.02 && many.value() < 0.02 => (Verdict::Holds, "Hardly ever did the server sleep."),
        _ => (Verdict::Partly, "It depends on how much there is to do."),
    };
    let says = format!(
        "{so} {:.2} switches an echo with one connection; {:.4} with 64, where a wake-up finds many that have \
         something.",
        one.value(),
        many.value()
    );
    ruling(verdict, says, vec![one, many])
}
