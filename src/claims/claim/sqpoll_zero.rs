//! What SQPOLL spares, and what it does not.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "sqpoll-zero",
    says: "SQPOLL needs no system calls.",
    rests_on: RestsOn::Counts,
    needs: &["sqpoll@1"],
    authority: "io_uring_setup(2), IORING_SETUP_SQPOLL: entries are taken without a call while the kernel's thread is awake",
    would_change: "an application that spins on the completion queue instead of waiting, which takes a second processor",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let calls = evidence.number("sqpoll@1", MetricId::SyscallsPerRequest)?;
    let sqes = evidence.number("sqpoll@1", MetricId::SqesPerRequest)?;
    let (verdict, so) = match (calls.value(), sqes.value()) {
        (calls, _) if calls < 0.01 => (Verdict::Holds, "Neither handing over nor waiting needed any."),
        // More calls than entries: nothing was spared.
        (calls, sqes) if calls > sqes * 2.0 => (Verdict::Fails, "The kernel's thread spared none."),
        _ => (
            Verdict::Partly,
            "Handing over needs none while the kernel's thread is awake. But whoever waits for the answer waits in \
             io_uring_enter.",
        ),
    };
    let says = format!(
        "With one connection {:.2} entries an echo went to the kernel's thread, and the server made {:.2} calls an echo. \
         {so}",
        sqes.value(),
        calls.value()
    );
    ruling(verdict, says, vec![calls, sqes])
}
