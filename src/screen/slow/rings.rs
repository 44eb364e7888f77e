//! The rings, slot by slot: what stands in each, where head and tail are.
//!
//! ```text
//! SQ 8 slots, 1 queued            ▼ tail 5 & 7 = 5  the program writes here
//! │    │    │    │    │R5  │    │    │    │
//!                      ▲ head 4 & 7 = 4  the kernel reads here
//! ```

use super::part::{Part, line};
use crate::screen::paint::{shorten, width};
use crate::screen::text::Line;
use crate::screen::theme::{Glyphs, Role};
use crate::trace::RingSight;
use crate::world::stops::Stops;

/// Columns of a slot, its edge included.
const SLOT_COLUMNS: std::ops::RangeInclusive<u16> = 3..=5;

/// One queue as it is drawn.
struct Queue {
    name: &'static str,
    slots: u32,
    head: u64,
    tail: u64,
    /// What stands in each slot from the head on, in two letters.
    labels: Vec<String>,
    /// The same in words.
    says: Vec<String>,
    waiting: &'static str,
    who: (&'static str, &'static str),
    role: Role,
}

/// The rings, one part each.
pub(super) fn parts(rings: &[RingSight], stops: &Stops, columns: u16, glyphs: &Glyphs) -> Vec<Part> {
    rings.iter().map(|ring| part(ring, stops, columns, glyphs)).collect()
}

fn part(ring: &RingSight, stops: &Stops, columns: u16, glyphs: &Glyphs) -> Part {
    let queues = queues(ring, stops);
    let lines = queues.iter().flat_map(|queue| flat(queue, columns, glyphs)).collect();
    let short = queues.iter().map(|queue| short(queue, columns, glyphs)).collect();
    let remark = ring.flags.join(" ");
    Part { short, remark, ..Part::new(format!("rings of fd {}", ring.fd), lines, 2) }
}

fn queues(ring: &RingSight, stops: &Stops) -> [Queue; 2] {
    let label = |what: &str, fd: i32| format!("{}{fd}", what.chars().next().unwrap_or('?'));
    let completions: Vec<_> = ring.cqes.iter().map(|cqe| stops.completion(ring.fd, cqe)).collect();
    let labels = completions.iter().map(|says| match says.split_once(" fd ") {
        Some((what, rest)) => label(what, rest.split(' ').next().and_then(|fd| fd.parse().ok()).unwrap_or(0)),
        None => "?".to_owned(),
    });
    [
        Queue {
            name: "SQ",
            slots: ring.entries.0,
            head: ring.sq.0,
            tail: ring.sq.1,
            labels: ring.sqes.iter().map(|sqe| label(&sqe.operation, sqe.fd)).collect(),
            says: ring
                .sqes
                .iter()
                .map(|sqe| format!("{} fd {}, {} bytes", sqe.operation, sqe.fd, sqe.len))
                .collect(),
            waiting: "queued",
            who: ("the kernel reads here", "the program writes here"),
            role: Role::Submission,
        },
        Queue {
            name: "CQ",
            slots: ring.entries.1,
            head: ring.cq.0,
            tail: ring.cq.1,
            labels: labels.collect(),
            says: completions.clone(),
            waiting: "waiting",
            who: ("the program reads here", "the kernel writes here"),
            role: Role::Completion,
        },
    ]
}

impl Queue {
    fn depth(&self) -> u64 {
        self.tail.saturating_sub(self.head)
    }

    fn slot(&self, counter: u64) -> u64 {
        counter & u64::from(self.slots.saturating_sub(1))
    }

    /// Slots that have room in so many columns, the first of them, and the columns of each.
    fn window(&self, columns: u16) -> (u64, u64, u16) {
        let slots = u64::from(self.slots.max(1));
        let fit = u64::from(columns.saturating_sub(1) / SLOT_COLUMNS.start()).max(1);
        let shown = slots.min(fit);
        let each = u64::from(columns.saturating_sub(1)) / shown;
        let each = u16::try_from(each).unwrap_or(u16::MAX).clamp(*SLOT_COLUMNS.start(), *SLOT_COLUMNS.end());
        // Where not all have room, those from just before the head on.
        let first = if shown == slots { 0 } else { self.slot(self.head.wrapping_sub(1)) };
        (first, shown, each)
    }

    /// The column of a slot, where it is shown.
    fn place(&self, counter: u64, columns: u16) -> Option<u16> {
        let (first, shown, each) = self.window(columns);
        let at = self.slot(self.slot(counter).wrapping_sub(first));
        (at < shown).then(|| u16::try_from(at).unwrap_or(0).saturating_mul(each).saturating_add(1))
    }
}

fn flat(queue: &Queue, columns: u16, glyphs: &Glyphs) -> Vec<Line> {
    let many = |n: u64| if n == 0 { "empty".to_owned() } else { format!("{n} {}", queue.waiting) };
    let caption = format!("{} {} slots, {}", queue.name, queue.slots, many(queue.depth()));
    let mask = queue.slots.saturating_sub(1);
    let spot = |name: &str, counter: u64| format!("{name} {counter} & {mask} = {}", queue.slot(counter));
    let tail = (glyphs.tail, spot("tail", queue.tail), queue.who.1, queue.place(queue.tail, columns));
    let head = (glyphs.head, spot("head", queue.head), queue.who.0, queue.place(queue.head, columns));
    let mut lines =
        vec![line(caption, queue.role), marker(&tail, columns, queue.role), cells(queue, columns, glyphs)];
    lines.push(marker(&head, columns, queue.role));
    for says in &queue.says {
        lines.push(line(shorten(&format!("  {says}"), columns, glyphs), queue.role));
    }
    lines
}

fn cells(queue: &Queue, columns: u16, glyphs: &Glyphs) -> Line {
    let (first, shown, each) = queue.window(columns);
    let room = usize::from(each.saturating_sub(1));
    let edge = glyphs.lines[1];
    let mut line = Line::new();
    for nth in 0..shown {
        let slot = queue.slot(first.wrapping_add(nth));
        let ahead = queue.slot(slot.wrapping_sub(queue.slot(queue.head)));
        let is_taken = ahead < queue.depth();
        let label = usize::try_from(ahead).ok().and_then(|ahead| queue.labels.get(ahead));
        let text = match (is_taken, label) {
            (false, _) => String::new(),
            (true, Some(label)) => label.chars().take(room).collect(),
            (true, None) => glyphs.full.to_owned(),
        };
        let (text, role) = if is_taken { (text, queue.role) } else { (glyphs.empty.to_owned(), Role::Frame) };
        line.push((edge.to_owned(), Role::Frame));
        line.push((format!("{text:<room$}"), role));
    }
    line.push((edge.to_owned(), Role::Frame));
    line
}

/// A glyph under or above its slot, its words on the side that has room.
fn marker((glyph, says, who, at): &(&str, String, &str, Option<u16>), columns: u16, role: Role) -> Line {
    let Some(at) = *at else { return line(format!("{says}, beyond what is shown"), Role::Quiet) };
    let both = format!("{says}  {who}");
    let after = columns.saturating_sub(at).saturating_sub(2);
    let spaces = |n: u16| " ".repeat(usize::from(n));
    for text in [&both, says] {
        if width(text) <= after {
            return vec![
                (spaces(at), Role::Plain),
                ((*glyph).to_owned(), role),
                (format!(" {text}"), Role::Quiet),
            ];
        }
        if width(text) < at {
            let indent = at.saturating_sub(width(text)).saturating_sub(1);
            return vec![(format!("{}{text} ", spaces(indent)), Role::Quiet), ((*glyph).to_owned(), role)];
        }
    }
    vec![(spaces(at), Role::Plain), ((*glyph).to_owned(), role)]
}

fn short(queue: &Queue, columns: u16, glyphs: &Glyphs) -> Line {
    let ends = format!("head {} tail {}", queue.head, queue.tail);
    let says = if queue.says.is_empty() { "empty".to_owned() } else { queue.says.join(", ") };
    let name = format!("{} ", queue.name);
    let room = columns.saturating_sub(width(&name)).saturating_sub(width(&ends)).saturating_sub(2);
    vec![(name, queue.role), (format!("{ends}  "), Role::Quiet), (shorten(&says, room, glyphs), queue.role)]
}
