//! The picture of one lane: a line with corners, two rows high.

use ratatui::layout::Rect;

use crate::screen::paint::{Paint, width};
use crate::screen::theme::Role;
use crate::world::lanes::Lane;
use crate::world::turns::Turn;
use crate::world::words;
use crate::world::{Call, Lit};

/// Turns that are drawn at most.
const TURNS_MAX: usize = 6;

/// The least of a wait whose end is not drawn.
const OPEN_COLUMNS: u16 = 3;

/// How all lanes of a picture are drawn, so that they can be compared: every turn of one begins where it begins
/// in the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Style {
    shape: Shape,
    /// Column of the corner at which each turn begins, the last turn last.
    wakes: Vec<u16>,
}

/// How wide a crossing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The call's name stands in it.
    Named,
    /// Its short name does.
    Short,
    /// A line of one column does.
    Line,
    /// Corner beside corner.
    Comb,
}

const SHAPES: [Shape; 4] = [Shape::Named, Shape::Short, Shape::Line, Shape::Comb];

impl Shape {
    fn name(self, call: &Call) -> Option<&str> {
        match self {
            Self::Named => Some(&call.name),
            Self::Short => Some(words::short(&call.name)),
            Self::Line | Self::Comb => None,
        }
    }

    /// Columns between the corners of a call.
    fn call(self, call: &Call) -> u16 {
        self.name(call).map_or(u16::from(self == Self::Line), width)
    }

    /// The same of one that waits.
    fn wait(self, call: &Call) -> u16 {
        self.name(call).map_or(3, |name| width(name).saturating_add(2))
    }

    /// Columns of the program's own code between two crossings.
    fn between(self) -> u16 {
        u16::from(self != Self::Comb)
    }

    /// Columns after the corner at which a turn begins, up to the one at which it waits again.
    fn turn(self, turn: &Turn<'_>) -> u16 {
        let crossing = |call: &&Call| self.call(call).saturating_add(2).saturating_add(self.between());
        turn.calls.iter().map(crossing).fold(1, u16::saturating_add)
    }
}

/// The turns of a lane that are worth drawing: the last ones, and the wait that they end with.
fn drawn<'l, 'w>(lane: &'l Lane<'w>) -> (&'l [Turn<'w>], bool) {
    let waits_now =
        |turn: &&Turn<'_>| turn.calls.is_empty() && turn.wait.is_some_and(|call| call.until_ns.is_none());
    let waiting = lane.turns.last().filter(waits_now).is_some();
    let turns = &lane.turns[..lane.turns.len().saturating_sub(usize::from(waiting))];
    // A turn whose beginning is not known is drawn only where there is no other.
    let whole = match turns {
        [first, rest @ ..] if first.wait.is_none() && !rest.is_empty() => rest,
        turns => turns,
    };
    (&whole[whole.len().saturating_sub(TURNS_MAX)..], waiting)
}

impl Style {
    /// The style with the most in it that fits into so many columns; the narrowest one where none does.
    pub(super) fn that_fits(lanes: &[&Lane<'_>], columns: u16) -> Self {
        let most = lanes.iter().map(|lane| drawn(lane).0.len()).max().unwrap_or(0).max(1);
        let calls = lanes.iter().filter_map(|lane| drawn(lane).0.last()).map(|turn| turn.calls.len()).max();
        // Two corners for each call at least: what cannot fit is not measured.
        let hopeless = calls.unwrap_or(0).saturating_mul(2) > usize::from(columns);
        for shape in SHAPES.into_iter().filter(|_| !hopeless) {
            for turns in (1..=most).rev() {
                let style = Self { shape, wakes: wakes(lanes, shape, turns) };
                if style.columns(lanes) <= columns {
                    return style;
                }
            }
        }
        let shape = SHAPES[SHAPES.len() - 1];
        Self { shape, wakes: wakes(lanes, shape, 1) }
    }

    /// Whether the calls' names stand in the picture.
    pub(super) fn is_named(&self) -> bool {
        matches!(self.shape, Shape::Named | Shape::Short)
    }

    fn columns(&self, lanes: &[&Lane<'_>]) -> u16 {
        let last = lanes.iter().filter_map(|lane| drawn(lane).0.last());
        let turn = last.map(|turn| self.shape.turn(turn)).max().unwrap_or(0);
        self.wakes.last().copied().unwrap_or(0).saturating_add(turn).saturating_add(OPEN_COLUMNS)
    }
}

/// Where the last so many turns begin: each begins in all lanes at the same column.
fn wakes(lanes: &[&Lane<'_>], shape: Shape, turns: usize) -> Vec<u16> {
    let mut wakes = Vec::with_capacity(turns);
    // The line begins above, then comes the first corner.
    let mut corner = 1_u16;
    for from_last in (0..turns).rev() {
        let here = || {
            lanes.iter().filter_map(|lane| {
                let (turns, _) = drawn(lane);
                turns.get(turns.len().checked_sub(from_last + 1)?)
            })
        };
        let wait = here().filter_map(|turn| Some(shape.wait(turn.wait?))).max().unwrap_or(0);
        let turn = here().map(|turn| shape.turn(turn)).max().unwrap_or(0);
        let wake = corner.saturating_add(wait).saturating_add(1);
        wakes.push(wake);
        corner = wake.saturating_add(turn).saturating_add(1);
    }
    wakes
}

/// Draws one lane.
pub(super) fn draw(paint: &mut Paint, area: Rect, lane: &Lane<'_>, style: &Style, lit: Option<&Lit>) {
    let (turns, waiting) = drawn(lane);
    let shown = turns.len().min(style.wakes.len());
    let turns = &turns[turns.len() - shown..];
    let wakes = &style.wakes[style.wakes.len() - shown..];
    let mut pen = Pen { paint, area, shape: style.shape, lit, column: None };
    for (turn, wake) in turns.iter().zip(wakes) {
        pen.wait(turn.wait, *wake);
        pen.own(1);
        turn.calls.iter().for_each(|call| pen.call(call));
    }
    if pen.column.is_some_and(|column| column > area.width) {
        pen.cut();
    } else if waiting || pen.column.is_none() {
        let call = lane.turns.last().and_then(|turn| turn.wait);
        pen.wait(call, area.width);
    }
}

/// Draws a line from left to right.
struct Pen<'p> {
    paint: &'p mut Paint,
    area: Rect,
    shape: Shape,
    /// What is followed.
    lit: Option<&'p Lit>,
    /// Where it stands; nowhere yet at first.
    column: Option<u16>,
}

impl Pen<'_> {
    fn put(&mut self, column: u16, row: u16, text: &str, role: Role) {
        self.paint.text(self.area, column, row, text, role);
    }

    /// The corners of a crossing: down at one column, up at another.
    fn corners(&mut self, down: u16, up: u16) {
        let [_, _, right_down, left_down, right_up, left_up, ..] = self.paint.glyphs().lines;
        for (column, above, below) in [(down, left_down, right_up), (up, right_down, left_up)] {
            self.put(column, 0, above, Role::Plain);
            self.put(column, 1, below, Role::Plain);
        }
    }

    /// So many columns above.
    fn own(&mut self, columns: u16) {
        let column = self.column.unwrap_or(0);
        let line = self.paint.glyphs().lines[0].repeat(usize::from(columns));
        self.put(column, 0, &line, Role::Strong);
        self.column = Some(column.saturating_add(columns));
    }

    /// A wait up to the corner at column `wake`; a turn whose wait is not known begins there.
    fn wait(&mut self, call: Option<&Call>, wake: u16) {
        let Some(call) = call else {
            self.column = Some(wake);
            return;
        };
        let down = self.column.unwrap_or_else(|| {
            let down = wake.saturating_sub(self.shape.wait(call)).saturating_sub(1).max(1);
            self.column = Some(down - 1);
            self.own(1);
            down
        });
        self.corners(down, wake);
        let from = down.saturating_add(1);
        let columns = wake.saturating_sub(from);
        let dots = self.paint.glyphs().empty.repeat(usize::from(columns.min(self.area.width)));
        self.put(from, 1, &dots, Role::Quiet);
        if let Some(name) = self.shape.name(call).filter(|name| width(name).saturating_add(2) <= columns) {
            self.put(from.saturating_add(1), 1, name, Role::Quiet);
        }
        self.column = Some(wake.saturating_add(1));
    }

    /// A call that works, and the program's own code after it.
    fn call(&mut self, call: &Call) {
        let down = self.column.unwrap_or(0);
        let inner = self.shape.call(call);
        let up = down.saturating_add(inner).saturating_add(1);
        self.corners(down, up);
        let line = self.paint.glyphs().lines[0];
        let line = self.shape.name(call).unwrap_or(if inner > 0 { line } else { "" });
        let role = match self.lit.map(|lit| lit.has_call(call)) {
            None => Role::Code,
            Some(false) => Role::Quiet,
            Some(true) => {
                // Above the kernel nothing else is drawn meanwhile.
                if inner > 0 {
                    let mark = self.paint.glyphs().tail;
                    self.put(down.saturating_add(1), 0, mark, Role::Focus);
                }
                Role::Focus
            }
        };
        self.put(down.saturating_add(1), 1, line, role);
        self.column = Some(up.saturating_add(1));
        self.own(self.shape.between());
    }

    /// What goes on beyond the edge leaves a mark.
    fn cut(&mut self) {
        let (mark, edge) = (self.paint.glyphs().ellipsis, self.area.width.saturating_sub(1));
        self.put(edge, 0, mark, Role::Quiet);
        self.put(edge, 1, mark, Role::Quiet);
    }
}
