//! Marks: set with a note, gone to, measured from.

use super::time::rest_at;
use super::{Effect, Stage};
use crate::screen::view::{Noting, View};
use crate::trace::{Note, Trace};

/// Characters that a note may have.
const NOTE_MAX: usize = 72;

/// Opens the line for the note of a mark at this instant.
pub(super) fn begin(view: &mut View, stage: &Stage<'_>) {
    let end_ns = stage.trace.map_or(0, Trace::end_ns);
    view.noting = Some(Noting { t_ns: view.t_ns().min(end_ns), text: String::new() });
}

pub(super) fn type_character(view: &mut View, c: char) {
    if let Some(noting) = &mut view.noting
        && noting.text.chars().count() < NOTE_MAX
        && !c.is_control()
    {
        noting.text.push(c);
    }
}

pub(super) fn erase(view: &mut View) {
    if let Some(noting) = &mut view.noting {
        noting.text.pop();
    }
}

pub(super) fn store(view: &mut View) -> Effect {
    view.mark = view.noting.take();
    Effect::Mark
}

/// To the mark after the playhead, or to the one before it.
pub(super) fn go(view: &mut View, stage: &Stage<'_>, forward: bool) {
    let marks = stage.trace.map(Trace::notes).unwrap_or_default();
    let marks = || marks.iter().filter(|(_, note)| matches!(note, Note::Mark { .. }));
    let here_ns = view.t_ns();
    let found = match forward {
        true => marks().find(|(t_ns, _)| *t_ns > here_ns),
        false => marks().rev().find(|(t_ns, _)| *t_ns < here_ns),
    };
    match found {
        Some((t_ns, _)) => {
            // At rest already: only the playhead moves.
            let _ = rest_at(view, stage, *t_ns);
        }
        None if marks().next().is_none() => view.notice = Some("no mark is set; m sets one".into()),
        None => {
            view.notice = Some(if forward { "no mark after this" } else { "no mark before this" }.into());
        }
    }
}

/// Begins to measure here, or ends it.
pub(super) fn measure(view: &mut View) {
    view.ruler_ns = match view.ruler_ns {
        None => Some(view.t_ns()),
        Some(_) => None,
    };
}
