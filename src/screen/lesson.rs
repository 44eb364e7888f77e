//! The screen of a lesson.

use ratatui::layout::{Rect, Size};

use super::paint::{Click, Frame, Paint};
use super::theme::{Role, Theme};
use super::view::{Pane, View};
use super::{footer, header, keys, lab, layout, overlay, scrubber, text};
use crate::lesson::{Kind, Lab, Lesson};
use crate::trace::{Load, Pace};
use crate::world::{ServerView, World};

pub(super) fn frame(
    world: Option<&World<'_>>,
    view: &View,
    lesson: &Lesson,
    size: Size,
    theme: Theme,
) -> Frame {
    let areas = layout::areas(size, view, lesson);
    let mut paint = Paint::new(Rect::new(0, 0, size.width, size.height), theme);
    // A run of another step's lab says nothing about this one.
    let world = world.filter(|_| view.state(lesson).is_some());
    // Adding up a server's runs is the dearest part of a frame: once for all that look at them.
    let servers = world.map(World::servers).unwrap_or_default();
    header::draw(&mut paint, areas.header, view, lesson, world);
    if let Some(outer) = areas.frame {
        draw_frame(&mut paint, outer, areas.lab_title.x.saturating_sub(1));
    }
    let more_text = draw_text(&mut paint, &areas, view, lesson, &servers);
    if let Some(shown) = view.lab(lesson) {
        if areas.frame.is_none() && !areas.lab_title.is_empty() {
            paint.rule(areas.lab_title, 0, "", "", false);
        }
        let trace = world.and_then(World::trace);
        let missing = lab::draw(&mut paint, areas.lab, view, lesson, &servers, trace);
        let more = more_lines(missing, view);
        // Said on the border below where there is one, else beside the title.
        let border = Rect { y: areas.lab.bottom(), ..areas.lab_title };
        let (above, place) = if areas.frame.is_some() { ("", border) } else { (&*more, areas.lab_title) };
        let ran = view.state(lesson).and(servers.first()).map(|server| server.load());
        paint.title(areas.lab_title, 0, &lab_title(shown, ran), above, false);
        if areas.frame.is_some() {
            paint.title(border, 0, "", &more, false);
        }
        if missing > 0 && view.pane != Pane::Lab {
            paint.zone(place, Click::Act(keys::Action::Pane));
        }
    }
    if let Some(world) = world {
        scrubber::draw(&mut paint, areas.scrubber, view, lesson, world);
    }
    footer::draw(&mut paint, areas.footer, view, lesson, more_text);
    overlay::draw(&mut paint, size, view, lesson, &servers);
    paint.done()
}

/// What is said of lines of the lab that have no room, and the key that gives it more, if one does.
fn more_lines(missing: u16, view: &View) -> String {
    let lines = if missing == 1 { "line" } else { "lines" };
    match (missing, view.pane) {
        (0, _) => String::new(),
        (_, Pane::Lab) => format!("+{missing} {lines}"),
        _ => format!("+{missing} {lines}: t"),
    }
}

/// The frame around text and lab, and the line between them.
fn draw_frame(paint: &mut Paint, outer: Rect, between: u16) {
    paint.frame(outer);
    let lines = paint.glyphs().lines;
    let column = between.saturating_sub(outer.x);
    for row in 0..outer.height {
        let line = match row {
            0 => lines[8],
            row if row + 1 == outer.height => lines[9],
            _ => lines[1],
        };
        paint.text(outer, column, row, line, Role::Frame);
    }
}

/// Draws the text; says whether it goes on below.
fn draw_text(
    paint: &mut Paint,
    areas: &layout::Areas,
    view: &View,
    lesson: &Lesson,
    servers: &[ServerView<'_>],
) -> bool {
    if areas.text.is_empty() {
        return false;
    }
    let lines = text::lines(view, lesson, areas.text.width, &text::Told::By(servers));
    let from = text::draw(paint, areas.text, &lines, view.scroll);
    if areas.frame.is_none() && !areas.text_title.is_empty() {
        paint.rule(areas.text_title, 0, "", "", false);
    }
    let below = lines.lines.len().saturating_sub(usize::from(from) + usize::from(areas.text.height));
    let glyphs = paint.glyphs();
    let more = match (from > 0, below > 0) {
        (false, false) => String::new(),
        (false, true) => format!("{below} more {}", glyphs.down),
        (true, true) => format!("{} {below} more {}", glyphs.up, glyphs.down),
        (true, false) => format!("{} end", glyphs.up),
    };
    paint.title(areas.text_title, 0, &view.step(lesson).title, &more, false);
    if below > 0 {
        paint.zone(areas.text_title, Click::Act(keys::Action::PageDown));
    }
    below > 0
}

/// What a lab is, in a few words: its load, or how its trials run.
fn lab_title(lab: &Lab, ran: Option<&Load>) -> String {
    match (lab.kind, lab.servers.len()) {
        // Columns with connections of their own say so above their numbers.
        (Kind::Servers, _) if lab.servers.iter().all(|column| column.contains('@')) => {
            rest_of_load(ran.unwrap_or(&lab.load))
        }
        (Kind::Servers, _) => load(ran.unwrap_or(&lab.load)),
        (Kind::Processes, _) => "its processes, as the kernel sees them".into(),
        (Kind::Trials, 1) => "one small program, watched".into(),
        (Kind::Trials, count) => format!("{count} small programs, one after another"),
    }
}

/// A load in words: `64 connections, 64 B, 2 000/s in bursts of 64`.
pub(super) fn load(load: &Load) -> String {
    let connections = match load.connections {
        1 => "1 connection".to_owned(),
        n => format!("{} connections", super::number::count(u64::from(n))),
    };
    let idle = match load.idle {
        0 => String::new(),
        n => format!(" and {} idle", super::number::count(u64::from(n))),
    };
    format!("{connections}{idle}, {}", rest_of_load(load))
}

/// The rest of it: `64 B, 2 000/s in bursts of 64`.
fn rest_of_load(load: &Load) -> String {
    let pace = match (load.pace, load.burst) {
        (Pace::Max, _) => "as fast as it goes".to_owned(),
        (Pace::PerSecond(rate), 1) => format!("{}/s one by one", super::number::count(rate)),
        (Pace::PerSecond(rate), burst) => {
            format!("{}/s in bursts of {burst}", super::number::count(rate))
        }
    };
    format!("{} B, {pace}", super::number::count(u64::from(load.message_bytes)))
}
