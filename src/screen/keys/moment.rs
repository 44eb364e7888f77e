//! What keys do and are called at this moment: the rows of the table against a view.

use super::{Action, Binding, Context};
use crate::lesson::{Form, Kind, Show};
use crate::screen::key::Key;
use crate::screen::slow;
use crate::screen::theme::Glyphs;
use crate::screen::update::Stage;
use crate::screen::view::{Focus, Overlay, Playhead, State, View};

/// Why an action can do nothing at the moment; `None` when it can.
pub fn why_not(action: Action, view: &View, stage: &Stage<'_>) -> Option<&'static str> {
    let step = view.step(stage.lesson);
    let lab = view.lab(stage.lesson);
    let state = view.state(stage.lesson);
    let frozen = view.is_at_rest();
    match action {
        Action::NextStep if is_last(view, stage) => Some("this is the last step"),
        Action::GoOn if wanted(view, stage) == Wanted::NextStep && is_last(view, stage) => {
            Some("this is the last step")
        }
        Action::PreviousStep if view.step == 0 => Some("this is the first step"),
        Action::MoreConnections
        | Action::FewerConnections
        | Action::MoreIdle
        | Action::FewerIdle
        | Action::Controls
            if lab.is_none() =>
        {
            Some("nothing runs on this step")
        }
        Action::MoreConnections
        | Action::FewerConnections
        | Action::MoreIdle
        | Action::FewerIdle
        | Action::Controls
            if lab.is_some_and(|lab| lab.kind != Kind::Servers) =>
        {
            Some("these programs have no load")
        }
        Action::SlowMotion if lab.is_none() => Some("nothing runs on this step"),
        Action::SlowMotion if lab.is_some_and(|lab| lab.kind == Kind::Trials) => {
            Some("slow motion is for servers; these programs end too soon")
        }
        Action::SlowMotion if stage.lesson.form == Form::Observe => {
            Some("slow motion is for iolab's own servers: somebody may be waiting for this program")
        }
        Action::SlowServer if view.slow.as_ref().is_some_and(|slow| slow.servers.len() < 2) => {
            Some("there is one server")
        }
        Action::Home if stage.lesson.form == Form::Observe => Some("the program is all there is here"),
        Action::Home if stage.lesson.form == Form::Playground => Some("the playground is all there is here"),
        Action::Replay if lab.is_none_or(|lab| lab.recording.is_none()) => {
            Some("nothing was recorded for this step")
        }
        Action::Reveal if view.present.is_none() => Some("only with --present; here a run shows them"),
        Action::Reveal if step.predictions().next().is_none() => Some("nothing is asked on this step"),
        Action::AsTheLessonHasIt if view.tuned.is_none() => Some("nothing was changed"),
        Action::RunOrStop | Action::Restart | Action::Pane if lab.is_none() => Some("nothing to run here"),
        Action::Freeze if state.is_none() => Some("nothing runs; space runs the lab"),
        Action::Freeze if matches!(state, Some(State::Starting | State::Failed(_))) => {
            Some("nothing has been seen yet")
        }
        Action::StepBack | Action::StepForward | Action::LeapBack | Action::LeapForward
            if !frozen || state.is_none() =>
        {
            Some("f freezes first")
        }
        Action::Mark | Action::StopWhen | Action::NextRequest | Action::PreviousRequest
            if matches!(state, None | Some(State::Starting | State::Failed(_))) =>
        {
            Some("nothing has been seen yet; space runs the lab")
        }
        Action::Closer | Action::Wider | Action::InTime
            if lab.is_none_or(|lab| !lab.show.contains(&Show::Lanes)) =>
        {
            Some("there are no lanes on this step")
        }
        Action::NextMark | Action::PreviousMark | Action::Measure if !frozen || state.is_none() => {
            Some("f freezes first")
        }
        Action::NoFocus if view.spot.is_none() => Some("nothing is followed; ; follows a request"),
        Action::Pick if !matches!(view.focus, Focus::Panel(_)) => Some("Tab goes to a picture first"),
        Action::Disarm if view.armed.is_none() => Some("it stops at nothing"),
        Action::NextNumber | Action::PreviousNumber | Action::Info if lab.is_none() => {
            Some("no numbers here")
        }
        Action::NextNumber | Action::PreviousNumber | Action::Info
            if matches!(state, None | Some(State::Starting)) =>
        {
            Some("no numbers yet; space runs the lab")
        }
        _ => None,
    }
}

/// The next thing that a step wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This of its predictions.
    Prediction(usize),
    /// A run of its lab.
    Run,
    /// That the presenter shows its answers.
    Answers,
    /// Nothing more: the next step.
    NextStep,
}

/// What Enter does here.
pub fn wanted(view: &View, stage: &Stage<'_>) -> Wanted {
    match view.unasked(stage.lesson) {
        Some(prediction) => Wanted::Prediction(prediction),
        None if view.lab(stage.lesson).is_some() && view.state(stage.lesson).is_none() => Wanted::Run,
        None if view.hides_answers(stage.lesson) => Wanted::Answers,
        None => Wanted::NextStep,
    }
}

fn is_last(view: &View, stage: &Stage<'_>) -> bool {
    view.step + 1 >= stage.lesson.steps.len()
}

/// The footer's word for a row at this moment.
pub fn word(binding: &Binding, view: &View, stage: &Stage<'_>) -> Option<&'static str> {
    let (word, _) = binding.footer?;
    let state = view.state(stage.lesson);
    Some(match binding.action {
        Action::GoOn => match wanted(view, stage) {
            Wanted::Prediction(_) => "predict",
            Wanted::Run => "run",
            Wanted::Answers => "answers",
            Wanted::NextStep => word,
        },
        Action::RunOrStop => match state {
            Some(State::Starting | State::Running) => "stop",
            Some(State::Over | State::Failed(_)) => "run again",
            None => word,
        },
        Action::Freeze if matches!(view.playhead, Playhead::End(_)) => "play again",
        Action::Freeze if view.is_at_rest() => "go on",
        Action::NextRequest if view.spot.is_none() => "follow",
        Action::Measure if view.ruler_ns.is_some() => "no ruler",
        Action::Arm if view.is_at_rest() => "go to the next",
        Action::Close if view.overlay == Some(Overlay::Help) => "close",
        Action::SlowFree if view.slow.as_ref().is_some_and(|slow| slow.state == slow::State::Free) => "stop",
        _ => word,
    })
}

/// How early a row gives way in the footer: the lowest stays longest.
pub fn rank(binding: &Binding, view: &View, stage: &Stage<'_>, more_text: bool) -> u8 {
    let usual = binding.footer.map_or(0, |(_, rank)| rank);
    let of_trials = view.lab(stage.lesson).is_some_and(|lab| lab.kind == Kind::Trials);
    let is_over = matches!(view.state(stage.lesson), Some(State::Over));
    match binding.action {
        // Who has more to read is told so first.
        Action::ScrollDown if more_text && Context::of(view) == Context::Text => 2,
        // A trial is over at once: its story is what is left to look at.
        Action::Pane if of_trials && is_over => 3,
        Action::Freeze if of_trials && is_over => 7,
        _ => usual,
    }
}

/// Whether the footer shows a row at this moment: what can be done now, and what always can.
pub fn in_footer(binding: &Binding, view: &View, stage: &Stage<'_>) -> bool {
    // The row names both directions: one of them is enough.
    let pair = binding.action == Action::NextStep && view.step > 0;
    binding.footer.is_some() && (pair || why_not(binding.action, view, stage).is_none()) && {
        let frozen = view.is_at_rest();
        match binding.action {
            // Who types wants to know how to end it; the other keys are in the help.
            action if Context::of(view) == Context::Typing => {
                matches!(action, Action::Store | Action::Leave | Action::Help | Action::Quit)
            }
            // The lab's parts are worth a word when there is something in them.
            Action::NextNumber | Action::Info | Action::Pane => {
                view.state(stage.lesson).is_some() || Context::of(view) == Context::Numbers
            }
            Action::SlowMotion => Context::of(view) == Context::Text,
            Action::MoreConnections | Action::Controls => view.state(stage.lesson).is_some(),
            // Idle connections matter where the lesson shows what they cost.
            Action::MoreIdle => view.lab(stage.lesson).is_some_and(|lab| lab.show.contains(&Show::Cost)),
            // Enter says it where it does the same.
            Action::Reveal => {
                view.hides_answers(stage.lesson)
                    && (Context::of(view) != Context::Text || wanted(view, stage) != Wanted::Answers)
            }
            Action::StepBack | Action::Measure | Action::Closer => frozen,
            Action::Mark | Action::StopWhen | Action::NextRequest => {
                frozen || Context::of(view) == Context::Numbers
            }
            Action::Disarm => view.armed.is_some(),
            // Enter says it; the lab's own words name the key, too.
            Action::RunOrStop => Context::of(view) != Context::Text || wanted(view, stage) != Wanted::Run,
            _ => true,
        }
    }
}

/// The keys of a row as the footer names them: both directions at once where a pair belongs together.
pub fn label(binding: &Binding, glyphs: &Glyphs) -> String {
    match (binding.action, binding.contexts) {
        (Action::NextStep, _) => glyphs.left_right.into(),
        (Action::ScrollDown | Action::Down, _) => glyphs.up_down.into(),
        (Action::MoreConnections, _) => "+/-".into(),
        (Action::Closer, _) => "u/U".into(),
        (Action::StepBack, _) => ",/.".into(),
        (Action::NextRequest, _) => ";/:".into(),
        (Action::TurnUp, _) => glyphs.left_right.into(),
        (Action::ControlBelow, _) => glyphs.up_down.into(),
        (Action::Left, _) => format!("{}{}", glyphs.left_right, glyphs.up_down),
        _ => name(binding.keys[0], glyphs),
    }
}

/// A key's name in the glyphs at hand.
pub fn name(key: Key, glyphs: &Glyphs) -> String {
    match key {
        Key::Up => glyphs.up.into(),
        Key::Down => glyphs.down.into(),
        Key::Left => glyphs.left_right.chars().take(1).collect(),
        Key::Right => glyphs.left_right.chars().skip(1).collect(),
        other => other.name(),
    }
}
