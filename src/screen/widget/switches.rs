//! The map of context switches: one column a thread, one row a stretch of time, the newest at the bottom.
//!
//! ```text
//!           threads@64                      epoll
//! per echo  1.001 !0.002                    0.016 !0.000
//! thread    4711 to 4774, a column each     iolab 4801
//! 0.8 s     ▃ ▃ ▃ ▂!▃ ▃ ▃ ▃ ▃   305 +41     ▃ 6
//! 1.0 s     ▃ ▃ ▃ ▃ ▃ ▃ ▃ ▃ ▂   311 +41     ▃ 7   !1
//! ```

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::layout::top;
use crate::screen::number::{Scale, compact};
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::{Glyphs, Role, Theme};
use crate::screen::view::Focus;
use crate::world::{
    Helper, Lit, MetricId, RunWorld, ServerView, Stretches, SwitchColumn, SwitchMap, Switches,
};

/// Rows above the map: names, rates, threads in two rows.
const HEAD: u16 = 4;
/// Rows of the map itself, at least and at most.
const ROWS: std::ops::RangeInclusive<u16> = 3..=10;

/// Columns of the words at the left edge.
const LABEL: u16 = 10;
/// A thread's column with both numbers: `▅ 12  !3`.
const WIDE: u16 = 14;
/// With the number of the voluntary ones: `▅12 !`.
const NARROW: u16 = 8;
/// With glyphs only: `▅!`.
const DENSE: u16 = 2;
/// What several threads have together, without a column each: `1.2k  +61 more`.
const REST: u16 = 13;
/// A server's name and its rates need so many columns.
const LEAST: u16 = 14;
/// Between two servers.
const GAP: u16 = 2;

/// A server with room for its threads.
struct Group<'s> {
    server: &'s ServerView<'s>,
    run: &'s RunWorld,
    /// How many threads there are.
    threads: u16,
    width: u16,
}

impl Group<'_> {
    /// Columns of each thread, and how many have one.
    fn shape(&self) -> (u16, u16) {
        for cell in [WIDE, NARROW, DENSE] {
            if self.threads.saturating_mul(cell) <= self.width {
                return (cell, self.threads);
            }
        }
        let room = self.width.saturating_sub(REST);
        let cell = if room >= WIDE && self.threads < 12 { NARROW } else { DENSE };
        (cell, (room / cell).saturating_add(1))
    }
}

fn run_of<'s>(server: &'s ServerView<'s>) -> Option<&'s RunWorld> {
    server.rounds.last().copied().filter(|run| threads(run) > 0)
}

fn threads(run: &RunWorld) -> usize {
    let known = run.process.iter().flat_map(|process| &process.threads);
    known.filter(|thread| thread.tid != 0).count()
}

/// The servers that fit, with the columns that each gets: who has few threads takes what they need.
fn groups<'s>(scene: &Scene<'s>, columns: u16, glyphs: &Glyphs) -> Vec<Group<'s>> {
    let seen: Vec<_> = scene.servers.iter().filter_map(|server| Some((*server, run_of(server)?))).collect();
    let room = columns.saturating_sub(LABEL);
    let fit = usize::from(room.saturating_add(GAP) / (LEAST + GAP)).max(1);
    let focused = match scene.view.focus {
        Focus::Number { column, .. } => column,
        _ => seen.len().saturating_sub(1),
    };
    let first = (focused + 1).saturating_sub(fit).min(seen.len().saturating_sub(fit));
    let mut groups: Vec<_> = seen
        .into_iter()
        .skip(first)
        .take(fit)
        .map(|(server, run)| {
            let threads = u16::try_from(threads(run)).unwrap_or(u16::MAX);
            let least = LEAST.max(width(server.name)).max(width(&rates_of(server, glyphs)));
            Group { server, run, threads, width: threads.saturating_mul(WIDE).max(least) }
        })
        .collect();
    let gaps = GAP.saturating_mul(u16::try_from(groups.len().saturating_sub(1)).unwrap_or(0));
    share(&mut groups, room.saturating_sub(gaps));
    groups
}

/// Divides the room: the modest get what they want, the others the same of what is left.
fn share(groups: &mut [Group<'_>], room: u16) {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|index| groups[*index].width);
    let (mut left, mut more) = (room, u16::try_from(groups.len()).unwrap_or(u16::MAX));
    for index in order {
        let width = groups[index].width.min(left / more.max(1));
        groups[index].width = width;
        (left, more) = (left.saturating_sub(width), more.saturating_sub(1));
    }
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    if scene.servers.is_empty() || columns == 0 {
        return (0, 0);
    }
    let groups = groups(scene, columns, Theme::DEFAULT.glyphs());
    if groups.is_empty() {
        return (1, 1);
    }
    let most = full(&groups).max(*ROWS.start());
    (HEAD.saturating_add(*ROWS.start()), HEAD.saturating_add(most).saturating_add(1))
}

/// Rows of the map when it is full: of runs that are over, what there is.
fn full(groups: &[Group<'_>]) -> u16 {
    let runs = || groups.iter().map(|group| group.run);
    let is_over = runs().all(|run| run.end.is_some());
    let stretches = Stretches::of(runs(), usize::from(*ROWS.end())).filter(|_| is_over);
    let count = stretches.map_or(*ROWS.end(), |all| u16::try_from(all.count()).unwrap_or(u16::MAX));
    count.min(*ROWS.end())
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let groups = groups(scene, area.width, paint.glyphs());
    let room = area.height.saturating_sub(HEAD);
    // The last row says what the glyphs mean, where the map has enough without it.
    let legend = u16::from(room > *ROWS.start() + 1);
    let rows = room.saturating_sub(legend).min(*ROWS.end());
    let Some(stretches) = Stretches::of(groups.iter().map(|group| group.run), usize::from(rows)) else {
        paint.text(area, 0, 0, "the threads were not read yet", Role::Quiet);
        return;
    };
    for (row, label) in (1..).zip([scene.each(), "thread"]) {
        paint.text(area, 0, row, label, Role::Quiet);
    }
    let told = u16::try_from(stretches.count()).unwrap_or(u16::MAX).min(rows);
    for place in 0..told {
        let label = moment(stretches.start_ns(usize::from(place)), stretches.length_ns);
        paint.text(area, 0, HEAD.saturating_add(place), &label, Role::Quiet);
    }
    let mut left = LABEL;
    for group in &groups {
        let (_, below) = top(area, 0);
        let here = Rect {
            x: below.x.saturating_add(left),
            width: group.width.min(below.width.saturating_sub(left)),
            ..below
        };
        draw_group(paint, here, scene, group, &stretches);
        left = left.saturating_add(group.width).saturating_add(GAP);
    }
    if legend > 0 {
        let says = meaning(paint.glyphs(), stretches.length_ns, area.width);
        let full =
            u16::try_from(stretches.count_when_full()).unwrap_or(u16::MAX).min(rows).min(full(&groups));
        paint.text(area, 0, HEAD.saturating_add(full), &says, Role::Quiet);
    }
}

fn draw_group(paint: &mut Paint, area: Rect, scene: &Scene<'_>, group: &Group<'_>, stretches: &Stretches) {
    let name = shorten(group.server.name, area.width, paint.glyphs());
    paint.text(area, 0, 0, &name, Role::Code);
    let rates = rates(group.server);
    if rates.iter().any(|id| scene.view.is_hidden(scene.lesson, group.server.name, *id)) {
        paint.text(area, 0, 1, "yours?", Role::Own);
        return;
    }
    let [voluntary, involuntary] = rates.map(|id| rate(group.server, id, paint.glyphs()));
    let involuntary = format!("!{involuntary}");
    let column = paint.text(area, 0, 1, &voluntary, Role::Number).saturating_add(1);
    // A number without its end is another number.
    if column.saturating_add(width(&involuntary)) <= area.width {
        paint.text(area, column, 1, &involuntary, Role::Warn);
    }
    let (cell, own) = group.shape();
    let map = SwitchMap::of(group.run, stretches, usize::from(own));
    if cell == DENSE {
        draw_many(paint, area, &map);
    }
    for (index, column) in (0_u16..).zip(&map.columns) {
        let left = cell.saturating_mul(index);
        if column.thread.is_none() {
            paint.text(area, left, 2, &format!("+{} more", column.threads), Role::Quiet);
        } else if cell != DENSE {
            draw_thread(paint, area, left, cell, column, scene.lit_of(group.server));
        }
        for (row, switches) in (HEAD..).zip(&column.cells) {
            let Some(switches) = switches else { continue };
            let cell = if column.thread.is_none() { REST } else { cell };
            draw_cell(paint, area, (left, row), cell, *switches);
        }
    }
}

/// Threads without a head each: how many, and which.
fn draw_many(paint: &mut Paint, area: Rect, map: &SwitchMap<'_>) {
    let own = || map.columns.iter().filter_map(|column| column.thread);
    let room = match map.columns.last() {
        Some(column) if column.thread.is_none() => {
            DENSE.saturating_mul(u16::try_from(map.columns.len() - 1).unwrap_or(u16::MAX))
        }
        _ => area.width,
    };
    let kernel = own().filter(|thread| Helper::of(&thread.comm).is_some()).count();
    let who = match kernel {
        0 => format!("{} threads", own().count()),
        _ => format!("{} threads, {kernel} of the kernel", own().count()),
    };
    // Their ids have no room; which of so many it is, is not the point.
    let text = shorten(&who, room.saturating_sub(1), paint.glyphs());
    paint.text(area, 0, 2, &text, Role::Quiet);
}

/// A thread's head: its name and its id. Who helps from the kernel is named so.
fn draw_thread(
    paint: &mut Paint,
    area: Rect,
    left: u16,
    cell: u16,
    column: &SwitchColumn<'_>,
    lit: Option<&Lit>,
) {
    let Some(thread) = column.thread else { return };
    let room = cell.saturating_sub(1);
    let (name, role) = match Helper::of(&thread.comm) {
        Some(helper) if cell == WIDE => (helper.says(), Role::Strong),
        Some(helper) => (helper.name(), Role::Strong),
        None => (thread.comm.as_str(), Role::Plain),
    };
    // Who takes part in what is followed is marked, the others are dimmed.
    let (name, role) = match lit.and_then(|lit| lit.has_thread(thread.tid)) {
        Some(true) => (format!("{}{name}", paint.glyphs().ask), Role::Focus),
        Some(false) => (name.to_owned(), Role::Quiet),
        None => (name.to_owned(), role),
    };
    let name = shorten(&name, room, paint.glyphs());
    paint.text(area, left, 2, &name, role);
    let tid = thread.tid.to_string();
    // The end of an id tells threads apart.
    let tid = tid.get(tid.len().saturating_sub(usize::from(room))..).unwrap_or_default();
    paint.text(area, left, 3, tid, Role::Quiet);
}

fn draw_cell(paint: &mut Paint, area: Rect, (left, row): (u16, u16), cell: u16, switches: Switches) {
    let Switches { voluntary, involuntary } = switches;
    let glyph = glyph(paint.glyphs(), voluntary);
    let role = if voluntary > 0 { Role::Code } else { Role::Frame };
    let mut column = paint.text(area, left, row, glyph, role);
    if cell > DENSE && voluntary > 0 {
        column = column.saturating_add(u16::from(cell > NARROW));
        paint.text(area, column, row, &compact(voluntary), Role::Number);
    }
    if involuntary > 0 {
        let (mark, back) = match cell {
            DENSE => ("!".to_owned(), 1),
            NARROW => ("!".to_owned(), 2),
            _ => (format!("!{}", compact(involuntary)), 6),
        };
        let at = left.saturating_add(cell).saturating_sub(back);
        paint.text(area, at, row, &mark, Role::Warn);
    }
}

/// Each step of the scale is twice the one before: 1, 2 to 3, 4 to 7, …
fn glyph(glyphs: &Glyphs, voluntary: u64) -> &'static str {
    let step = voluntary.checked_ilog2().and_then(|log| usize::try_from(log).ok());
    step.map_or(glyphs.empty, |step| glyphs.levels[step.min(glyphs.levels.len() - 1)])
}

/// The numbers above a map: how often it waited, and how often it was put aside.
fn rates(server: &ServerView<'_>) -> [MetricId; 2] {
    match server.tells_totals() {
        true => [MetricId::VoluntarySwitches, MetricId::InvoluntarySwitches],
        false => [MetricId::VoluntarySwitchesPerRequest, MetricId::InvoluntarySwitchesPerRequest],
    }
}

fn rates_of(server: &ServerView<'_>, glyphs: &Glyphs) -> String {
    let [voluntary, involuntary] = rates(server).map(|id| rate(server, id, glyphs));
    format!("{voluntary} !{involuntary}")
}

fn rate(server: &ServerView<'_>, id: MetricId, glyphs: &Glyphs) -> String {
    let value = server.metric(id).and_then(|measured| measured.value());
    value.map_or_else(|| "not known".into(), |value| Scale::of(id, value, glyphs).text(value))
}

/// When a stretch began, as fine as its length: `1.25 s`.
fn moment(start_ns: u64, length_ns: u64) -> String {
    let decimals = if length_ns.is_multiple_of(100_000_000) { 1 } else { 2 };
    format!("{:.decimals$} s", start_ns as f64 / 1e9)
}

/// What the glyphs mean, as far as there is room.
fn meaning(glyphs: &Glyphs, length_ns: u64, columns: u16) -> String {
    let length = match length_ns {
        ns if ns < 1_000_000_000 => format!("{} ms", ns / 1_000_000),
        ns => format!("{} s", ns / 1_000_000_000),
    };
    let scale: Vec<_> =
        (0_u64..).zip(glyphs.levels).map(|(log, glyph)| format!("{glyph} {}", 1_u64 << log)).collect();
    let long = format!("waits in {length}: {} {}+  ! put aside", glyphs.empty, scale.join(" "));
    let short = format!("waits in {length}: {} to {}  ! put aside", scale[0], scale[scale.len() - 1]);
    if width(&long) <= columns { long } else { short }
}
