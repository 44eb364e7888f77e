//! Search: type a few letters, choose, go there or read what it says.

mod draw;
mod index;

use super::app::{Opening, Setting};
use super::key::Key;
use super::keys::{self, Action, Context};
use super::update::{Effect, Input};
use index::{Entry, Goes};

pub(super) use draw::draw;

/// Characters that a query may have.
const QUERY_MAX: usize = 40;

/// What is looked for and where the mark stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    /// What was typed.
    query: String,
    /// Which of what was found is marked.
    chosen: usize,
    /// The entry that is read, if one is: its index among all, and the first line shown.
    reading: Option<(usize, u16)>,
}

/// Changes the search. [`Effect::Close`] ends it.
pub(super) fn update(search: &mut Search, setting: &Setting<'_>, input: &Input) -> Effect {
    let action = match input {
        Input::Key(key) => match (keys::binding(Context::Search, *key), key) {
            (Some(binding), _) => Some(binding.action),
            (None, Key::Char(c)) => {
                type_character(search, *c);
                None
            }
            _ => None,
        },
        Input::Act(action) => Some(*action),
        Input::Wheel(lines) => {
            step(search, setting, isize::from(*lines).signum());
            None
        }
        Input::Choose(row) => {
            search.chosen = *row;
            Some(Action::Open)
        }
        _ => None,
    };
    let page = usize::from(draw::rows(setting.size)).max(1).cast_signed();
    match action {
        Some(Action::Open) => return open(search, setting),
        Some(Action::Close) if search.reading.is_some() => search.reading = None,
        Some(Action::Close) => return Effect::Close,
        Some(Action::Down) => step(search, setting, 1),
        Some(Action::Up) => step(search, setting, -1),
        Some(Action::PageDown) => step(search, setting, page),
        Some(Action::PageUp) => step(search, setting, -page),
        Some(Action::Erase) => {
            search.query.pop();
            (search.chosen, search.reading) = (0, None);
        }
        Some(Action::Suspend) => return Effect::Suspend,
        Some(Action::Quit) => return Effect::Quit,
        _ => {}
    }
    Effect::None
}

fn type_character(search: &mut Search, c: char) {
    if search.query.chars().count() < QUERY_MAX && !c.is_control() {
        search.query.push(c);
        (search.chosen, search.reading) = (0, None);
    }
}

/// Lessons and steps are gone to; what only has something to say is read, and gone to from there.
fn open(search: &mut Search, setting: &Setting<'_>) -> Effect {
    let entries = index::entries(setting.course);
    let index = match search.reading {
        Some((index, _)) => Some(index),
        None => index::found(&entries, &search.query).get(search.chosen).copied(),
    };
    let Some((index, entry)) = index.and_then(|index| Some((index, entries.get(index)?))) else {
        return Effect::None;
    };
    match entry.goes {
        Some(goes) if search.reading.is_some() || entry.says.is_empty() => match goes {
            Goes::Lesson { lesson, step } => Effect::Open(Opening { lesson, step, afresh: false }),
            Goes::Exercise(exercise) => Effect::Exercise(exercise),
        },
        _ if search.reading.is_some() => {
            search.reading = None;
            Effect::None
        }
        _ => {
            search.reading = Some((index, 0));
            Effect::None
        }
    }
}

/// Moves the mark, or scrolls what is read.
fn step(search: &mut Search, setting: &Setting<'_>, by: isize) {
    if let Some((index, scroll)) = &mut search.reading {
        let max = draw::reading_scroll_max(*index, setting);
        let to = i64::from(*scroll).saturating_add(by as i64).clamp(0, i64::from(max));
        *scroll = u16::try_from(to).unwrap_or(0);
        return;
    }
    let found = index::found(&index::entries(setting.course), &search.query).len();
    search.chosen = search.chosen.saturating_add_signed(by).min(found.saturating_sub(1));
}

/// What a row of the list says in front: the kind of thing it is.
fn kind(entry: &Entry) -> &'static str {
    entry.kind.word()
}
