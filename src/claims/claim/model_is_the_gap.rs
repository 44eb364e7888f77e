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
    let (verdict, so) = match (times(&naive, &epoll), times(&batched, &epoll)) {
        (model, features) if model >= AS_MANY && features <= HARDLY_ANY => (
            Verdict::Fails,
            "The features do, and here it is batching: between the last two the model did not change.",
        ),
        (model, _) if model <= HARDLY_ANY => (Verdict::Holds, "The model alone spared nearly all of them."),
        _ => (Verdict::Partly, "Both had a part in it."),
    };
    let says = format!(
        "epoll makes {:.2} calls an echo, a completion server that submits one by one {:.2}, the same server in batches \
         {:.3}. {so}",
        epoll.value(),
        naive.value(),
        batched.value()
    );
    ruling(verdict, says, vec![epoll, naive, batched])
}
