//! An edge that was not drained.

use super::{Insight, ServerView};

/// Readings in a row, half a second apart: a second in which nobody came for the bytes.
const READINGS_MIN: u64 = 3;

pub const INSIGHT: Insight = Insight {
    id: "unread-edge",
    title: "an edge was not drained",
    general: "With EPOLLET a descriptor is reported when bytes come, once. The program has received a part of them and \
              waits for the next report, which the rest does not bring: the peer waits for its answer, the server \
              for the peer, and both sleep.",
    fix: "After an edge receive (and accept, and send) until the kernel says EAGAIN; or remember who has not got that \
          far and go on with them after the next wait. Or leave EPOLLET out.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let run = view.latest()?;
    let (mut fds, mut bytes, mut readings) = (0_u64, 0_u64, u64::MAX);
    for (_, left) in run.unread.since(READINGS_MIN) {
        fds += 1;
        bytes = bytes.saturating_add(left.bytes.into());
        readings = readings.min(left.readings);
    }
    let waiting = run.client.sent.saturating_sub(run.client.answered);
    let without_answer = match view.is_observed() {
        // Its clients are not ours.
        true => String::new(),
        false => format!("; {waiting} requests have no answer"),
    };
    (fds > 0).then(|| {
        let (which, hold) = if fds == 1 { ("a descriptor", "holds") } else { ("descriptors", "hold") };
        let which = if fds == 1 { which.to_owned() } else { format!("{fds} {which}") };
        format!(
            "{which} watched with EPOLLET {hold} {bytes} bytes that {readings} readings in a row found unread while \
             the server slept{without_answer}"
        )
    })
}
