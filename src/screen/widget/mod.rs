//! The parts of a lab, one file each. Each says how many rows it needs at least and can use at most, and
//! draws itself into what it gets.

mod about;
mod batches;
mod calls;
mod cost;
mod follow;
mod histogram;
mod insights;
mod interest;
mod lanes;
mod metrics;
mod names;
mod poller;
mod receipt;
mod rings;
mod scene;
mod strip;
mod switches;
mod timeline;

use std::borrow::Cow;

use ratatui::layout::Rect;

pub(crate) use self::about::about;
pub(super) use self::scene::Scene;
use super::paint::Paint;
use super::theme::{Role, Theme};
use crate::lesson::Show;
use crate::trace::Rung;
use crate::world::ServerView;

/// A part's title; empty for those that need none.
pub(super) fn title(scene: &Scene<'_>, part: Show) -> String {
    let title = about(part).title;
    match part {
        Show::Interest => {
            interest::of(scene).map_or_else(|| title.into(), |server| format!("{title}: {}", server.name))
        }
        Show::Names => names::title(scene, title),
        Show::Follow => follow::title(scene, title),
        Show::Lanes if scene.view.cell_ns.is_some() => "own code, kernel, waiting, in real time".to_owned(),
        // Told from the first one to the last.
        Show::Story if scene.is_of_trials() => "system calls in order".to_owned(),
        _ => title.to_owned(),
    }
}

/// Who measured what a part shows.
pub(super) fn remark(scene: &Scene<'_>, part: Show) -> Cow<'static, str> {
    let rung = match part {
        Show::Rings => Rung::Ring.word(),
        Show::Lanes if scene.view.cell_ns.is_some() => timeline::remark(scene),
        Show::Follow => "",
        Show::Batches => told_by(scene.servers.iter().filter(|server| server.has_ring())),
        Show::Story | Show::Lanes | Show::Receipt => return story_remark(scene),
        Show::Switches | Show::Poller => Rung::Proc.word(),
        Show::Cost => cost::remark(scene),
        Show::Names => names::rung(scene).map_or("", Rung::word),
        Show::Interest => Rung::EpollSet.word(),
        Show::Metrics | Show::Insights => "",
    };
    rung.into()
}

/// Who told a story, and what of it was lost.
fn story_remark(scene: &Scene<'_>) -> Cow<'static, str> {
    let rung = told_by(scene.servers.iter());
    match scene.servers.iter().fold(0_u64, |sum, server| sum.saturating_add(server.window.lost)) {
        0 => rung.into(),
        lost => format!("{rung}, {lost} records lost").into(),
    }
}

/// The rung of the windows of some servers; before one was closed, that of the windows that every machine has.
fn told_by<'s>(mut servers: impl Iterator<Item = &'s &'s ServerView<'s>>) -> &'static str {
    servers.find_map(|server| server.story_rung()).unwrap_or(Rung::Ptrace).word()
}

/// Rows that a part needs at least, and can use at most, without its title. Nothing to show needs nothing.
pub(super) fn rows(scene: &Scene<'_>, part: Show, columns: u16) -> (u16, u16) {
    match part {
        Show::Metrics => metrics::rows(scene, columns),
        Show::Rings => rings::rows(scene),
        Show::Batches => batches::rows(scene),
        Show::Names => names::rows(scene),
        Show::Story => calls::rows(scene),
        Show::Interest => interest::rows(scene, columns),
        Show::Lanes if scene.view.cell_ns.is_some() => timeline::rows(scene),
        Show::Lanes => lanes::rows(scene, columns),
        Show::Follow => follow::rows(scene, columns),
        Show::Receipt => receipt::rows(scene, columns),
        Show::Switches => switches::rows(scene, columns),
        Show::Cost => cost::rows(scene, columns),
        Show::Poller => poller::rows(scene, columns),
        Show::Insights => insights::rows(scene, columns),
    }
}

/// How many of so many rows a part would draw into: it grows by whole pictures.
pub(super) fn used(scene: &Scene<'_>, part: Show, rows: u16) -> u16 {
    match part {
        Show::Rings => rings::used(scene, rows),
        Show::Lanes if scene.view.cell_ns.is_none() => lanes::used(scene, rows),
        _ => rows,
    }
}

/// Draws a part.
pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>, part: Show) {
    match part {
        Show::Metrics => metrics::draw(paint, area, scene),
        Show::Rings => rings::draw(paint, area, scene),
        Show::Batches => batches::draw(paint, area, scene),
        Show::Names => names::draw(paint, area, scene),
        Show::Story => calls::draw(paint, area, scene),
        Show::Interest => interest::draw(paint, area, scene),
        Show::Lanes if scene.view.cell_ns.is_some() => timeline::draw(paint, area, scene),
        Show::Lanes => lanes::draw(paint, area, scene),
        Show::Follow => follow::draw(paint, area, scene),
        Show::Receipt => receipt::draw(paint, area, scene),
        Show::Switches => switches::draw(paint, area, scene),
        Show::Cost => cost::draw(paint, area, scene),
        Show::Poller => poller::draw(paint, area, scene),
        Show::Insights => insights::draw(paint, area, scene),
    }
}

/// The glyph of a rung: filled where the number is exact at full speed, half where it is a part or slowed
/// down, empty where it is the client's.
fn rung_glyph(theme: Theme, rung: Rung) -> (&'static str, Role) {
    let glyphs = theme.glyphs();
    match rung {
        Rung::Proc | Rung::EpollSet | Rung::Sock | Rung::Ring | Rung::Perf => (glyphs.exact, Role::Good),
        Rung::PerfUser | Rung::Ptrace => (glyphs.partial, Role::Warn),
        Rung::Client => (glyphs.client, Role::Quiet),
    }
}
