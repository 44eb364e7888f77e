//! Switches and the slowest answers.

use crate::claims::judge::{between, ruling, switches_in, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "lower-tail",
    says: "Fewer context switches give lower tail latency.",
    rests_on: RestsOn::Times,
    needs: &["tail"],
    authority: "Little, \"A Proof for the Queuing Formula L = λW\", Operations Research 9 (1961): at the same rate, time in \
                the queue grows with its length, and a server that never sleeps is one that always has somebody waiting",
    would_change: "fewer switches at the same load and the same queue",
    rule,
};

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let tail = |server| evidence.number_in("tail", server, MetricId::LatencyP99Ns);
    let of = |server| switches_in(evidence, "tail", server);
    let (few, many) = (of("epoll@1000")?, of("epoll@1")?);
    let (crowded, alone) = (tail("epoll@1000")?, tail("epoll@1")?);
    let says = format!(
        "With one connection epoll switched {:.2} times an echo, and 1 in 100 took longer than {:.0} us. With 1000 it \
         switched {:.4} times, and 1 in 100 took longer than {:.0} us.",
        many.value(),
        alone.value() / 1e3,
        few.value(),
        crowded.value() / 1e3,
    );
    if few.value() * 4.0 > many.value() {
        return Err(between(says));
    }
    let (verdict, so) = match times(&crowded, &alone) {
        longer if longer >= 1.2 => {
            (Verdict::Fails, "Switches went down, the tail went up: it follows the queue.")
        }
        longer if longer <= 0.8 => (Verdict::Holds, "Both went down."),
        _ => return Err(between(says)),
    };
    ruling(verdict, format!("{says} {so}"), vec![many, alone, few, crowded])
}
