//! A server's rings as lines: counters, slots, who moves what, how full they were.

use super::histogram::histogram;
use super::number::grouped;
use crate::world::{RingDeltas, ServerView};

/// What is told of each ring.
pub(super) fn lines(view: &ServerView<'_>) -> Vec<String> {
    view.sum.rings.iter().flat_map(ring).collect()
}

fn ring(ring: &RingDeltas) -> Vec<String> {
    let now = &ring.now;
    let flags: String = now.sq_flags.iter().chain(&now.setup_flags).map(|flag| format!(", {flag}")).collect();
    let most = |counts: &crate::trace::Counts, now: u64| counts.max().unwrap_or(now);
    let (queued, waiting) =
        (now.sq_tail.saturating_sub(now.sq_head), now.cq_tail.saturating_sub(now.cq_head));
    // It may be over before anybody looked.
    let (sq, cq) = (most(&ring.sq_depth, queued), most(&ring.cq_depth, waiting));
    let mut lines = vec![
        format!(
            "rings (ring): fd {}: {} submitted, {} completed{flags}",
            now.fd,
            grouped(ring.sqes),
            grouped(ring.cqes)
        ),
        format!(
            "SQ {}; {} queued, most {sq}",
            counters(now.sq_entries, now.sq_head, "the kernel", now.sq_tail, "the program"),
            queued
        ),
        format!(
            "CQ {}; {} waiting, most {cq}",
            counters(now.cq_entries, now.cq_head, "the program", now.cq_tail, "the kernel"),
            waiting
        ),
    ];
    if let Some(contents) = ring.contents {
        lines.push(format!(
            "CQE contents read before their slot was written again: {} of {}",
            grouped(contents.seen),
            grouped(contents.passed)
        ));
    }
    for (name, depth) in [("SQ", &ring.sq_depth), ("CQ", &ring.cq_depth)] {
        if depth.samples() > 0 {
            lines.push(format!("{name} depth, share of samples: {}", histogram(depth)));
        }
    }
    lines
}

/// Head and tail of a queue, the slot that each stands for, and who moves it.
fn counters(slots: u32, head: u64, reader: &str, tail: u64, writer: &str) -> String {
    let mask = u64::from(slots.saturating_sub(1));
    let place = |counter: u64| format!("{} & {mask} = {}", grouped(counter), counter & mask);
    format!(
        "{slots} slots, mask {mask}: head {}, {reader} reads here; tail {}, {writer} writes here",
        place(head),
        place(tail)
    )
}
