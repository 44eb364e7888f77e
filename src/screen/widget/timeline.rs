//! The lanes in real time: each cell a stretch of it; height tells how much of the cell a thread spent above, in
//! its own code, and below, in the kernel.
//!
//! ```text
//!  0.284 731 s                      ▼                               20 µs/cell
//! epoll    U ▂█▂         ▂█▇▂█▂
//!          K ▆·▂···········▁ ▂ ▇··········   ▒ put aside
//! requests     ├──17───┤
//! ```

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::layout::{left, top};
use crate::screen::number::{clock, span};
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::trace::{Rung, Trace};
use crate::world::follow::Cast;
use crate::world::spot::{told_run, windows};
use crate::world::timeline::{Doing, Span, Thread, Timeline};
use crate::world::{Lit, ServerView, words};

/// Own code and kernel.
const THREAD_ROWS: u16 = 2;

/// Threads of one server that are drawn, the kernel's own not counted.
const THREADS_MAX: usize = 2;

/// Columns of `U` and `K`.
const MODE_COLUMNS: u16 = 2;

/// A server's stretch of time.
pub(super) struct Drawn<'s> {
    server: &'s ServerView<'s>,
    cast: Cast<'s>,
    /// What of its run is shown; `None`: its story tells nothing about this time, and where the nearest does.
    seen: Result<Timeline<'s>, Option<(u64, u64)>>,
}

/// Columns of the servers' names.
fn label(scene: &Scene<'_>, columns: u16) -> u16 {
    let names = scene.servers.iter().map(|server| width(server.name)).max().unwrap_or(0).saturating_add(1);
    names.max(9).min(columns / 4).max(1)
}

fn cells(scene: &Scene<'_>) -> u16 {
    let columns = scene.columns;
    columns.saturating_sub(label(scene, columns)).saturating_sub(MODE_COLUMNS).max(1)
}

/// From when to when is drawn, nanoseconds since the trace's zero: around the playhead, or up to the newest.
fn span_ns(scene: &Scene<'_>, trace: &Trace) -> (u64, u64) {
    let cell_ns = scene.view.cell_ns.unwrap_or(1).max(1);
    let whole_ns = cell_ns.saturating_mul(cells(scene).into());
    let end_ns = trace.end_ns();
    let from_ns = match scene.view.playhead {
        crate::screen::view::Playhead::Live => end_ns.saturating_sub(whole_ns),
        _ => scene.view.t_ns().min(end_ns).saturating_sub(whole_ns / 2),
    };
    (from_ns, from_ns.saturating_add(whole_ns))
}

fn told<'a, 's>(scene: &'a Scene<'s>) -> &'a [Drawn<'s>] {
    scene.timelines.get_or_init(|| {
        let Some(trace) = scene.trace else { return Vec::new() };
        let span = span_ns(scene, trace);
        let center_ns = scene.view.t_ns().min(trace.end_ns());
        let drawn = |server: &&'s ServerView<'s>| drawn(scene, trace, server, span, center_ns);
        scene.servers.iter().filter_map(drawn).collect()
    })
}

fn drawn<'s>(
    scene: &Scene<'s>,
    trace: &'s Trace,
    server: &'s ServerView<'s>,
    (from_ns, to_ns): (u64, u64),
    center_ns: u64,
) -> Option<Drawn<'s>> {
    let index = trace.header().servers.iter().position(|name| name == server.name)?;
    let index = told_run(trace, u32::try_from(index).ok()?, center_ns)?;
    let run = trace.runs().get(index)?;
    let cast = Cast::of(trace, run);
    let own = |t_ns: u64| run.own_ns(t_ns);
    let near = windows(run).into_iter().min_by_key(|(begin_ns, end_ns)| {
        let center_ns = own(center_ns).unwrap_or(0);
        begin_ns.saturating_sub(center_ns).max(center_ns.saturating_sub(*end_ns))
    });
    let near = near.map(|(begin_ns, end_ns)| {
        (run.began_ns.saturating_add(begin_ns), run.began_ns.saturating_add(end_ns))
    });
    let touches = near.is_some_and(|(begin_ns, end_ns)| begin_ns <= to_ns && end_ns >= from_ns);
    let seen = match own(to_ns).filter(|_| touches) {
        Some(own_to_ns) => {
            // Before its beginning a run has nothing: the picture begins there.
            let span = (own(from_ns).unwrap_or(0), own_to_ns);
            let timeline = Timeline::of(run, span, cells(scene).into(), |tid| cast.is_helper(tid));
            if timeline.is_silent() { Err(near) } else { Ok(timeline) }
        }
        None => Err(near),
    };
    Some(Drawn { server, cast, seen })
}

/// Threads in the order in which they are drawn: the program's own, those with most to show first, then the
/// kernel's.
fn threads<'d, 's>(drawn: &'d Drawn<'s>) -> (Vec<&'d Thread<'s>>, Vec<&'d Thread<'s>>) {
    let Ok(timeline) = &drawn.seen else { return (Vec::new(), Vec::new()) };
    let (helpers, mut own): (Vec<_>, Vec<_>) =
        timeline.threads.iter().partition(|thread| drawn.cast.is_helper(thread.tid));
    own.sort_by_key(|thread| std::cmp::Reverse(thread.spans.len()));
    own.truncate(THREADS_MAX);
    (own, helpers)
}

/// Whether a kernel thread polls and nothing was seen of it.
fn has_unseen_poller(drawn: &Drawn<'_>, helpers: &[&Thread<'_>]) -> bool {
    helpers.is_empty() && drawn.cast.has_poller()
}

fn rows_of(drawn: &Drawn<'_>) -> u16 {
    let Ok(timeline) = &drawn.seen else { return 1 };
    let (own, helpers) = threads(drawn);
    let own = THREAD_ROWS.saturating_mul(u16::try_from(own.len()).unwrap_or(u16::MAX));
    let helpers = u16::from(!helpers.is_empty() || has_unseen_poller(drawn, &helpers));
    own.saturating_add(helpers)
        .saturating_add(u16::from(!timeline.entries.is_empty()))
        .saturating_add(u16::from(!timeline.flights.is_empty()))
        .max(1)
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let told = told(scene);
    if told.is_empty() {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    let all = told.iter().map(rows_of).fold(2, u16::saturating_add);
    (THREAD_ROWS.saturating_add(1).min(all), all)
}

/// Who told what is drawn; of several servers, the last.
pub(super) fn remark(scene: &Scene<'_>) -> &'static str {
    let rung = told(scene).iter().rev().find_map(|drawn| drawn.seen.as_ref().ok()?.rung);
    rung.map_or("", Rung::word)
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let told = told(scene);
    if told.is_empty() {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    }
    let Some(trace) = scene.trace else { return };
    let label = label(scene, area.width);
    let (axis, body) = top(area, u16::from(area.height > 1));
    draw_axis(paint, axis, scene, trace, label);
    let needed = told.iter().map(rows_of).fold(0, u16::saturating_add);
    let (body, legend) = top(body, body.height.saturating_sub(u16::from(body.height > needed)));
    draw_legend(paint, legend, told);
    // Those up to the last, which is the lesson's point, as far as they fit.
    let mut skip = 0;
    while told[skip..].iter().map(rows_of).fold(0, u16::saturating_add) > body.height && skip + 1 < told.len()
    {
        skip += 1;
    }
    let mut rest = body;
    for drawn in &told[skip..] {
        let (here, below) = top(rest, rows_of(drawn));
        draw_server(paint, here, scene, drawn, label);
        rest = below;
    }
}

fn draw_axis(paint: &mut Paint, area: Rect, scene: &Scene<'_>, trace: &Trace, label: u16) {
    let (from_ns, to_ns) = span_ns(scene, trace);
    let (_, strip) = left(area, label.saturating_add(MODE_COLUMNS));
    paint.text(area, 0, 0, &clock(from_ns), Role::Quiet);
    let cell_ns = scene.view.cell_ns.unwrap_or(1);
    let scale = format!("{}/cell", span(cell_ns));
    paint.right(area, area.width, 0, &scale, Role::Number);
    let t_ns = scene.view.t_ns().min(trace.end_ns());
    if t_ns >= from_ns && t_ns < to_ns {
        let column = u16::try_from((t_ns - from_ns) / cell_ns.max(1)).unwrap_or(u16::MAX);
        paint.text(strip, column, 0, paint.glyphs().tail, Role::Focus);
    }
}

fn draw_legend(paint: &mut Paint, area: Rect, told: &[Drawn<'_>]) {
    if area.is_empty() {
        return;
    }
    let glyphs = paint.glyphs();
    let seen = || told.iter().filter_map(|drawn| drawn.seen.as_ref().ok());
    let mut parts = vec![format!("{} waiting", glyphs.empty.repeat(2))];
    if seen().any(|timeline| timeline.knows_processors) {
        parts.push(format!("{} put aside", glyphs.contended));
    }
    if seen().any(|timeline| timeline.rung == Some(Rung::Ptrace)) {
        parts.push("under ptrace: times are slowed down".into());
    }
    if seen().any(|timeline| timeline.sampled) {
        parts.push("so much that each cell is a sample".into());
    }
    let lost = seen().fold(0_u64, |sum, timeline| sum.saturating_add(timeline.lost));
    if lost > 0 {
        parts.push(format!("{lost} records lost"));
    }
    parts.push("height: its share of the cell".into());
    while parts.len() > 1 && width(&parts.join("   ")) > area.width {
        parts.pop();
    }
    paint.text(area, 0, 0, &shorten(&parts.join("   "), area.width, glyphs), Role::Quiet);
}

fn draw_server(paint: &mut Paint, area: Rect, scene: &Scene<'_>, drawn: &Drawn<'_>, label: u16) {
    let name = shorten(drawn.server.name, label.saturating_sub(1), paint.glyphs());
    paint.text(area, 0, 0, &name, Role::Code);
    let (_, strip) = left(area, label);
    if scene.hides_crossings(drawn.server) {
        paint.text(strip, 0, 0, "yours?  first say how many", Role::Own);
        return;
    }
    let timeline = match &drawn.seen {
        Ok(timeline) => timeline,
        Err(near) => {
            let says = match near {
                Some((from_ns, to_ns)) => {
                    format!("no window at this time; the nearest: {} to {}", clock(*from_ns), clock(*to_ns))
                }
                None => "no window has been opened".to_owned(),
            };
            paint.text(strip, 0, 0, &shorten(&says, strip.width, paint.glyphs()), Role::Quiet);
            return;
        }
    };
    let lit = scene.lit().filter(|lit| lit.server as usize == index_of(drawn.server));
    let (own, helpers) = threads(drawn);
    let (mut area, mut rest) = (area, strip);
    for (place, thread) in own.iter().enumerate() {
        if place > 0 {
            let tid = shorten(&format!(" {}", thread.tid), label.saturating_sub(1), paint.glyphs());
            paint.text(area, 0, 0, &tid, Role::Quiet);
        }
        draw_thread(paint, top(rest, THREAD_ROWS).0, scene, timeline, thread, lit);
        (area, rest) = (top(area, THREAD_ROWS).1, top(rest, THREAD_ROWS).1);
    }
    if let Some(thread) = helpers.first() {
        let name = drawn.cast.comm(thread.tid).unwrap_or("kernel");
        paint.text(area, 0, 0, &shorten(name, label.saturating_sub(1), paint.glyphs()), Role::Quiet);
        draw_helper(paint, top(rest, 1).0, scene, timeline, thread);
        (area, rest) = (top(area, 1).1, top(rest, 1).1);
    } else if has_unseen_poller(drawn, &helpers) {
        paint.text(area, 0, 0, &shorten("iou-sqp", label.saturating_sub(1), paint.glyphs()), Role::Quiet);
        let says = "it polls the ring and makes no call: not seen here";
        paint.text(rest, MODE_COLUMNS, 0, &shorten(says, rest.width, paint.glyphs()), Role::Quiet);
        (area, rest) = (top(area, 1).1, top(rest, 1).1);
    }
    if !timeline.entries.is_empty() {
        paint.text(area, 0, 0, &shorten("SQE CQE", label.saturating_sub(1), paint.glyphs()), Role::Quiet);
        draw_entries(paint, top(rest, 1).0, scene, timeline, lit);
        (area, rest) = (top(area, 1).1, top(rest, 1).1);
    }
    if !timeline.flights.is_empty() {
        paint.text(area, 0, 0, &shorten("requests", label.saturating_sub(1), paint.glyphs()), Role::Quiet);
        draw_flights(paint, top(rest, 1).0, scene, timeline, lit);
    }
}

/// Its place in the header.
fn index_of(server: &ServerView<'_>) -> usize {
    server.header.servers.iter().position(|name| name == server.name).unwrap_or(usize::MAX)
}

/// What a thread did in a cell, nanoseconds of each.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    user: u64,
    kernel: u64,
    waits: u64,
    aside: u64,
    lit: bool,
}

/// Where on the strip a time is; on the clock of the timeline's run.
struct Ruler {
    from_ns: u64,
    cell_ns: u64,
    cells: u16,
}

impl Ruler {
    fn of(scene: &Scene<'_>, timeline: &Timeline<'_>, strip: Rect) -> Self {
        let cell_ns = scene.view.cell_ns.unwrap_or(1).max(1);
        Self { from_ns: timeline.span_ns.0, cell_ns, cells: strip.width }
    }

    fn column(&self, t_ns: u64) -> u16 {
        let column = t_ns.saturating_sub(self.from_ns) / self.cell_ns;
        u16::try_from(column).unwrap_or(u16::MAX)
    }
}

fn shares(ruler: &Ruler, thread: &Thread<'_>, is_lit: impl Fn(&Span<'_>) -> bool) -> Vec<Share> {
    let mut shares = vec![Share::default(); usize::from(ruler.cells)];
    for span in &thread.spans {
        let lit = is_lit(span);
        let first = ruler.column(span.from_ns);
        let last = ruler.column(span.to_ns.saturating_sub(1)).min(ruler.cells.saturating_sub(1));
        for column in first..=last {
            let Some(share) = shares.get_mut(usize::from(column)) else { break };
            let begin_ns = ruler.from_ns.saturating_add(ruler.cell_ns.saturating_mul(column.into()));
            let end_ns = begin_ns.saturating_add(ruler.cell_ns);
            let ns = span.to_ns.min(end_ns).saturating_sub(span.from_ns.max(begin_ns));
            let sum = match span.doing {
                Doing::User => &mut share.user,
                Doing::Kernel(_) => &mut share.kernel,
                Doing::Waits(_) => &mut share.waits,
                Doing::PutAside => &mut share.aside,
                Doing::NotKnown => continue,
            };
            *sum = sum.saturating_add(ns);
            share.lit |= lit;
        }
    }
    shares
}

/// The glyph for a share of a cell.
fn level(paint: &Paint, ns: u64, cell_ns: u64) -> &'static str {
    let eighths = (u128::from(ns) * 8).div_ceil(u128::from(cell_ns.max(1))).clamp(1, 8);
    paint.glyphs().levels[usize::try_from(eighths).unwrap_or(8) - 1]
}

fn draw_thread(
    paint: &mut Paint,
    area: Rect,
    scene: &Scene<'_>,
    timeline: &Timeline<'_>,
    thread: &Thread<'_>,
    lit: Option<&Lit>,
) {
    paint.text(area, 0, 0, "U", Role::Quiet);
    paint.text(area, 0, 1, "K", Role::Quiet);
    let (_, strip) = left(area, MODE_COLUMNS);
    let ruler = Ruler::of(scene, timeline, strip);
    let is_lit = |span: &Span<'_>| {
        let asked = match span.doing {
            Doing::Kernel(asked) | Doing::Waits(asked) => asked,
            _ => None,
        };
        lit.zip(asked).is_some_and(|(lit, asked)| {
            let back_ns = asked.back.map(|(back_ns, _)| back_ns);
            lit.has_asked(thread.tid, asked.t_ns, asked.name, asked.args, back_ns)
        })
    };
    let dim = lit.is_some();
    for (column, share) in (0..).zip(shares(&ruler, thread, is_lit)) {
        if share.user > 0 {
            let role = if dim { Role::Quiet } else { Role::Strong };
            paint.text(strip, column, 0, level(paint, share.user, ruler.cell_ns), role);
        }
        let role = match (share.lit, dim) {
            (true, _) => Role::Focus,
            (false, true) => Role::Quiet,
            (false, false) => Role::Code,
        };
        if share.kernel > 0 {
            paint.text(strip, column, 1, level(paint, share.kernel, ruler.cell_ns), role);
        } else if share.aside > 0 {
            paint.text(strip, column, 1, paint.glyphs().contended, Role::Warn);
        } else if share.waits > 0 {
            let role = if share.lit { Role::Focus } else { Role::Quiet };
            paint.text(strip, column, 1, paint.glyphs().empty, role);
        }
    }
    draw_names(paint, strip, &ruler, thread, is_lit, dim);
}

/// A call that has room for its name says it.
fn draw_names(
    paint: &mut Paint,
    strip: Rect,
    ruler: &Ruler,
    thread: &Thread<'_>,
    is_lit: impl Fn(&Span<'_>) -> bool,
    dim: bool,
) {
    for span in &thread.spans {
        let (Doing::Kernel(Some(asked)) | Doing::Waits(Some(asked))) = span.doing else { continue };
        let first = ruler.column(span.from_ns);
        let last = ruler.column(span.to_ns).min(ruler.cells);
        let room = last.saturating_sub(first).saturating_sub(2);
        let name = if width(asked.name) <= room { asked.name } else { words::short(asked.name) };
        if width(name) <= room && first < ruler.cells {
            let role = match (is_lit(span), dim) {
                (true, _) => Role::Focus,
                (false, true) => Role::Quiet,
                (false, false) => Role::Plain,
            };
            paint.text(strip, first.saturating_add(1), 1, name, role);
        }
    }
}

/// A thread of the kernel's is below all the time.
fn draw_helper(
    paint: &mut Paint,
    area: Rect,
    scene: &Scene<'_>,
    timeline: &Timeline<'_>,
    thread: &Thread<'_>,
) {
    paint.text(area, 0, 0, "K", Role::Quiet);
    let (_, strip) = left(area, MODE_COLUMNS);
    let ruler = Ruler::of(scene, timeline, strip);
    for (column, share) in (0..).zip(shares(&ruler, thread, |_| false)) {
        let works = share.kernel.saturating_add(share.user);
        if works > 0 {
            paint.text(strip, column, 0, level(paint, works, ruler.cell_ns), Role::Code);
        } else if share.aside > 0 {
            paint.text(strip, column, 0, paint.glyphs().contended, Role::Warn);
        } else if share.waits > 0 {
            paint.text(strip, column, 0, paint.glyphs().empty, Role::Quiet);
        }
    }
}

/// `S` a submission, `C` a completion, `*` both; capitals belong to what is followed.
fn draw_entries(
    paint: &mut Paint,
    area: Rect,
    scene: &Scene<'_>,
    timeline: &Timeline<'_>,
    lit: Option<&Lit>,
) {
    let (_, strip) = left(area, MODE_COLUMNS);
    let ruler = Ruler::of(scene, timeline, strip);
    let mut cells = vec![(false, false, false); usize::from(strip.width)];
    for entry in &timeline.entries {
        let Some(cell) = cells.get_mut(usize::from(ruler.column(entry.t_ns))) else { continue };
        cell.0 |= entry.fd.is_some();
        cell.1 |= entry.fd.is_none();
        cell.2 |= lit.is_some_and(|lit| lit.has_entry_at(entry.t_ns, entry.user_data));
    }
    for (column, (sqe, cqe, is_lit)) in (0..).zip(cells) {
        let dim = lit.is_some() && !is_lit;
        let (glyph, role) = match (sqe, cqe) {
            (true, true) => ("*", Role::Strong),
            (true, false) if dim => ("s", Role::Quiet),
            (true, false) => ("S", Role::Submission),
            (false, true) if dim => ("c", Role::Quiet),
            (false, true) => ("C", Role::Completion),
            (false, false) => continue,
        };
        paint.text(strip, column, 0, glyph, if is_lit { Role::Focus } else { role });
    }
}

/// How many requests were under way in each cell, and the one that is followed as a line.
fn draw_flights(
    paint: &mut Paint,
    area: Rect,
    scene: &Scene<'_>,
    timeline: &Timeline<'_>,
    lit: Option<&Lit>,
) {
    let (_, strip) = left(area, MODE_COLUMNS);
    let ruler = Ruler::of(scene, timeline, strip);
    let ends = |flight: &crate::world::timeline::Flight| {
        let first = flight.sent_ns.map_or(0, |sent_ns| ruler.column(sent_ns));
        let last = flight.answered_ns.map_or(u16::MAX, |answered_ns| ruler.column(answered_ns));
        (first, last.min(strip.width.saturating_sub(1)))
    };
    let mut under_way = vec![0_u32; usize::from(strip.width)];
    for flight in &timeline.flights {
        let (first, last) = ends(flight);
        under_way.iter_mut().take(usize::from(last) + 1).skip(usize::from(first)).for_each(|n| *n += 1);
    }
    for (column, count) in (0..).zip(under_way) {
        let glyph = match count {
            0 => continue,
            1..=9 => char::from_digit(count, 10).unwrap_or('9').to_string(),
            _ => "+".to_owned(),
        };
        paint.text(strip, column, 0, &glyph, Role::Quiet);
    }
    let followed =
        lit.and_then(|lit| timeline.flights.iter().find(|one| lit.has_request(one.port, one.ordinal)));
    if let Some(flight) = followed {
        let (first, last) = ends(flight);
        let glyphs = paint.glyphs();
        let line = glyphs.lines[0].repeat(usize::from(last.saturating_sub(first)));
        paint.text(strip, first, 0, &line, Role::Focus);
        paint.text(strip, first, 0, glyphs.lines[6], Role::Focus);
        paint.text(strip, last, 0, glyphs.lines[7], Role::Focus);
    }
}
