//! The screen of slow motion: where each server stands still, what it asks and is answered, and what the kernel holds
//! for it at that instant.
//!
//! ```text
//! header: which stop, whether it is the newest
//! ┌ one server ──────────┬ the other ──────────┐   side by side from 96 columns on, else one below the other
//! │ the sentence         │                     │
//! │ its source, lit      │                     │
//! │ rings, or interests  │                     │
//! │ the last stops       │                     │
//! └──────────────────────┴─────────────────────┘
//! ```

mod held;
mod lane;
mod part;
mod rings;
mod source;

use ratatui::layout::{Rect, Size};

use super::layout::{bottom, left, top};
use super::paint::{Frame, Paint, shorten, width, wrap};
use super::theme::{Role, Theme};
use super::view::View;
use super::{footer, overlay};
use crate::lesson::Lesson;
use crate::trace::Trace;
use crate::world::stops::stop_times;
use crate::world::{RunWorld, World};

/// From here on two servers stand side by side.
const SIDE_BY_SIDE_COLUMNS: u16 = 96;

/// Fewer rows than this say too little of a server: the others give way.
const LANE_ROWS_MIN: u16 = 9;

/// Slow motion of some servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// The servers.
    pub servers: Vec<String>,
    /// The one that keys are for; all of them when `None`.
    pub chosen: Option<usize>,
    /// The instant that is looked at, nanoseconds since the trace's zero; the newest when `None`.
    pub at_ns: Option<u64>,
    /// Where it stands.
    pub state: State,
}

/// Where slow motion stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The servers are being started.
    Starting,
    /// They stand still, or go on to a stop.
    Underway,
    /// They run on their own until they are stopped again.
    Free,
    /// A recorded run is walked through, and why.
    Recorded(String),
    /// It came to its end.
    Over,
    /// It could not be: why.
    Failed(String),
}

impl Slow {
    /// Of these servers, about to begin.
    pub fn new(servers: Vec<String>) -> Self {
        Self { servers, chosen: None, at_ns: None, state: State::Starting }
    }

    /// Time up to which the world is to be folded, nanoseconds.
    pub fn t_ns(&self) -> u64 {
        self.at_ns.unwrap_or(u64::MAX)
    }

    /// When something was seen of the servers that keys are for, nanoseconds since the trace's zero, in order.
    pub(super) fn times(&self, trace: &Trace) -> Vec<u64> {
        stop_times(trace, self.chosen).into_iter().collect()
    }
}

/// The run of each server, in their order; `None` before it began.
fn runs<'w>(world: Option<&'w World<'_>>, slow: &Slow) -> Vec<Option<&'w RunWorld>> {
    let of = |index: usize| {
        world
            .and_then(|world| world.runs.iter().rev().find(|run| run.start.server as usize == index))
            .map(AsRef::as_ref)
    };
    (0..slow.servers.len()).map(of).collect()
}

/// Draws it.
pub(super) fn frame(
    world: Option<&World<'_>>,
    view: &View,
    slow: &Slow,
    lesson: &Lesson,
    size: Size,
    theme: Theme,
) -> Frame {
    let screen = Rect::new(0, 0, size.width, size.height);
    let mut paint = Paint::new(screen, theme);
    let (head, rest) = top(screen, 1);
    let (mut body, foot) = bottom(rest, u16::from(rest.height > 1));
    let runs = runs(world, slow);
    header(&mut paint, head, slow, &runs);
    for (glyph, says, role) in notes(&paint, slow) {
        for line in wrap(&says, body.width.saturating_sub(3)).iter().take(usize::from(body.height / 3).max(1))
        {
            paint.text(body, 0, 0, glyph, role);
            paint.text(body, 2, 0, line, role);
            (_, body) = top(body, 1);
        }
    }
    for (index, area) in areas(body, slow).into_iter().enumerate().filter(|(_, area)| !area.is_empty()) {
        let is_on = slow.chosen.is_none_or(|chosen| chosen == index);
        match runs.get(index).copied().flatten() {
            Some(run) => lane::draw(&mut paint, area, &slow.servers[index], run, is_on),
            None => {
                paint.rule(area, 0, &slow.servers[index], "not started yet", is_on);
            }
        }
    }
    footer::draw(&mut paint, foot, view, lesson, false);
    overlay::draw(&mut paint, size, view, lesson, &[]);
    paint.done()
}

fn header(paint: &mut Paint, area: Rect, slow: &Slow, runs: &[Option<&RunWorld>]) {
    let glyphs = paint.glyphs();
    let (glyph, word, role) = match (&slow.state, slow.at_ns) {
        (State::Starting, _) => (glyphs.open, "starting", Role::Warn),
        (State::Failed(_), _) => (glyphs.bad, "failed", Role::Bad),
        (State::Recorded(_), _) => (glyphs.recorded, "recorded", Role::Warn),
        (_, Some(_)) => (glyphs.frozen, "an earlier stop", Role::Warn),
        (State::Free, None) => (glyphs.live, "runs free", Role::Good),
        (State::Over, None) => (glyphs.stopped, "over", Role::Plain),
        (State::Underway, None) => (glyphs.frozen, "stopped", Role::Good),
    };
    let state = format!("{glyph} {word}");
    let right = area.width.saturating_sub(width(&state)).saturating_sub(1);
    let mut column = 1;
    if area.width >= 60 {
        column = paint.text(area, column, 0, "iolab", Role::Title).saturating_add(2);
    }
    column = paint.text(area, column, 0, "slow motion", Role::Strong).saturating_add(3);
    let seen = runs.iter().flatten().filter_map(|run| run.stops.now()).max_by_key(|seen| seen.t_ns);
    if let Some(seen) = seen {
        let says = match slow.servers.len() {
            1 => format!("{}, stop {}, {}", seen.place(), seen.number, seen.request()),
            _ => seen.request(),
        };
        let room = right.saturating_sub(column).saturating_sub(2);
        paint.text(area, column, 0, &shorten(&says, room, glyphs), Role::Plain);
    }
    paint.text(area, right, 0, &state, role);
}

/// What is to be said of it as a whole.
fn notes(paint: &Paint, slow: &Slow) -> Vec<(&'static str, String, Role)> {
    let glyphs = paint.glyphs();
    match &slow.state {
        State::Failed(why) => vec![(glyphs.bad, why.clone(), Role::Bad)],
        State::Recorded(why) => vec![(glyphs.recorded, format!("a recorded run: {why}"), Role::Quiet)],
        State::Starting => vec![(
            glyphs.open,
            "starting the servers; each answers once before its first stop".to_owned(),
            Role::Quiet,
        )],
        _ => Vec::new(),
    }
}

/// A part of the screen for each server; empty for those that have no room.
fn areas(body: Rect, slow: &Slow) -> Vec<Rect> {
    let count = u16::try_from(slow.servers.len()).unwrap_or(u16::MAX).max(1);
    if count == 1 {
        return vec![body];
    }
    let mut areas = Vec::new();
    if body.width >= SIDE_BY_SIDE_COLUMNS && body.width / count >= SIDE_BY_SIDE_COLUMNS / 2 {
        let mut rest = body;
        for nth in 0..count {
            let (here, beside) = left(rest, rest.width / (count - nth));
            let gap = u16::from(nth + 1 < count) * 2;
            areas.push(Rect { width: here.width.saturating_sub(gap), ..here });
            rest = beside;
        }
        return areas;
    }
    // One below the other, as many as say enough; the chosen one, else the first, stays.
    let fit = (body.height / LANE_ROWS_MIN).clamp(1, count);
    let first = u16::try_from(slow.chosen.unwrap_or(0)).unwrap_or(0).min(count - fit);
    let mut rest = body;
    for nth in 0..count {
        if (first..first + fit).contains(&nth) {
            let (here, below) = top(rest, rest.height / (first + fit - nth));
            areas.push(here);
            rest = below;
        } else {
            areas.push(Rect::default());
        }
    }
    areas
}
