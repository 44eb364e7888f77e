//! The scrubber: the whole run in a row, and where in it the playhead stands.
//!
//! ```text
//! 1.284 731 s ━━━▒▒▒▒━━━━━◆━━━━━━!━━━┃─────▒▒▒▒──────┆─────────── 12.400 s
//! mark "the first echo" at 1.284 731 s          ▒ window   ◆ 2 marks   ! 1 insight
//! ```

use ratatui::layout::Rect;

use super::layout::top;
use super::number::{clock, count};
use super::paint::{Click, Paint, shorten, width};
use super::theme::Role;
use super::view::View;
use crate::lesson::Lesson;
use crate::trace::{Note, Record, Trace};
use crate::world::{World, insight, ruler, spot};

/// Narrower than this the times beside the line have no room.
const TIMES_COLUMNS: u16 = 44;

/// What stands at a cell, the most telling last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Here {
    #[default]
    Nothing,
    Window,
    Change,
    Insight,
    Mark,
}

/// The line's cells and the times that they stand for.
struct Line {
    columns: u16,
    end_ns: u64,
}

impl Line {
    fn column(&self, t_ns: u64) -> u16 {
        let last = u128::from(self.columns.saturating_sub(1));
        let column = u128::from(t_ns.min(self.end_ns)) * last / u128::from(self.end_ns.max(1));
        u16::try_from(column).unwrap_or(0)
    }

    fn t_ns(&self, column: u16) -> u64 {
        let last = u128::from(self.columns.saturating_sub(1).max(1));
        u64::try_from(u128::from(column) * u128::from(self.end_ns) / last).unwrap_or(self.end_ns)
    }
}

pub(super) fn draw(paint: &mut Paint, area: Rect, view: &View, lesson: &Lesson, world: &World<'_>) {
    if area.is_empty() {
        return;
    }
    let Some(trace) = world.trace() else { return };
    let end_ns = view.end_ns(trace);
    let t_ns = view.t_ns().min(end_ns);
    let (now, end) = (clock(t_ns), clock(end_ns));
    // Times keep their columns while the playhead moves.
    let label = if area.width >= TIMES_COLUMNS { width(&end).max(width(&now)) } else { 0 };
    let indent = u16::from(area.width >= 40);
    let from = indent.saturating_add(label).saturating_add(u16::from(label > 0));
    let columns = area.width.saturating_sub(from.saturating_mul(2)).max(1);
    if label > 0 {
        paint.right(area, from.saturating_sub(1), 0, &now, Role::Number);
        paint.text(area, from.saturating_add(columns).saturating_add(1), 0, &end, Role::Quiet);
    }
    let (row, _) = top(area, 1);
    let line = Line { columns, end_ns };
    draw_line(paint, row, from, &line, trace, t_ns, view.ruler_ns);
    let (_, below) = top(area, 1);
    draw_words(paint, below, view, lesson, trace, t_ns);
}

fn draw_line(
    paint: &mut Paint,
    row: Rect,
    from: u16,
    line: &Line,
    trace: &Trace,
    t_ns: u64,
    ruler_ns: Option<u64>,
) {
    let cells = cells(line, trace);
    let glyphs = paint.glyphs();
    let head = line.column(t_ns);
    let measured = ruler_ns.map(|ruler_ns| line.column(ruler_ns));
    for (column, here) in (0..).zip(cells) {
        let between = measured.is_some_and(|begin| (begin.min(head)..=begin.max(head)).contains(&column));
        let (glyph, role) = match here {
            _ if column == head => (glyphs.playhead, Role::Focus),
            Here::Mark => (glyphs.mark, Role::Own),
            Here::Insight => (glyphs.warn, Role::Warn),
            Here::Change => (glyphs.change, Role::Strong),
            Here::Window => (glyphs.contended, Role::Completion),
            Here::Nothing if between => (glyphs.passed, Role::Own),
            Here::Nothing if column < head => (glyphs.passed, Role::Plain),
            Here::Nothing => (glyphs.lines[0], Role::Frame),
        };
        let at = from.saturating_add(column);
        paint.text(row, at, 0, glyph, role);
        let zone = Rect { x: row.x.saturating_add(at), width: 1, ..row };
        paint.zone(zone, Click::Seek(line.t_ns(column)));
    }
    paint.cursor(row, from.saturating_add(head), 0);
}

fn cells(line: &Line, trace: &Trace) -> Vec<Here> {
    let mut cells = vec![Here::Nothing; usize::from(line.columns)];
    let mut put = |from_ns: u64, to_ns: u64, here: Here| {
        let (first, last) = (line.column(from_ns), line.column(to_ns));
        for cell in &mut cells[usize::from(first)..=usize::from(last)] {
            *cell = (*cell).max(here);
        }
    };
    for run in trace.runs() {
        let since = |own_ns: u64| run.began_ns.saturating_add(own_ns);
        let seen = |own_ns: u64| since(own_ns) <= line.end_ns;
        for (from_ns, to_ns) in spot::windows(run).into_iter().filter(|(from_ns, _)| seen(*from_ns)) {
            put(since(from_ns), since(to_ns), Here::Window);
        }
        let ends = run.landmarks().next_back();
        if let Some((t_ns, Record::End { .. })) = ends.filter(|(t_ns, _)| since(*t_ns) < line.end_ns) {
            put(since(*t_ns), since(*t_ns), Here::Change);
        }
    }
    for found in trace.found().iter().filter(|found| found.t_ns <= line.end_ns) {
        put(found.t_ns, found.t_ns, Here::Insight);
    }
    for (t_ns, _) in marks(trace) {
        put(t_ns, t_ns, Here::Mark);
    }
    cells
}

/// The marks, with what they say.
fn marks(trace: &Trace) -> impl Iterator<Item = (u64, &str)> {
    trace.notes().iter().filter_map(|(t_ns, note)| match note {
        Note::Mark { says } => Some((*t_ns, says.as_str())),
        _ => None,
    })
}

/// The row of words: what is typed, measured, or stands at the playhead; and what the glyphs mean.
fn draw_words(paint: &mut Paint, area: Rect, view: &View, lesson: &Lesson, trace: &Trace, t_ns: u64) {
    if area.is_empty() {
        return;
    }
    let indent = u16::from(area.width >= 40);
    if let Some(noting) = &view.noting {
        let label = format!("mark at {}, your note: ", clock(noting.t_ns));
        let column = paint.text(area, indent, 0, &label, Role::Plain);
        let column = paint.text(area, column, 0, &noting.text, Role::Own);
        paint.text(area, column, 0, "_", Role::Own);
        paint.cursor(area, column, 0);
        return;
    }
    let (says, role) = words(view, lesson, trace, t_ns);
    let legend = legend(paint, trace, view.end_ns(trace));
    let room = area.width.saturating_sub(indent);
    let both = width(&says).saturating_add(width(&legend)).saturating_add(3) <= room;
    let column = paint.text(area, indent, 0, &shorten(&says, room, paint.glyphs()), role);
    if says.is_empty() || both {
        let end = area.width.saturating_sub(indent);
        if width(&legend) <= end.saturating_sub(column) {
            paint.right(area, end, 0, &legend, Role::Quiet);
        }
    }
}

fn words(view: &View, lesson: &Lesson, trace: &Trace, t_ns: u64) -> (String, Role) {
    if let Some(ruler_ns) = view.ruler_ns {
        return (measured(view, lesson, trace, ruler_ns, t_ns), Role::Own);
    }
    if let Some((at_ns, says)) = marks(trace).find(|(at_ns, _)| *at_ns == t_ns) {
        let says = if says.is_empty() { "no note" } else { says };
        return (format!("mark at {}: {says}", clock(at_ns)), Role::Own);
    }
    // What began to hold since a hundredth of the run.
    let near_ns = trace.end_ns() / 100;
    let begun = trace.found().iter().rev().find(|found| found.t_ns <= t_ns);
    if let Some(found) = begun.filter(|found| t_ns - found.t_ns <= near_ns) {
        let server = trace.header().servers.get(found.server as usize).map_or("", String::as_str);
        let title = insight::by_id(found.id).map_or(found.id, |insight| insight.title);
        return (format!("{server}: {title}"), Role::Warn);
    }
    (String::new(), Role::Plain)
}

/// What lies between the ruler's beginning and the playhead, of as many servers as there are.
fn measured(view: &View, lesson: &Lesson, trace: &Trace, from_ns: u64, to_ns: u64) -> String {
    let between = ruler::between(trace, from_ns, to_ns);
    let time = super::number::span(between.ns);
    let named = |server: u32| trace.header().servers.get(server as usize).map_or("", String::as_str);
    let shown = |server: &str| {
        view.lab(lesson).is_some_and(|lab| lab.servers.iter().any(|name| name == server))
            && !view.is_hidden(lesson, server, crate::world::MetricId::SyscallsPerRequest)
    };
    let mut parts = vec![format!("{time} from {}", clock(from_ns))];
    for done in between.servers.iter().filter(|done| shown(named(done.server))) {
        parts.push(format!("{}: {}", named(done.server), done.words(count)));
    }
    if parts.len() == 1 {
        parts.push("nothing was read in between".into());
    }
    parts.join("; ")
}

/// What the glyphs mean, those that are there.
fn legend(paint: &Paint, trace: &Trace, end_ns: u64) -> String {
    let glyphs = paint.glyphs();
    let mut parts = Vec::new();
    if trace.runs().iter().any(|run| !spot::windows(run).is_empty()) {
        parts.push(format!("{} window", glyphs.contended));
    }
    match marks(trace).count() {
        0 => {}
        1 => parts.push(format!("{} mark", glyphs.mark)),
        marks => parts.push(format!("{} {marks} marks", glyphs.mark)),
    }
    if !trace.found().is_empty() {
        parts.push(format!("{} an insight begins", glyphs.warn));
    }
    let inside = |run: &crate::trace::Run| run.end_ns() < end_ns;
    if trace.runs().iter().any(inside) {
        parts.push(format!("{} a run ends", glyphs.change));
    }
    parts.join("   ")
}
