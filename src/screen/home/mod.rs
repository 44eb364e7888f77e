//! Home: all lessons and exercises, how far the learner has come in each, and where to go on.

mod draw;
mod exercise;
mod ladder;
mod row;

use super::app::{Opening, Setting};
use super::keys::{self, Action, Context};
use super::overlay::{self, help};
use super::text::Line;
use super::theme::Theme;
use super::update::{Effect, Input};
use crate::lesson::Course;
use crate::progress::{GoesOn, Progress};

pub use draw::frame;
use row::Row;

/// What the learner chose at home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeView {
    /// The marked row: to go on is the first, where something was begun; then the lessons, then the
    /// exercises.
    pub chosen: usize,
    /// First line of the window with the keys, if it is open.
    pub keys: Option<u16>,
    /// The exercise that is read about, if one is: its index, and the first line shown.
    pub exercise: Option<(usize, u16)>,
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
        Action::Help => {
            (view.keys, view.exercise) = (if view.keys.is_some() { None } else { Some(0) }, None);
        }
        Action::Close => (view.keys, view.exercise) = (None, None),
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
    if view.keys.is_some() || view.exercise.is_some() { Context::Overlay } else { Context::Home }
}

/// Why an action can do nothing at the moment.
fn why_not(action: Action, view: &HomeView, setting: &Setting<'_>) -> Option<&'static str> {
    let row = marked(view, setting);
    let lesson = row.and_then(Row::lesson).map(|lesson| &setting.course.lessons[lesson]);
    match action {
        Action::Open | Action::Afresh if row.is_none() => Some("there is no lesson"),
        Action::Afresh if lesson.is_none() => {
            Some("`iolab exercise reset` puts an exercise back to its starter")
        }
        Action::Afresh
            if lesson.is_some_and(|lesson| setting.progress.lesson(&lesson.name).seen.is_empty()) =>
        {
            Some("it was not begun yet")
        }
        _ => None,
    }
}

fn marked(view: &HomeView, setting: &Setting<'_>) -> Option<Row> {
    let rows = row::rows(setting.course, setting.progress);
    rows.get(view.chosen.min(rows.len().saturating_sub(1))).copied()
}

/// Opens the lesson of the marked row, or what there is to read about its exercise.
fn open(view: &mut HomeView, setting: &Setting<'_>, afresh: bool) -> Effect {
    let row = marked(view, setting);
    if let Some(exercise) = row.and_then(Row::exercise) {
        view.exercise = Some((exercise, 0));
    }
    match row.and_then(Row::lesson) {
        Some(lesson) => Effect::Open(Opening { lesson, step: None, afresh }),
        None => Effect::None,
    }
}

impl HomeView {
    /// Home with an exercise marked and read about.
    pub(super) fn at_exercise(exercise: usize, course: &Course, progress: &Progress) -> Self {
        let row = row::rows(course, progress).iter().position(|row| *row == Row::Exercise(exercise));
        Self { chosen: row.unwrap_or(0), exercise: Some((exercise, 0)), ..Self::default() }
    }
}

fn step(view: &mut HomeView, setting: &Setting<'_>, by: isize) {
    let last = row::rows(setting.course, setting.progress).len().saturating_sub(1);
    view.chosen = view.chosen.min(last).saturating_add_signed(by).min(last);
}

fn wheel(view: &mut HomeView, setting: &Setting<'_>, lines: i8) {
    match context(view) {
        Context::Overlay => scroll(view, setting, i32::from(lines)),
        _ => step(view, setting, isize::from(lines.signum())),
    }
}

/// Scrolls the window that lies over home.
fn scroll(view: &mut HomeView, setting: &Setting<'_>, by: i32) {
    let lines = match view.exercise {
        Some((index, _)) => exercise::lines(index, setting, Theme::DEFAULT).len(),
        None => key_lines(view, setting, Theme::DEFAULT).len(),
    };
    let max = overlay::lines_hidden(lines, setting.size);
    let scroll = view.exercise.as_mut().map(|(_, scroll)| scroll).or(view.keys.as_mut());
    if let Some(scroll) = scroll {
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
    let passed = match progress.exercises_passed(course) {
        0 => String::new(),
        passed => format!(", {passed} of {} exercises passed", course.exercises.len()),
    };
    let mut lines = vec![format!("iolab: {done} of {all} lessons done{passed}")];
    lines.extend(progress.goes_on(course).map(|to| match to {
        GoesOn::Lesson(place) => format!("  on with: iolab lesson {}", course.lessons[place.lesson].number),
        GoesOn::Exercise(index) => format!("  on with: {}", course.exercises[index].command(true)),
    }));
    lines
}
