//! The lab: what the run is doing, and its parts as far as they fit, the first ones first.

use ratatui::layout::Rect;

use super::keys::Action;
use super::layout::top;
use super::paint::{Click, Paint, width, wrap};
use super::theme::Role;
use super::view::{Focus, View};
use super::widget::{self, Scene};
use super::{focus, status};
use crate::lesson::{Kind, Lab, Lesson, Show};
use crate::servers::Column;
use crate::trace::Trace;
use crate::trials;
use crate::world::ServerView;

/// Draws the lab; says how many lines of it had no room.
pub(super) fn draw(
    paint: &mut Paint,
    area: Rect,
    view: &View,
    lesson: &Lesson,
    servers: &[ServerView<'_>],
    trace: Option<&Trace>,
) -> u16 {
    let Some(lab) = view.lab(lesson) else { return 0 };
    let rest = draw_status(paint, area, view, lesson, lab, servers);
    match servers {
        [] if view.state(lesson).is_none() => {
            draw_waiting(paint, rest, lab);
            0
        }
        [] => 0,
        servers => draw_parts(paint, rest, &Scene::new(servers, view, lesson, lab, rest.width, trace)),
    }
}

/// Draws the parts of the lab alone, all of the paper for them; says how many servers have no column in its tables.
pub(super) fn draw_whole(
    paint: &mut Paint,
    view: &View,
    lesson: &Lesson,
    servers: &[ServerView<'_>],
    trace: Option<&Trace>,
) -> usize {
    let Some(lab) = view.lab(lesson).filter(|_| !servers.is_empty()) else { return 0 };
    let area = paint.area();
    let scene = Scene::new(servers, view, lesson, lab, area.width, trace);
    draw_parts(paint, area, &scene);
    scene.beside()
}

fn draw_status(
    paint: &mut Paint,
    area: Rect,
    view: &View,
    lesson: &Lesson,
    lab: &Lab,
    servers: &[ServerView<'_>],
) -> Rect {
    let mut rest = area;
    // What went wrong is worth half of the room, not all of it.
    let most = (area.height / 2).max(1);
    for (glyph, says, role) in status::lines(paint, view, lesson, lab, servers) {
        let indent = width(glyph).saturating_add(1);
        for (index, line) in wrap(&says, area.width.saturating_sub(indent)).iter().enumerate() {
            let used = area.height.saturating_sub(rest.height);
            if used >= most {
                return rest;
            }
            if index == 0 {
                paint.text(rest, 0, 0, glyph, role);
            }
            paint.text(rest, indent, 0, line, role);
            (_, rest) = top(rest, 1);
        }
    }
    if rest.height < area.height && rest.height > 8 {
        (_, rest) = top(rest, 1);
    }
    rest
}

/// Before a run: what will run, and which key starts it.
fn draw_waiting(paint: &mut Paint, area: Rect, lab: &Lab) {
    let mut row = u16::from(area.height > 8);
    let column = paint.text(area, 0, row, "space", Role::Key);
    let how = match (lab.kind, lab.servers.len()) {
        (Kind::Processes, _) => " begins",
        (Kind::Servers, _) => " runs, side by side:",
        (Kind::Trials, 1) => " runs:",
        (Kind::Trials, _) => " runs, one after another:",
    };
    paint.text(area, column, row, how, Role::Plain);
    paint.zone(
        Rect { y: area.y.saturating_add(row), height: 1.min(area.height), ..area },
        Click::Act(Action::RunOrStop),
    );
    row = row.saturating_add(if area.height > 8 { 2 } else { 1 });
    let names = lab.servers.iter().map(|name| width(name)).max().unwrap_or(0);
    for name in &lab.servers {
        let bullet = paint.glyphs().bullet;
        let column = paint.text(area, 0, row, bullet, Role::Quiet).saturating_add(1);
        paint.text(area, column, row, name, Role::Code);
        let says = match lab.kind {
            Kind::Servers => Column::parse(name).map_or("", |column| column.server.says),
            Kind::Trials => trials::by_name(name).map_or("", |trial| trial.says),
            Kind::Processes => "",
        };
        let indent = column.saturating_add(names).saturating_add(2);
        let room = area.width.saturating_sub(indent);
        if room < 16 {
            row = row.saturating_add(1);
            continue;
        }
        for line in wrap(says, room) {
            paint.text(area, indent, row, &line, Role::Plain);
            row = row.saturating_add(1);
        }
    }
    row = row.saturating_add(1);
    for line in wrap(whose(lab.kind), area.width) {
        paint.text(area, 0, row, &line, Role::Quiet);
        row = row.saturating_add(1);
    }
}

/// How the members of a lab run, and whose numbers these are.
pub(crate) fn whose(kind: Kind) -> &'static str {
    match kind {
        Kind::Servers => "Each is a process of its own; the numbers are the kernel's, not the server's.",
        Kind::Processes => "Everything is seen from outside; the numbers are the kernel's.",
        Kind::Trials => {
            "It runs twice: once at full speed, for the numbers, and once under ptrace, for its story. All of it \
             is what the kernel says."
        }
    }
}

/// A part that is to be drawn, and its rows, title included.
struct Slot {
    part: Show,
    rows: u16,
    /// Rows that it needs, and that it can use, both without its title.
    least: u16,
    most: u16,
}

fn draw_parts(paint: &mut Paint, area: Rect, scene: &Scene<'_>) -> u16 {
    let slots = slots(area, scene);
    let missing = missing(area, scene, &slots);
    let used: u16 = slots.iter().map(|slot| slot.rows).sum();
    let gaps = u16::try_from(slots.len().saturating_sub(1)).unwrap_or(0);
    let gap = u16::from(area.height.saturating_sub(used) >= gaps);
    let mut rest = area;
    for slot in slots {
        let (here, below) = top(rest, slot.rows);
        let title = widget::title(scene, slot.part);
        let body = if title.is_empty() {
            here
        } else {
            let (head, body) = top(here, 1);
            paint.rule(
                head,
                0,
                &title,
                &widget::remark(scene, slot.part),
                focus::is_on(scene.view, slot.part),
            );
            paint.zone(head, Click::Point(Focus::Panel(slot.part)));
            if focus::is_on(scene.view, slot.part) {
                paint.cursor(head, 1, 0);
            }
            body
        };
        widget::draw(paint, body, scene, slot.part);
        (_, rest) = top(below, gap);
    }
    missing
}

/// Lines that had no room: of parts that were left out, the least they need; of sentences, names, lanes and
/// stories, all that were cut.
/// A picture that is only smaller lacks nothing.
fn missing(area: Rect, scene: &Scene<'_>, slots: &[Slot]) -> u16 {
    let lacks = |part: &Show| {
        let (least, most) = widget::rows(scene, *part, area.width);
        let title = u16::from(!widget::title(scene, *part).is_empty());
        let is_text = matches!(part, Show::Insights | Show::Names | Show::Lanes | Show::Story);
        let whole = if is_text { most } else { least };
        let drawn = slots.iter().find(|slot| slot.part == *part).map_or(0, |slot| slot.rows);
        if least > 0 { whole.saturating_add(title).saturating_sub(drawn) } else { 0 }
    };
    scene.lab.show.iter().map(lacks).fold(0, u16::saturating_add)
}

/// Which parts fit: each with the least it needs, in the lab's order, then what is left goes to them in the
/// same order. A part that has the focus comes first.
fn slots(area: Rect, scene: &Scene<'_>) -> Vec<Slot> {
    let mut order: Vec<Show> = scene.lab.show.clone();
    if scene.lit().is_some() && !order.contains(&Show::Follow) {
        order.insert(0, Show::Follow);
    }
    // The part in focus comes first; then what was asked for: the story that is followed, the lanes in time.
    order.sort_by_key(|part| match part {
        part if focus::is_on(scene.view, *part) && *part != Show::Metrics => 0,
        Show::Follow => 1,
        Show::Lanes if scene.view.cell_ns.is_some() => 2,
        _ => 3,
    });
    let mut left = area.height;
    let mut slots: Vec<Slot> = Vec::new();
    for part in order {
        let (least, most) = widget::rows(scene, part, area.width);
        let title = u16::from(!widget::title(scene, part).is_empty());
        let needs = least.saturating_add(title);
        if least > 0 && (needs <= left || slots.is_empty()) {
            slots.push(Slot { part, rows: needs.min(left), least, most });
            left = left.saturating_sub(needs);
        }
    }
    let gaps = u16::try_from(slots.len().saturating_sub(1)).unwrap_or(0);
    // Some air between the parts is worth more than the last rows of a histogram.
    left = left.saturating_sub(if left > gaps * 2 { gaps } else { 0 });
    for slot in &mut slots {
        let (least, most) = (slot.least, slot.most);
        let title = slot.rows.saturating_sub(least);
        let could = least.saturating_add(most.saturating_sub(least).min(left));
        let more = widget::used(scene, slot.part, could).saturating_sub(least);
        slot.rows = least.saturating_add(title).saturating_add(more);
        left = left.saturating_sub(more);
    }
    slots
}
