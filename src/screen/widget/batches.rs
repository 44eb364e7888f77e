//! How many submissions travelled in one io_uring_enter, for each server with a ring. One that only waited
//! carried 0: the mean of the table counts it, too.

use ratatui::layout::Rect;

use super::Scene;
use super::histogram::{self, Series};
use crate::screen::paint::Paint;
use crate::screen::theme::Role;
use crate::trace::Counts;
use crate::world::{MetricId, ServerView};

fn ringed<'s>(scene: &'s Scene<'_>) -> impl Iterator<Item = &'s ServerView<'s>> {
    scene.servers.iter().copied().filter(|server| server.server.is_some_and(|server| server.io_uring))
}

/// What was seen of each.
fn seen<'s>(scene: &'s Scene<'_>) -> Vec<(&'s ServerView<'s>, Counts)> {
    let told = ringed(scene).filter(|server| !server.window.batches.is_empty());
    told.map(|server| (server, server.window.enters())).collect()
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let seen = seen(scene);
    if seen.is_empty() {
        return (u16::from(ringed(scene).next().is_some()), 1);
    }
    let most = histogram::rows(seen.iter().map(|(_, enters)| enters));
    (most.min(4), most)
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let mut seen = seen(scene);
    if seen.is_empty() {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    }
    // Batches give the number of calls away.
    seen.retain(|(server, _)| !scene.view.is_hidden(scene.lesson, server.name, MetricId::SqesPerEnter));
    if seen.is_empty() {
        paint.text(area, 0, 0, "yours?", Role::Own);
        return;
    }
    let series: Vec<_> = seen
        .iter()
        .map(|(server, counts)| Series { name: server.name, counts, role: Role::Submission })
        .collect();
    histogram::draw(paint, area, "SQEs", &series);
}
