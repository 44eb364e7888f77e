//! A limit that is not the server's.

use super::{Insight, ServerView, share_of_cpu};
use crate::servers::Model;
use crate::trace::Pace;

/// Shorter runs are no evidence.
const DURATION_NS_MIN: u64 = 50_000_000;

/// From here on a process has used its processor up.
const BUSY: f64 = 0.93;

/// Up to here it had time to spare.
const AT_EASE: f64 = 0.9;

/// An open loop has fallen behind when more than this share of its requests was not sent by its end.
const LATE_SHARE: f64 = 0.05;

pub const INSIGHT: Insight = Insight {
    id: "client-bottleneck",
    title: "the client is the bottleneck",
    general: "The client used its processor up, or fell behind its schedule, while the server had time to spare: \
              requests per second say how fast the client is, not the server.",
    fix: "Compare processor time and counts per request instead, or ask for less: a lower rate, smaller messages.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let duration_ns = view.sum.duration_ns;
    let client = share_of_cpu(view.sum.client_cpu_ns, duration_ns);
    let processors = processors_of(view);
    // Threads of one name are added up.
    let busiest_ns = view.sum.threads.values().map(|thread| thread.cpu_ns).max().unwrap_or(0);
    let server = share_of_cpu(busiest_ns, duration_ns) / f64::from(processors);
    let behind = match view.load().pace {
        Pace::Max if client >= BUSY && server <= AT_EASE => String::new(),
        // Falling behind proves that somebody was too slow, also where both had to share their processors with
        // others: it was the one who had more to do.
        Pace::PerSecond(rate) if client > server && server <= AT_EASE => {
            let late = view.over_clients(|client| client.late);
            let delayed = view.over_clients(|client| client.delayed);
            let all = view.over_clients(|client| client.sent).saturating_add(late).max(1) as f64;
            // A server that takes nothing any more makes requests late that the client came to in time.
            (late as f64 / all > LATE_SHARE && delayed as f64 / all > LATE_SHARE)
                .then(|| format!("at {rate} a second {late} requests were due and not sent: "))?
        }
        _ => return None,
    };
    let of_each = match processors {
        1 => String::new(),
        several => format!(" of what {several} processors give"),
    };
    (duration_ns >= DURATION_NS_MIN).then(|| {
        format!(
            "{behind}the client was on a processor for {:.0} % of the time, the server for {:.0} %{of_each}",
            client * 100.0,
            server * 100.0
        )
    })
}

/// How many processors the server's threads of one name can use at once.
fn processors_of(view: &ServerView<'_>) -> u32 {
    match view.server.map(|server| server.model) {
        // The client needs one.
        Some(Model::Threads) => view.machine().cpus.saturating_sub(1).max(1),
        _ => 1,
    }
}
