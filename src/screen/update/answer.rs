//! Predictions: typed, stored, passed over.

use super::{Effect, Stage, start};
use crate::lesson::Verdict;
use crate::screen::view::{Focus, View};

/// Characters that an answer may have.
const ANSWER_MAX: usize = 40;

pub(super) fn type_character(view: &mut View, c: char) {
    if let Focus::Typing { text, .. } = &mut view.focus
        && text.chars().count() < ANSWER_MAX
    {
        text.push(c);
    }
}

pub(super) fn store(view: &mut View, stage: &Stage<'_>) -> Effect {
    let Focus::Typing { prediction, text, then_run } = view.focus.clone() else { return Effect::None };
    let Some(asked) = view.step(stage.lesson).predictions().nth(prediction) else {
        view.focus = Focus::Text;
        return Effect::None;
    };
    if let Verdict::Unreadable(says) = asked.judge(&text, None) {
        view.notice = Some(says);
        return Effect::None;
    }
    view.answers.insert(asked.id.clone(), text);
    after_answer(view, stage, then_run)
}

/// Leaves what has the focus. An answer that is left empty was passed over; nobody is asked twice.
pub(super) fn leave(view: &mut View, stage: &Stage<'_>) -> Effect {
    let Focus::Typing { prediction, then_run, .. } = view.focus.clone() else {
        view.focus = Focus::Text;
        return Effect::None;
    };
    if let Some(asked) = view.step(stage.lesson).predictions().nth(prediction) {
        view.passed_over.insert(asked.id.clone());
    }
    after_answer(view, stage, then_run)
}

fn after_answer(view: &mut View, stage: &Stage<'_>, then_run: bool) -> Effect {
    match view.unasked(stage.lesson) {
        Some(prediction) => {
            view.focus = Focus::Typing { prediction, text: String::new(), then_run };
            Effect::None
        }
        None => {
            view.focus = Focus::Text;
            if then_run { start(view, stage) } else { Effect::None }
        }
    }
}
