//! What is on the screen: a [`World`] and a [`View`] to a [`Frame`] of cells.
//!
//! Pure: no clock, no file, no environment, no printing, and nothing of a terminal. [`frame()`] draws, and
//! [`update()`] is the only thing that changes a view. One file a screen, one file a widget.

mod app;
pub(crate) mod check;
mod context;
pub mod controls;
mod figure;
mod focus;
mod footer;
mod glossary;
mod header;
pub mod home;
mod key;
pub mod keys;
mod lab;
mod layout;
mod lesson;
pub(crate) mod number;
mod overlay;
mod paint;
mod receipt;
mod scrubber;
mod search;
pub mod slow;
mod status;
mod text;
mod theme;
mod update;
mod view;
mod widget;

pub use app::{App, OpenLesson, Opening, Setting};
pub use figure::{columns, figure};
pub use key::Key;
pub(crate) use lab::whose;
pub use paint::{Click, Frame, Zone};
pub use receipt::receipt;
pub(crate) use status::silence;
pub(crate) use text::rounded;
pub use theme::{Depth, Glyphs, Palette, Role, Theme};
pub use update::{Effect, Input, SlowEffect, SlowNews, Stage, update};
pub use view::{Armed, Focus, Noting, Overlay, Pane, Playhead, Run, Shown, State, View};
pub(crate) use widget::about;

use ratatui::layout::Size;

use crate::lesson::Lesson;
use crate::world::World;

/// Draws a lesson: header, text, lab, keys, and what lies over them.
///
/// `world` is the run's trace folded up to [`View::t_ns`]; `None` before anything was run. Any size works,
/// none panics: what has no room is left out.
pub fn frame(world: Option<&World<'_>>, view: &View, lesson: &Lesson, size: Size, theme: Theme) -> Frame {
    if let Some(slow) = &view.slow {
        return slow::frame(world, view, slow, lesson, size, theme);
    }
    lesson::frame(world, view, lesson, size, theme)
}
