//! Home: all lessons, how far the learner has come in each, and where to go on.

mod draw;
mod row;

use super::app::{Opening, Setting};
use super::keys::{self, Action, Context};
use super::overlay::{self, help};
use super::text::Line;
use super::theme::Theme;
use super::update::{Effect, Input};
use crate::lesson::Course;
use crate::progress::Progress;

pub use draw::frame;
use row::Row;

/// What the learner chose at home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeView {
    /// The marked row: to go on is the first, where something was begun; then the lessons.
    pub chosen: usize,
    /// First line of the window with the keys, if it is open.
    pub keys: Option<u16>,
    /// An answer to the last key.
    pub notice: Option<String>,
}

/// Changes home.
pub fn update(view: &mut HomeView, setting: &Setting<'_>, input: &Input) -> Effect {
    let action = match input {
        Input::Key(key) => {
            view.notice = None;
            keys::binding(context(view), *key).map(|binding| binding.action)
        }
        Input::Act(action) => Some(*action),
        Input::Wheel(lines) => {
            wheel(view, setting, *lines);
            None
        }
        Input::Choose(row) => {
            view.chosen = *row;
            Some(Action::Open)
        }
        _ => None,
    };
    action.map_or(Effect::None, |action| act(view, setting, action))
}

fn act(view: &mut HomeView, setting: &Setting<'_>, action: Action) -> Effect {
    if let Some(why) = why_not(action, view, setting) {
        view.notice = Some(why.into());
        return Effect::None;
    }
    match action {
        Action::Open => return open(view, setting, false),
        Action::Afresh => return open(view, setting, true),
        Action::Down => step(view, setting, 1),
        Action::Up => step(view, setting, -1),
        Action::ScrollDown => scroll(view, setting, 1),
        Action::ScrollUp => scroll(view, setting, -1),
        Action::Help => view.keys = if view.keys.is_some() { None } else { Some(0) },
        Action::Close => view.keys = None,
        Action::Search => return Effect::Search,
        Action::Glossary => return Effect::Glossary,
        Action::Suspend => return Effect::Suspend,
        Action::Quit => return Effect::Quit,
        _ => {}
    }
    Effect::None
}

/// Where keys go.
fn context(view: &HomeView) -> Context {
    if view.keys.is_some() { Context::Overlay } else { Context::Home }
}

/// Why an action can do nothing at the moment.
fn why_not(action: Action, view: &HomeView, setting: &Setting<'_>) -> Option<&'static str> {
    let lesson = marked(view, setting).map(|row| &setting.course.lessons[row.lesson()]);
    match action {
        Action::Open | Action::Afresh if lesson.is_none() => Some("there is no lesson"),
        Action::Afresh
            if lesson.is_some_and(|lesson| setting.progress.lesson(&lesson.name).seen.is_empty()) =>
        {
            Some("it was not begun yet")
        }
        _ => None,
    }
}

fn marked(view: &HomeView, setting: &Setting<'_>) -> Option<Row> {
    let rows = row::rows(setting);
    rows.get(view.chosen.min(rows.len().saturating_sub(1))).copied()
}

fn open(view: &HomeView, setting: &Setting<'_>, afresh: bool) -> Effect {
    let Some(row) = marked(view, setting) else { return Effect::None };
    Effect::Open(Opening { lesson: row.lesson(), step: None, afresh })
}

fn step(view: &mut HomeView, setting: &Setting<'_>, by: isize) {
    let last = row::rows(setting).len().saturating_sub(1);
    view.chosen = view.chosen.min(last).saturating_add_signed(by).min(last);
}

fn wheel(view: &mut HomeView, setting: &Setting<'_>, lines: i8) {
    match view.keys {
        Some(_) => scroll(view, setting, i32::from(lines)),
        None => step(view, setting, isize::from(lines.signum())),
    }
}

/// Scrolls the window with the keys.
fn scroll(view: &mut HomeView, setting: &Setting<'_>, by: i32) {
    let max = overlay::lines_hidden(key_lines(view, setting, Theme::DEFAULT).len(), setting.size);
    if let Some(scroll) = &mut view.keys {
        let to = i32::from((*scroll).min(max)).saturating_add(by).clamp(0, i32::from(max));
        *scroll = u16::try_from(to).unwrap_or(0);
    }
}

fn key_lines(view: &HomeView, setting: &Setting<'_>, theme: Theme) -> Vec<Line> {
    let columns = overlay::columns(overlay::room(setting.size));
    help::rows(Context::Home, |binding| why_not(binding.action, view, setting), columns, theme)
}

/// A few lines for the scrollback: how far the learner has come and how to go on.
pub fn receipt(course: &Course, progress: &Progress) -> Vec<String> {
    let (done, all) = (progress.lessons_done(course), course.lessons.len());
    let mut lines = vec![format!("iolab: {done} of {all} lessons done")];
    if let Some(place) = progress.resumes(course) {
        lines.push(format!("  on with: iolab lesson {}", course.lessons[place.lesson].number));
    }
    lines
}
