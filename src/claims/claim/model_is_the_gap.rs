//! Model or features.

use crate::claims::judge::{ruling, times};
use crate::claims::{Claim, Evidence, RestsOn, Ruling, Untestable, Verdict};
use crate::world::MetricId;

pub const CLAIM: Claim = Claim {
    id: "model-is-the-gap",
    says: "Readiness against completion drives most of the gap between epoll and io_uring.",
    rests_on: RestsOn::Counts,
    needs: &["epoll@64", "uring-naive@64", "uring@64"],
    authority: "an ablation: the completion model alone, then one feature more",
    would_change: "a completion server without any batching that made fewer calls than epoll",
    rule,
};

/// Of epoll's calls: as many, and hardly any.
const AS_MANY: f64 = 0.75;
const HARDLY_ANY: f64 = 0.25;

fn rule(evidence: &Evidence) -> Result<Ruling, Untestable> {
    let calls = |column| evidence.number(column, MetricId::SyscallsPerRequest);
    let (epoll, naive, batched) = (calls("epoll@64")?, calls("uring-naive@64")?, calls("uring@64")?);
    let verdict = match (times(&naive, &epoll), times(&batched, &epoll)) {
        (model, features) if model >= AS_MANY && features <= HARDLY_ANY => Verdict::Fails,
        (model, _) if model <= HARDLY_ANY => Verdict::Holds,
        _ => Verdict::Partly,
    };
    let says = format!(
        "The features do: a completion server that submits one by one makes {:.2} calls an echo, epoll {:.2}; the same server \
         in batches {:.3}. The model did not change between the last two.",
        naive.value(),
        epoll.value(),
        batched.value()
    );
    ruling(verdict, says, vec![epoll, naive, batched])
}
