//! A limit that is not the server's.

use super::{Insight, ServerView, share_of_cpu};
use crate::trace::Pace;

/// Shorter runs are no evidence.
const DURATION_NS_MIN: u64 = 50_000_000;

pub const INSIGHT: Insight = Insight {
    id: "client-bottleneck",
    title: "the client is the bottleneck",
    general: "The client used its processor up while the server had time to spare: requests per second say how fast \
              the client is, not the server.",
    fix: "Compare processor time and counts per request instead, or load the server from more processors.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let duration_ns = view.sum.duration_ns;
    let client = share_of_cpu(view.sum.client_cpu_ns, duration_ns);
    let server =
        view.sum.threads.values().map(|thread| share_of_cpu(thread.cpu_ns, duration_ns)).fold(0.0, f64::max);
    let behind = view.load().pace != Pace::Max && view.latest().is_some_and(|run| run.client.late > 0);
    let bound = client >= 0.93 && server <= 0.93 && server < client;
    (duration_ns >= DURATION_NS_MIN && bound && (view.load().pace == Pace::Max || behind)).then(|| {
        format!(
            "the client was on a processor for {:.0} % of the time, the server for {:.0} %",
            client * 100.0,
            server * 100.0
        )
    })
}
