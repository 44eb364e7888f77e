//! Connections that are over and never closed.

use super::{Insight, ServerView};

/// Readings in a row: so long nobody came to close them.
const READINGS_MIN: u64 = 5;

/// Fewer may be meant: a peer that has said all and waits for a long answer.
const SOCKETS_MIN: usize = 8;

pub const INSIGHT: Insight = Insight {
    id: "left-open",
    title: "connections that are over stay open",
    general: "The peers have closed, the program has read to the end (a read answered 0), and it keeps the descriptors: \
              they stand in CLOSE_WAIT, for which there is no time limit. Each takes a descriptor and memory, until \
              accept answers EMFILE and nobody is served any more.",
    fix: "When a read answers 0 and nothing is left to send, close the descriptor; in Rust drop its owner, which somebody \
          still holds.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let run = view.latest()?;
    let left: Vec<_> = run.left_open.since(READINGS_MIN).collect();
    (left.len() >= SOCKETS_MIN).then(|| {
        let readings = left.iter().min().copied().unwrap_or(0);
        format!(
            "{} of {} connections are in CLOSE_WAIT with nothing left to receive or to send, in {readings} readings in a \
             row",
            left.len(),
            run.sockets.iter().filter(|socket| !socket.listening).count()
        )
    })
}
