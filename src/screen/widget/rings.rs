//! The rings, laid out flat: counters that only grow, the slot each stands for, what lies between them, and
//! how full the queues were at each sample.
//!
//! ```text
//! uring  fd 4
//! SQ 256 slots  mask 255                    tail 4 723 & 255 = 115 ▼ the program writes here
//! │··························████··················│ 12 queued
//!                            ▲ head 4 711 & 255 = 103  the kernel reads here
//! ```

use ratatui::layout::Rect;

use super::Scene;
use super::histogram::{self, Series};
use crate::screen::layout::top;
use crate::screen::number::count;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::world::{Lit, RingDeltas, ServerView};

/// Two rows: a bar for each queue.
const COMPACT: u16 = 2;
/// A head and three rows for each queue.
const FLAT: u16 = 7;

fn ringed<'s>(scene: &'s Scene<'_>) -> Vec<(&'s ServerView<'s>, &'s RingDeltas)> {
    scene.servers.iter().copied().filter_map(|server| Some((server, server.sum.rings.first()?))).collect()
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let rings = ringed(scene);
    let least = COMPACT.saturating_mul(u16::try_from(rings.len()).unwrap_or(u16::MAX));
    let most =
        rings.iter().map(|(_, ring)| FLAT.saturating_add(occupancy_rows(ring))).fold(0, u16::saturating_add);
    (least, most)
}

/// How many of so many rows are drawn into.
pub(super) fn used(scene: &Scene<'_>, rows: u16) -> u16 {
    heights(rows, &ringed(scene)).into_iter().fold(0, u16::saturating_add).min(rows)
}

fn occupancy_rows(ring: &RingDeltas) -> u16 {
    histogram::rows([&ring.sq_depth, &ring.cq_depth])
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let rings = ringed(scene);
    let names = rings.iter().map(|(server, _)| width(server.name)).max().unwrap_or(0);
    let heights = heights(area.height, &rings);
    let mut rest = area;
    for ((server, ring), height) in rings.iter().zip(heights) {
        let (here, below) = top(rest, height);
        if height < FLAT {
            compact(paint, here, server.name, names, ring);
        } else {
            let (flat, more) = top(here, FLAT);
            draw_flat(paint, flat, server.name, ring, scene.lit_of(server));
            draw_occupancy(paint, more, ring);
        }
        rest = below;
    }
}

/// Rows for each ring: all of them compact first; then the last, which is the lesson's point, grows flat and
/// gets its histogram, then the others.
fn heights(rows: u16, rings: &[(&ServerView<'_>, &RingDeltas)]) -> Vec<u16> {
    let mut heights = vec![COMPACT; rings.len()];
    let mut left =
        rows.saturating_sub(COMPACT.saturating_mul(u16::try_from(rings.len()).unwrap_or(u16::MAX)));
    for height in heights.iter_mut().rev() {
        if left >= FLAT - COMPACT {
            (*height, left) = (FLAT, left - (FLAT - COMPACT));
        }
    }
    for (height, (_, ring)) in heights.iter_mut().zip(rings).rev() {
        let more = occupancy_rows(ring).min(left);
        if *height == FLAT && more >= 3 {
            *height = height.saturating_add(more);
            left -= more;
        }
    }
    heights
}

/// One queue as it is drawn.
struct Queue {
    name: &'static str,
    slots: u32,
    head: u64,
    tail: u64,
    role: Role,
    /// Who moves the tail, and who the head.
    tail_is: &'static str,
    head_is: &'static str,
    waiting: &'static str,
    /// The largest depth that a sample saw.
    most: u64,
}

fn queues(ring: &RingDeltas) -> [Queue; 2] {
    let now = &ring.now;
    [
        Queue {
            name: "SQ",
            slots: now.sq_entries,
            head: now.sq_head,
            tail: now.sq_tail,
            role: Role::Submission,
            tail_is: "the program writes here",
            head_is: "the kernel reads here",
            waiting: "queued",
            most: ring.sq_depth.max().unwrap_or(ring.now.sq_tail.saturating_sub(ring.now.sq_head)),
        },
        Queue {
            name: "CQ",
            slots: now.cq_entries,
            head: now.cq_head,
            tail: now.cq_tail,
            role: Role::Completion,
            tail_is: "the kernel writes here",
            head_is: "the program reads here",
            waiting: "waiting",
            most: ring.cq_depth.max().unwrap_or(ring.now.cq_tail.saturating_sub(ring.now.cq_head)),
        },
    ]
}

impl Queue {
    fn depth(&self) -> u64 {
        self.tail.saturating_sub(self.head)
    }

    fn mask(&self) -> u64 {
        u64::from(self.slots.saturating_sub(1))
    }
}

fn compact(paint: &mut Paint, area: Rect, name: &str, names: u16, ring: &RingDeltas) {
    let name_columns = names.min(area.width / 3);
    for (row, queue) in (0..).zip(queues(ring)) {
        if row == 0 {
            let name = shorten(name, name_columns, paint.glyphs());
            paint.text(area, 0, row, &name, Role::Code);
        }
        let mut column = name_columns.saturating_add(1);
        column = paint.text(area, column, row, queue.name, queue.role).saturating_add(1);
        let says = format!("{:>3} of {:<4} most {:<4}", queue.depth(), queue.slots, queue.most);
        column = paint.text(area, column, row, &says, Role::Plain);
        let counters = format!("head {}  tail {}", count(queue.head), count(queue.tail));
        let wide = area.width.saturating_sub(column) >= width(&counters).saturating_add(12);
        let end =
            if wide { area.width.saturating_sub(width(&counters)).saturating_sub(2) } else { area.width };
        let bar = end.saturating_sub(column).saturating_sub(2);
        let edge = paint.glyphs().lines[1];
        column = paint.text(area, column, row, edge, Role::Frame);
        let share = queue.depth() as f64 / f64::from(queue.slots.max(1));
        mark_most(paint, area, column, row, bar, queue.most, queue.slots);
        paint.bar(area, column, row, bar, share, queue.role);
        paint.text(area, column.saturating_add(bar), row, edge, Role::Frame);
        if wide {
            paint.right(area, area.width, row, &counters, Role::Quiet);
        }
    }
}

/// Dots up to the largest depth that was seen.
fn mark_most(paint: &mut Paint, area: Rect, column: u16, row: u16, bar: u16, most: u64, slots: u32) {
    let share = most as f64 / f64::from(slots.max(1));
    let cells = (share.min(1.0) * f64::from(bar)).ceil() as usize;
    let dots = paint.glyphs().empty.repeat(cells);
    paint.text(area, column, row, &dots, Role::Quiet);
}

fn draw_flat(paint: &mut Paint, area: Rect, name: &str, ring: &RingDeltas, lit: Option<&Lit>) {
    let mut column = paint.text(area, 0, 0, name, Role::Code);
    let about =
        format!("  fd {}  {} submitted, {} completed", ring.now.fd, count(ring.sqes), count(ring.cqes));
    column = paint.text(area, column, 0, &about, Role::Quiet);
    let names: Vec<_> = lit.iter().flat_map(|lit| lit.names()).map(u64::to_string).collect();
    if !names.is_empty() {
        let says = format!("  {} user_data {}", paint.glyphs().ask, names.join(", "));
        column = paint.text(area, column, 0, &says, Role::Focus);
    }
    // What changes comes first, and a flag that has no room whole is left out.
    for flag in ring.now.sq_flags.iter().chain(&ring.now.setup_flags) {
        if column.saturating_add(2).saturating_add(width(flag)) > area.width {
            break;
        }
        column = paint.text(area, column.saturating_add(2), 0, flag, Role::Warn);
    }
    for (index, queue) in (0_u16..).zip(queues(ring)) {
        draw_queue(paint, area, index.saturating_mul(3).saturating_add(1), &queue);
    }
}

fn draw_queue(paint: &mut Paint, area: Rect, row: u16, queue: &Queue) {
    let says = format!("{} {}, most {}", queue.depth(), queue.waiting, queue.most);
    let strip = area
        .width
        .saturating_sub(2)
        .saturating_sub(24)
        .min(u16::try_from(queue.slots).unwrap_or(u16::MAX))
        .max(1);
    let slots = u64::from(queue.slots.max(1));
    let place = |counter: u64| {
        let slot = counter & queue.mask();
        u16::try_from(slot * u64::from(strip) / slots)
            .unwrap_or(0)
            .min(strip.saturating_sub(1))
            .saturating_add(1)
    };
    let caption = format!("{} {} slots  mask {}", queue.name, queue.slots, queue.mask());
    let at = place(queue.tail);
    let mut from = width(&caption).saturating_add(2);
    // The caption gives way to the mark: it stands at the other end, its first words at least.
    if at >= from {
        paint.text(area, 0, row, &caption, queue.role);
    } else {
        from = 0;
    }
    let glyphs = paint.glyphs();
    let spot = |name: &str, counter: u64| {
        format!("{name} {} & {} = {}", count(counter), queue.mask(), counter & queue.mask())
    };
    let tail = (spot("tail", queue.tail), glyphs.tail, queue.tail_is);
    if from > 0 {
        marker(paint, area, row, at, from, &tail, queue.role);
    } else {
        let column = paint.text(area, at, row, tail.1, queue.role).saturating_add(1);
        let column = paint.text(area, column, row, &tail.0, Role::Quiet);
        let room = area.width.saturating_sub(column).saturating_sub(2);
        let captions = [caption, format!("{} {} slots", queue.name, queue.slots), queue.name.to_owned()];
        if let Some(caption) = captions.iter().find(|caption| width(caption) <= room) {
            paint.right(area, area.width, row, caption, queue.role);
        }
    }
    let edge = glyphs.lines[1];
    paint.text(area, 0, row.saturating_add(1), edge, Role::Frame);
    for cell in 0..strip {
        let first = u64::from(cell) * slots / u64::from(strip);
        let last = ((u64::from(cell) + 1) * slots / u64::from(strip)).max(first + 1);
        let taken = (first..last).any(|slot| holds(queue, slot));
        let (glyph, role) = if taken { (glyphs.full, queue.role) } else { (glyphs.empty, Role::Frame) };
        paint.text(area, cell.saturating_add(1), row.saturating_add(1), glyph, role);
    }
    let end = paint.text(area, strip.saturating_add(1), row.saturating_add(1), edge, Role::Frame);
    paint.text(area, end.saturating_add(1), row.saturating_add(1), &says, Role::Number);
    let head = (spot("head", queue.head), glyphs.head, queue.head_is);
    marker(paint, area, row.saturating_add(2), place(queue.head), 0, &head, queue.role);
}

/// Whether a slot lies between head and tail, the wrap considered.
fn holds(queue: &Queue, slot: u64) -> bool {
    let ahead = slot.wrapping_sub(queue.head) & queue.mask();
    ahead < queue.depth()
}

/// A glyph at a column with its words on the side that has room, and who moves it where that fits too.
fn marker(
    paint: &mut Paint,
    area: Rect,
    row: u16,
    at: u16,
    from: u16,
    (says, glyph, who): &(String, &'static str, &'static str),
    role: Role,
) {
    let short = width(says);
    let long = short.saturating_add(2).saturating_add(width(who));
    let left_room = at.saturating_sub(from).saturating_sub(1);
    let right_room = area.width.saturating_sub(at).saturating_sub(2);
    if at >= from {
        paint.text(area, at, row, glyph, role);
    }
    let both = format!("{says}  {who}");
    let text = if long <= left_room.max(right_room) { both.as_str() } else { says.as_str() };
    let needs = width(text);
    if needs <= right_room && at.saturating_add(2) >= from {
        paint.text(area, at.saturating_add(2), row, text, Role::Quiet);
    } else if needs <= left_room {
        paint.right(area, at.saturating_sub(1), row, text, Role::Quiet);
    } else if at < from {
        paint.right(area, area.width, row, says, Role::Quiet);
    }
}

fn draw_occupancy(paint: &mut Paint, area: Rect, ring: &RingDeltas) {
    let samples = ring.sq_depth.samples();
    if samples == 0 {
        paint.text(area, 0, 0, "no sample of the depths yet", Role::Quiet);
        return;
    }
    let (sq, cq) = ("SQ depth, share of samples", "CQ depth");
    let series = [
        Series { name: sq, counts: &ring.sq_depth, role: Role::Submission },
        Series { name: cq, counts: &ring.cq_depth, role: Role::Completion },
    ];
    histogram::draw(paint, area, "depth", &series);
}
