//! One connection is served, and the others wait.

use super::{Insight, ServerView};

/// Reads in a row. A message of some pieces is received to its end by whoever drains, and who bounds the turns lets
/// each have a dozen or so.
const READS_MIN: u64 = 17;

pub const INSIGHT: Insight = Insight {
    id: "long-turn",
    title: "one connection keeps the others waiting",
    general: "Several descriptors were reported together, and the program reads from one of them for as long as \
              something comes. How long that is the peer decides: one that sends faster than it is read from is served \
              alone, and the others starve although they are ready.",
    fix: "Bound each turn: so many reads or bytes, then the next one. What is left is reported again (level-triggered), \
          or is kept in a list of those who have more (edge-triggered).",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let turns = &view.window.habits.turns;
    (turns.reads >= READS_MIN && view.window.lost == 0).then(|| {
        let others = match turns.waited {
            1 => "another one".to_owned(),
            many => format!("{many} others"),
        };
        format!(
            "{} reads in a row from one descriptor ({} bytes) while {others} waited, which the same wait had reported",
            turns.reads, turns.bytes
        )
    })
}
