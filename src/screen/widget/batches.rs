//! How many submissions travelled in one io_uring_enter, for each server with a ring.

use ratatui::layout::Rect;

use super::Scene;
use super::histogram::{self, Series};
use crate::screen::paint::Paint;
use crate::screen::theme::Role;
use crate::world::ServerView;

fn ringed<'s>(scene: &'s Scene<'_>) -> impl Iterator<Item = &'s ServerView<'s>> {
    scene.servers.iter().copied().filter(|server| server.server.is_some_and(|server| server.io_uring))
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    if ringed(scene).all(|server| server.window.batches.is_empty()) {
        return (u16::from(ringed(scene).next().is_some()), 1);
    }
    let most = histogram::rows(ringed(scene).map(|server| &server.window.batches));
    (most.min(4), most)
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let seen: Vec<_> = ringed(scene).filter(|server| !server.window.batches.is_empty()).collect();
    if seen.is_empty() {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    }
    let series: Vec<_> = seen
        .iter()
        .map(|server| Series { name: server.name, counts: &server.window.batches, role: Role::Submission })
        .collect();
    histogram::draw(paint, area, "SQEs", &series);
}
