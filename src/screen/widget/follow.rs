//! One request followed through its places: a row for each place, a number for each step, and what each step is.
//!
//! ```text
//! client     1────────────────────────────────7
//! thread 7        3───┐    4
//! kernel      2            ├──5──┤  6
//! SQ thread                   ?
//! 1  +0.0 µs   client    sends the request
//! ```

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::layout::{left, top};
use crate::screen::number::span;
use crate::screen::paint::{Paint, shorten, width, wrap};
use crate::screen::theme::Role;
use crate::world::follow::{Followed, Place, Step, Sure};

/// Columns of a place's name.
const PLACE_COLUMNS: u16 = 14;

/// Steps that are shown before other parts get room.
const STEPS_MIN: u16 = 9;

/// Steps are named by one character each.
const NAMES: &str = "123456789abcdefghijklmnopqrstuvwxyz";

fn of<'a>(scene: &'a Scene<'_>) -> Option<&'a Followed> {
    let story = scene.lit()?.followed.as_ref()?;
    let server = scene.trace?.header().servers.get(story.server as usize)?;
    let view = scene.servers.iter().find(|view| view.name == server)?;
    (!scene.hides_crossings(view)).then_some(story)
}

pub(super) fn title(scene: &Scene<'_>, title: &str) -> String {
    let Some(lit) = scene.lit() else { return title.to_owned() };
    let server = scene.trace.and_then(|trace| trace.header().servers.get(lit.server as usize));
    format!("{} of {}", lit.title, server.map_or("", String::as_str))
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    if scene.lit().is_none() {
        return (0, 0);
    }
    let Some(story) = of(scene) else { return (1, 1) };
    let places = u16::try_from(story.places().len()).unwrap_or(u16::MAX);
    let steps = u16::try_from(story.steps.len()).unwrap_or(u16::MAX);
    let remarks = u16::try_from(remarks(story, columns).len()).unwrap_or(u16::MAX);
    // Its steps are what it is for: as many as one can take in at a glance.
    (places.saturating_add(steps.min(STEPS_MIN)), places.saturating_add(steps).saturating_add(remarks))
}

fn remarks(story: &Followed, columns: u16) -> Vec<String> {
    story.remarks.iter().flat_map(|remark| wrap(remark, columns.saturating_sub(2))).collect()
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let Some(story) = of(scene) else {
        let says = match scene.lit() {
            Some(lit) if lit.followed.is_some() => "yours?  first say how many system calls it takes",
            Some(_) => "no request is known that it belongs to",
            None => "; follows a request of the window",
        };
        paint.text(area, 0, 0, says, Role::Quiet);
        return;
    };
    let places = u16::try_from(story.places().len()).unwrap_or(u16::MAX);
    let (picture, below) = top(area, places);
    draw_picture(paint, picture, story);
    let steps = u16::try_from(story.steps.len()).unwrap_or(u16::MAX);
    let remarks = remarks(story, below.width);
    let wanted = u16::try_from(remarks.len()).unwrap_or(u16::MAX);
    let spare = below.height.saturating_sub(steps).min(wanted);
    let (list, last) = top(below, below.height.saturating_sub(spare));
    draw_steps(paint, list, story);
    for (row, remark) in (0..last.height).zip(remarks) {
        paint.text(last, 2, row, &remark, Role::Quiet);
    }
}

/// Columns of the steps: in proportion to their times, and each at least one to the right of the one before.
fn columns(story: &Followed, room: u16) -> Vec<u16> {
    let (from_ns, to_ns) = story.span_ns();
    let last = room.saturating_sub(1);
    let count = u16::try_from(story.steps.len()).unwrap_or(u16::MAX);
    let mut columns = Vec::with_capacity(story.steps.len());
    let mut least = 0_u16;
    for (index, step) in (0_u16..).zip(&story.steps) {
        let share = u128::from(step.t_ns.saturating_sub(from_ns)) * u128::from(last)
            / u128::from((to_ns - from_ns).max(1));
        // Those that follow need their columns, too.
        let most = last.saturating_sub(count.saturating_sub(index).saturating_sub(1));
        let column = u16::try_from(share).unwrap_or(last).max(least).min(most.max(least));
        columns.push(column);
        least = column.saturating_add(1);
    }
    columns
}

fn name(index: usize) -> &'static str {
    NAMES.get(index..=index).unwrap_or("+")
}

fn draw_picture(paint: &mut Paint, area: Rect, story: &Followed) {
    let label = PLACE_COLUMNS.min(area.width / 3);
    let (_, strip) = left(area, label);
    let columns = columns(story, strip.width);
    let glyphs = paint.glyphs();
    for (row, place) in (0..).zip(story.places()) {
        let name = shorten(&place.words(), label.saturating_sub(1), glyphs);
        paint.text(area, 0, row, &name, role(place));
        let own =
            || story.steps.iter().zip(&columns).enumerate().filter(|(_, (step, _))| step.place == place);
        if let (Some((_, (_, first))), Some((_, (_, last)))) = (own().next(), own().next_back()) {
            let dots = glyphs.empty.repeat(usize::from(last.saturating_sub(*first)));
            paint.text(strip, *first, row, &dots, Role::Frame);
        }
        for (index, (step, column)) in own() {
            let end = story.steps.get(index + 1..).into_iter().flatten().zip(columns.iter().skip(index + 1));
            // A step lasts up to the first one that comes after its end.
            let until = step.until_ns.map(|until_ns| {
                let before = end.clone().take_while(|(next, _)| next.t_ns < until_ns);
                before.last().map_or(column.saturating_add(1), |(_, column)| column.saturating_add(1))
            });
            if let Some(until) = until {
                let line = glyphs.lines[0].repeat(usize::from(until.saturating_sub(*column)));
                paint.text(strip, *column, row, &line, role(place));
            }
            let mark = if step.sure == Sure::TimeNotKnown { "?" } else { self::name(index) };
            paint.text(strip, *column, row, mark, Role::Focus);
        }
    }
}

fn role(place: Place) -> Role {
    match place {
        Place::Client => Role::Plain,
        Place::User(_) => Role::Strong,
        Place::Kernel => Role::Code,
        Place::Poller => Role::Submission,
    }
}

fn draw_steps(paint: &mut Paint, area: Rect, story: &Followed) {
    let rows = usize::from(area.height);
    let hidden = story.steps.len().saturating_sub(rows);
    let shown = if hidden > 0 { rows.saturating_sub(1) } else { rows };
    for (row, (index, step)) in (0_u16..).zip(story.steps.iter().enumerate().take(shown)) {
        draw_step(paint, area, row, story, index, step);
    }
    if hidden > 0 && rows > 0 {
        let says = format!("{} {} steps more", paint.glyphs().ellipsis, hidden + 1);
        paint.text(area, 0, area.height.saturating_sub(1), &says, Role::Quiet);
    }
}

fn draw_step(paint: &mut Paint, area: Rect, row: u16, story: &Followed, index: usize, step: &Step) {
    let mark = if step.sure == Sure::TimeNotKnown { "?" } else { name(index) };
    paint.text(area, 0, row, mark, Role::Focus);
    let after = match step.sure {
        Sure::TimeNotKnown => "?".to_owned(),
        _ => format!("+{}", span(step.t_ns.saturating_sub(story.sent_ns))),
    };
    paint.right(area, 12, row, &after, Role::Number);
    let (_, rest) = left(area, 14);
    let place = step.place.words();
    let (column, says) = if area.width >= 60 {
        paint.text(rest, 0, row, &place, role(step.place));
        (PLACE_COLUMNS, step.says.clone())
    } else {
        (0, format!("{place}: {}", step.says))
    };
    let lasted = step.until_ns.map(|until_ns| format!("  {}", span(until_ns.saturating_sub(step.t_ns))));
    let derived = if step.sure == Sure::Derived { "  (derived)" } else { "" };
    let ending = lasted.unwrap_or_default() + derived;
    let room = rest.width.saturating_sub(column);
    let says = shorten(&says, room.saturating_sub(width(&ending)), paint.glyphs());
    let column = paint.text(rest, column, row, &says, Role::Plain);
    paint.text(rest, column, row, &ending, Role::Quiet);
}
