//! User and kernel lanes: each pair of corners is one crossing.

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::paint::Paint;

pub(super) fn rows(_scene: &Scene<'_>, _columns: u16) -> (u16, u16) {
    (0, 0)
}

pub(super) fn draw(_paint: &mut Paint, _area: Rect, _scene: &Scene<'_>) {}
