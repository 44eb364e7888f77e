//! A system call for every byte.

use super::{Insight, ServerView};

/// Fewer are no evidence.
const READS_MIN: u64 = 50;

/// Of all calls.
const SHARE_MIN: f64 = 0.4;

pub const INSIGHT: Insight = Insight {
    id: "tiny-reads",
    title: "a system call for a byte or two",
    general: "A read costs nearly the same for one byte as for a page. The program asks for a few bytes at a time, gets \
              them, and asks the same descriptor again: all of it was there already, and one call would have brought it.",
    fix: "Read into a buffer of some kilobytes and look for lines or lengths there (BufReader does it); the end of a \
          message need not be the end of a read.",
    rule,
};

fn rule(view: &ServerView<'_>) -> Option<String> {
    let window = &view.window;
    let reads = &window.habits.reads;
    let calls: u64 = window.by_name.values().fold(0, |sum, calls| sum.saturating_add(*calls));
    let share = reads.in_a_row as f64 / calls.max(1) as f64;
    (reads.in_a_row >= READS_MIN && share >= SHARE_MIN).then(|| {
        format!(
            "{} of {calls} system calls in the window ({:.0} %) read {:.1} bytes each, right after one that had got all \
             that it asked for",
            reads.in_a_row,
            share * 100.0,
            reads.bytes as f64 / reads.in_a_row as f64
        )
    })
}
