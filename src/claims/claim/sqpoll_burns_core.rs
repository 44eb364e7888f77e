//! What an SQPOLL thread does without work.

use crate::claims::judge::ruling;
use crate::claims::{Claim, Evidence, Number, RestsOn, Ruling, Untestable, Verdict};
use crate::trace::Rung;
use crate::world::{Measured, RingDeltas};

pub const CLAIM: Claim = Claim {
    id: "sqpoll-burns-core",
    says: "SQPOLL burns one core continuously.",
    rests_on: RestsOn::Counts,
    needs: &["sqpoll-idle"],
    authority: "io_uring_setup(2), sq_thread_idle: the thread goes to sleep when nothing has come for so long, and sets \
                IORING_SQ_NEED_WAKEUP; 0 means one second (io_uring/sqpoll.c), whatever a manual says",
    would_change: "work that comes more often than sq_thread_idle: then it never sleeps",
    rule,
};

/// The name of such threads, their process id left out.
const POLLER: &str = "iou-sqp";

/// Processor time that one NOP does not explain, nanoseconds. A thread that spins for a second has more of it even
/// where a hundred others want the processor.
const SPUN_NS: u64 = 5_000_000;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let (cpu_ns, asleep) = evidence.view("sqpoll-idle", "sqpoll-idle", |view| {
        let threads = &view.sum.threads;
        let pollers =
            threads.iter().filter(|(name, _)| name.starts_with(POLLER)).map(|(_, thread)| thread.cpu_ns);
        let asleep = |ring: &RingDeltas| {
            ring.asleep_seen > 0 || ring.now.sq_flags.iter().any(|flag| flag == "NEED_WAKEUP")
        };
        match view.sum.rings.is_empty() {
            true => Err(view
                .refusal_of(Rung::Ring)
                .cloned()
                .map_or_else(|| Untestable::because("its ring could not be read"), Untestable::from)),
            false => Ok((pollers.sum::<u64>(), view.sum.rings.iter().any(asleep))),
        }
    })?;
    let (verdict, so) = match (cpu_ns > SPUN_NS, asleep) {
        (true, true) => (
            Verdict::Partly,
            "and then went to sleep: it burns a core between requests that come sooner than sq_thread_idle, and none in \
             longer pauses",
        ),
        (true, false) => (Verdict::Holds, "and was not seen asleep for as long as anybody looked"),
        (false, _) => (Verdict::Fails, "and no more: it did not spin"),
    };
    let says = format!(
        "After a single NOP the kernel's thread used {} ms of processor time {so}.",
        cpu_ns / 1_000_000
    );
    let number = Number {
        name: "iou-sqp: processor time after one NOP".into(),
        unit: "ns in all".into(),
        measured: Measured::known(cpu_ns as f64, Rung::Proc),
    };
    ruling(verdict, says, vec![number])
}
