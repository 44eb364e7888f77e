//! User and kernel lanes: each pair of corners is one crossing; height tells the mode.
//!
//! ```text
//! epoll   ─┐            ┌─┐        ┌─┐      ┌─┐               3.00
//!          └·epoll_wait·┘ └recvfrom┘ └sendto┘ └··············
//! ```

use ratatui::layout::Rect;

use super::Scene;
use super::strip::{self, Style};
use crate::screen::layout::{left, top};
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::world::lanes::{Lane, Lanes, lanes};
use crate::world::{Lit, ServerView, words};

/// The two modes of a thread.
const LANE_ROWS: u16 = 2;

/// Threads of one server that are drawn.
const THREADS_MAX: usize = 2;

/// Columns of a number of crossings and a space before it.
const NUMBER_COLUMNS: u16 = 7;

/// From here on the names of the calls stand beside the picture, where they have no room in it.
const NAMES_BESIDE_COLUMNS: u16 = 56;

/// A server and what is known of its threads.
pub(super) type Drawn<'s> = (&'s ServerView<'s>, Lanes<'s>);

fn told<'a, 's>(scene: &'a Scene<'s>) -> &'a [Drawn<'s>] {
    let drawn = |server: &&'s ServerView<'s>| Some((*server, lanes(server)?));
    scene.lanes.get_or_init(|| scene.servers.iter().filter_map(drawn).collect())
}

/// Rows of one server with so many of its threads: a thread that makes no call is drawn too.
fn rows_of(lanes: &Lanes<'_>, threads: usize) -> u16 {
    let threads = lanes.threads.len().clamp(1, threads);
    let rows = u16::try_from(threads).unwrap_or(u16::MAX).saturating_mul(LANE_ROWS);
    rows.saturating_add(u16::from(!lanes.pollers.is_empty()))
}

pub(super) fn rows(scene: &Scene<'_>, _columns: u16) -> (u16, u16) {
    let told = told(scene);
    if told.is_empty() {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    (LANE_ROWS.saturating_add(1), Plan::new(scene, told, u16::MAX).rows().saturating_add(1))
}

/// How many of so many rows are drawn into: it grows by whole lanes.
pub(super) fn used(scene: &Scene<'_>, rows: u16) -> u16 {
    match told(scene) {
        [] => rows.min(1),
        told => Plan::new(scene, told, rows.saturating_sub(1)).rows().saturating_add(1).min(rows),
    }
}

/// What of all lanes is drawn.
struct Plan<'t, 's> {
    told: &'t [Drawn<'s>],
    /// Threads of each server.
    threads: usize,
    /// Rows between two servers.
    gap: u16,
}

impl<'t, 's> Plan<'t, 's> {
    /// As much as fits into so many rows, without the legend's.
    fn new(scene: &Scene<'s>, told: &'t [Drawn<'s>], rows: u16) -> Self {
        let all = |threads, gap| Self { told, threads, gap };
        if let Some(whole) = [all(THREADS_MAX, 1), all(THREADS_MAX, 0), all(1, 1), all(1, 0)]
            .into_iter()
            .find(|plan| plan.rows() <= rows)
        {
            return whole;
        }
        // Those up to the one in focus, else up to the last, which is the lesson's point.
        let chosen = scene.chosen(|server| server.last_window().is_some()).map(|server| server.name);
        let chosen = told.iter().position(|(server, _)| Some(server.name) == chosen);
        let last = chosen.unwrap_or(told.len().saturating_sub(1));
        let upto = (0..=last).map(|first| Self { told: &told[first..=last], threads: 1, gap: 0 });
        let fits = upto.into_iter().find(|plan| plan.rows() <= rows);
        fits.unwrap_or(Self { told: &told[last..=last], threads: 1, gap: 0 })
    }

    fn rows(&self) -> u16 {
        let rows = |(_, lanes): &Drawn<'_>| rows_of(lanes, self.threads);
        let gaps = u16::try_from(self.told.len().saturating_sub(1)).unwrap_or(u16::MAX);
        self.told.iter().map(rows).fold(gaps.saturating_mul(self.gap), u16::saturating_add)
    }
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let told = told(scene);
    if told.is_empty() {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    }
    let (legend, body) = top(area, u16::from(area.height > LANE_ROWS));
    draw_legend(paint, legend);
    draw_servers(paint, body, scene, &Plan::new(scene, told, body.height));
}

fn draw_legend(paint: &mut Paint, area: Rect) {
    let heading = if area.width >= 70 { "crossings per echo" } else { "per echo" };
    let room = area.width.saturating_sub(width(heading)).saturating_sub(2);
    let dots = paint.glyphs().empty.repeat(2);
    let whole = format!("above: its own code; below: the kernel, {dots} waiting; order, not time");
    let short = format!("below: the kernel, {dots} waiting; order, not time");
    let shortest = format!("{dots} waiting; order, not time");
    let fits = [whole, short, shortest].into_iter().find(|text| width(text) <= room);
    paint.text(area, 0, 0, &fits.unwrap_or_default(), Role::Quiet);
    paint.right(area, area.width, 0, heading, Role::Quiet);
}

fn draw_servers(paint: &mut Paint, area: Rect, scene: &Scene<'_>, plan: &Plan<'_, '_>) {
    let names = plan.told.iter().map(|(server, _)| width(server.name)).max().unwrap_or(0).saturating_add(1);
    let label = names.min(area.width / 3).max(1);
    let visible = || plan.told.iter().filter(|(server, _)| !scene.hides_crossings(server));
    let shown: Vec<&Lane<'_>> =
        visible().flat_map(|(_, lanes)| lanes.threads.iter().take(plan.threads)).collect();
    let room = |numbers: u16| area.width.saturating_sub(label).saturating_sub(numbers);
    let mut numbers = if area.width >= 30 { NUMBER_COLUMNS } else { 0 };
    let mut style = Style::that_fits(&shown, room(numbers));
    if !style.is_named() && area.width >= NAMES_BESIDE_COLUMNS {
        // The picture does not say which calls these are.
        let names = visible().map(|(_, lanes)| width(&by_name(lanes)).saturating_add(2));
        numbers = names.fold(numbers, u16::max).min(area.width / 3);
        style = Style::that_fits(&shown, room(numbers));
    }
    let mut rest = area;
    for (server, lanes) in plan.told {
        let (here, below) = top(rest, rows_of(lanes, plan.threads));
        let name = shorten(server.name, label.saturating_sub(1), paint.glyphs());
        paint.text(here, 0, 0, &name, Role::Code);
        let (_, strips) = left(here, label);
        if scene.hides_crossings(server) {
            paint.text(strips, 0, 0, "yours?  first say how many", Role::Own);
        } else {
            draw_numbers(paint, here, numbers, lanes, &style);
            let (strips, _) = left(strips, room(numbers));
            let drawing = (&style, scene.lit_of(server));
            draw_threads(paint, here, strips, lanes, plan.threads, drawing);
        }
        (_, rest) = top(below, plan.gap);
    }
}

/// How many crossings an echo took and, where the picture does not say it, in which calls.
fn draw_numbers(paint: &mut Paint, area: Rect, columns: u16, lanes: &Lanes<'_>, style: &Style) {
    let Some(each) = lanes.crossings_per_request.filter(|_| columns > 0) else { return };
    let decimals = if each > 0.0 && each < 0.1 { 3 } else { 2 };
    paint.right(area, area.width, 0, &format!("{each:.decimals$}"), Role::Number);
    if !style.is_named() && columns > NUMBER_COLUMNS {
        let names = shorten(&by_name(lanes), columns.saturating_sub(1), paint.glyphs());
        paint.right(area, area.width, 1, &names, Role::Quiet);
    }
}

/// `recv send wait×0.02`.
fn by_name(lanes: &Lanes<'_>) -> String {
    let name = |(name, each): &(&str, f64)| match words::short(name) {
        name if (0.95..1.05).contains(each) => name.to_owned(),
        name if *each >= 1.0 => format!("{name}×{each:.1}"),
        name => format!("{name}×{each:.2}"),
    };
    lanes.by_name.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn draw_threads(
    paint: &mut Paint,
    area: Rect,
    strips: Rect,
    lanes: &Lanes<'_>,
    threads: usize,
    (style, lit): (&Style, Option<&Lit>),
) {
    let label = strips.x.saturating_sub(area.x);
    let (mut area, mut rest) = (area, strips);
    if lanes.threads.is_empty() {
        no_crossing(paint, rest);
        (area, rest) = (top(area, LANE_ROWS).1, top(rest, LANE_ROWS).1);
    }
    for (index, lane) in lanes.threads.iter().take(threads).enumerate() {
        if index > 0 {
            let tid = shorten(&format!(" {}", lane.tid), label.saturating_sub(1), paint.glyphs());
            paint.text(area, 0, 0, &tid, Role::Quiet);
        }
        strip::draw(paint, top(rest, LANE_ROWS).0, lane, style, lit);
        (area, rest) = (top(area, LANE_ROWS).1, top(rest, LANE_ROWS).1);
    }
    draw_poller(paint, area, label, lanes);
}

/// A program that never enters the kernel: one line, above.
fn no_crossing(paint: &mut Paint, area: Rect) {
    let line = paint.glyphs().lines[0].repeat(usize::from(area.width));
    paint.text(area, 0, 0, &line, Role::Strong);
    paint.text(area, 0, 1, "no crossing", Role::Quiet);
}

/// The SQPOLL thread has one row: it is below all the time.
fn draw_poller(paint: &mut Paint, area: Rect, label: u16, lanes: &Lanes<'_>) {
    let Some(name) = lanes.pollers.first() else { return };
    let glyphs = paint.glyphs();
    paint.text(area, 0, 0, &shorten("iou-sqp", label.saturating_sub(1), glyphs), Role::Quiet);
    let line = glyphs.lines[0].repeat(2);
    let says = format!("{line} {name}: a thread of the kernel, no crossing {line}");
    let (_, strip) = left(area, label);
    paint.text(strip, 0, 0, &shorten(&says, strip.width, glyphs), Role::Quiet);
}
