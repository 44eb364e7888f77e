//! How each server waits, as a strip of its last readings: spinning, put aside, partly, waiting, asleep.
//!
//! ```text
//! a cell a reading of 20 ms, newest at the right       now  mean  asleep
//! sqpoll      iou-sqp     ████████████████▆zzzzzzzz    0 %  83 %    17 %
//!             own thread  ▁▁▂▁▁▁▁▁▂▁▁▁▁▁▁▁·········    0 %   6 %
//! epoll-spin  own thread  ██████████████████████████ 100 % 100 %
//! epoll       own thread  ▁▁▁▁▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁   7 %   7 %
//! ```

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::{Glyphs, Role};
use crate::world::{Helper, MetricId, Moment, Poller, ServerView, Strip};

/// The head, and what the glyphs mean.
const AROUND: u16 = 2;
/// A strip is worth so many columns; where there are fewer, the threads' names give way, then the mean.
const STRIP: u16 = 16;
/// A share in words: `100 %`, and a gap before it.
const SHARE: u16 = 6;
/// The head of the last column is wider than its shares.
const ASLEEP: u16 = 8;

/// A row: a thread of a server.
struct Line<'s> {
    server: &'s ServerView<'s>,
    poller: Poller<'s>,
    strip: Strip<'s>,
    /// Whether it is the first one of its server.
    is_first: bool,
}

fn lines<'s>(scene: &Scene<'s>) -> Vec<Line<'s>> {
    let mut lines = Vec::new();
    for server in scene.servers.iter().copied() {
        let poller = server.rounds.last().and_then(|run| Poller::of(run));
        for (index, strip) in poller.iter().flat_map(|poller| &poller.strips).enumerate() {
            let Some(poller) = poller.clone() else { continue };
            lines.push(Line { server, poller, strip: strip.clone(), is_first: index == 0 });
        }
    }
    lines
}

impl Line<'_> {
    fn who(&self) -> String {
        match (Helper::of(self.strip.comm), self.poller.others) {
            (Some(helper), _) => helper.name().to_owned(),
            (None, 0) => "own thread".to_owned(),
            (None, others) => format!("1 of {}", others.saturating_add(1)),
        }
    }

    /// Of the looks at its ring, those that saw it asleep.
    fn asleep(&self) -> Option<f64> {
        let (looks, asleep) = self.poller.asleep;
        let polls = Helper::of(self.strip.comm) == Some(Helper::Poller);
        (polls && looks > 0).then(|| asleep as f64 / looks as f64)
    }
}

/// Where the columns stand.
struct Shape {
    name: u16,
    who: u16,
    strip: u16,
    mean: bool,
    asleep: bool,
}

impl Shape {
    fn of(columns: u16, lines: &[Line<'_>]) -> Self {
        let widest = |text: &dyn Fn(&Line<'_>) -> u16| lines.iter().map(text).max().unwrap_or(0);
        let name = widest(&|line| width(line.server.name)).min(columns / 3);
        let who = widest(&|line| width(&line.who()));
        let asleep = lines.iter().any(|line| line.asleep().is_some());
        let mut shape = Self { name, who, strip: 0, mean: true, asleep };
        if shape.room(columns) < STRIP {
            shape.who = 0;
        }
        if shape.room(columns) < STRIP {
            (shape.mean, shape.asleep) = (false, false);
        }
        shape.strip = shape.room(columns);
        shape
    }

    /// Where the strips begin.
    fn left(&self) -> u16 {
        let name = self.name.saturating_add(1);
        if self.who > 0 { name.saturating_add(self.who).saturating_add(1) } else { name }
    }

    fn room(&self, columns: u16) -> u16 {
        let mean = if self.mean { SHARE } else { 0 };
        let asleep = if self.asleep { ASLEEP } else { 0 };
        columns.saturating_sub(self.left()).saturating_sub(SHARE).saturating_sub(mean).saturating_sub(asleep)
    }
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    if scene.servers.is_empty() || columns == 0 {
        return (0, 0);
    }
    let lines = u16::try_from(lines(scene).len()).unwrap_or(u16::MAX);
    let rows = if lines == 0 { 1 } else { lines.saturating_add(AROUND) };
    (rows, rows)
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let lines = lines(scene);
    if lines.is_empty() {
        paint.text(area, 0, 0, "the threads were not read yet", Role::Quiet);
        return;
    }
    let shape = Shape::of(area.width, &lines);
    draw_head(paint, area, &shape, &lines);
    let mut row = 1;
    for line in &lines {
        draw_line(paint, area, row, &shape, line, scene);
        row = row.saturating_add(1);
    }
    paint.text(area, 0, row, &meaning(paint.glyphs(), shape.asleep, area.width), Role::Quiet);
}

fn draw_head(paint: &mut Paint, area: Rect, shape: &Shape, lines: &[Line<'_>]) {
    let strip_end = shape.left().saturating_add(shape.strip);
    let reading_ns = lines.iter().map(|line| line.poller.reading_ns).max().unwrap_or(0);
    let long = format!("a cell a reading of {} ms, newest at the right", reading_ns / 1_000_000);
    let says = if width(&long) < strip_end { long.as_str() } else { "newest at the right" };
    if width(says) < strip_end {
        paint.text(area, 0, 0, says, Role::Quiet);
    }
    let mut end = strip_end.saturating_add(SHARE);
    paint.right(area, end, 0, "now", Role::Quiet);
    if shape.mean {
        end = end.saturating_add(SHARE);
        paint.right(area, end, 0, "mean", Role::Quiet);
    }
    if shape.asleep {
        paint.right(area, end.saturating_add(ASLEEP), 0, "asleep", Role::Quiet);
    }
}

fn draw_line(paint: &mut Paint, area: Rect, row: u16, shape: &Shape, line: &Line<'_>, scene: &Scene<'_>) {
    if line.is_first {
        let name = shorten(line.server.name, shape.name, paint.glyphs());
        paint.text(area, 0, row, &name, Role::Code);
    } else if shape.who == 0 {
        let who = shorten(&line.who(), shape.name, paint.glyphs());
        paint.text(area, 0, row, &who, Role::Quiet);
    }
    if shape.who > 0 {
        paint.text(area, shape.name.saturating_add(1), row, &line.who(), Role::Plain);
    }
    if scene.view.is_hidden(scene.lesson, line.server.name, MetricId::CpuNsPerRequest) {
        paint.text(area, shape.left(), row, "yours?", Role::Own);
        return;
    }
    let moments = &line.strip.moments;
    let shown = moments.len().min(usize::from(shape.strip));
    let mut column = shape.left().saturating_add(shape.strip - u16::try_from(shown).unwrap_or(shape.strip));
    for moment in &moments[moments.len() - shown..] {
        let (glyph, role) = look(paint.glyphs(), *moment);
        column = paint.text(area, column, row, glyph, role);
    }
    let mut end = shape.left().saturating_add(shape.strip).saturating_add(SHARE);
    paint.right(area, end, row, &percent(line.strip.now), Role::Number);
    if shape.mean {
        end = end.saturating_add(SHARE);
        paint.right(area, end, row, &percent(line.strip.mean), Role::Number);
    }
    if shape.asleep && line.asleep().is_some() {
        paint.right(area, end.saturating_add(ASLEEP), row, &percent(line.asleep()), Role::Number);
    }
}

fn look(glyphs: &Glyphs, moment: Moment) -> (&'static str, Role) {
    let [part @ .., all] = &glyphs.levels;
    match moment {
        Moment::Spinning => (all, Role::Warn),
        Moment::Partly(share) => {
            let level = (share.clamp(0.0, 1.0) * glyphs.levels.len() as f64) as usize;
            (part[level.min(part.len() - 1)], Role::Plain)
        }
        Moment::Contended(_) => (glyphs.contended, Role::Warn),
        Moment::Waiting => (glyphs.empty, Role::Frame),
        Moment::Asleep => (glyphs.asleep, Role::Submission),
    }
}

/// A share in words; what is more than nothing is never 0 %.
fn percent(share: Option<f64>) -> String {
    match share.map(|share| share * 100.0) {
        None => "?".into(),
        Some(small) if small > 0.0 && small < 0.5 => "<1 %".into(),
        Some(percent) => format!("{percent:.0} %"),
    }
}

/// What the glyphs mean, as far as there is room.
fn meaning(glyphs: &Glyphs, sleeps: bool, columns: u16) -> String {
    let [least, .., all] = glyphs.levels;
    let contended = glyphs.contended;
    let asleep = if sleeps { format!("  {} asleep", glyphs.asleep) } else { String::new() };
    let long = format!(
        "{all} spinning  {contended} spins, put aside  {least} partly  {} waiting{asleep}",
        glyphs.empty
    );
    let short = format!("{all} spins  {contended} put aside  {least} partly{asleep}");
    let longest = format!("{long}: NEED_WAKEUP is up");
    let fits = |says: &String| width(says) <= columns;
    let longest = Some(longest).filter(|says| sleeps && fits(says));
    longest.or(Some(long).filter(fits)).unwrap_or(short)
}
