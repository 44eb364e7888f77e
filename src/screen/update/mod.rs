//! What a key or a piece of news does to a [`View`]. Pure: what is to be done outside comes back as an
//! [`Effect`].

mod answer;
mod controls;
mod mark;
mod slow;
mod spot;
mod time;
mod trigger;
mod zoom;

use ratatui::layout::Size;

use self::answer::{leave, store, type_character};
pub use self::slow::{SlowEffect, SlowNews};
use self::time::{freeze, move_in_time, seek, tick};

use super::app::Opening;
use super::focus;
use super::key::Key;
use super::keys::{self, Action, Context, Wanted};
use super::layout;
use super::text;
use super::view::{Focus, Overlay, Pane, Playhead, Run, State, View, same_lab};
use crate::lesson::Lesson;
use crate::trace::Trace;
use crate::world::{MetricId, World};

/// What a view stands before.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'s> {
    /// The lesson.
    pub lesson: &'s Lesson,
    /// The run's trace, if anything was run.
    pub trace: Option<&'s Trace>,
    /// The screen.
    pub size: Size,
}

/// What comes in.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// A click on something that does what a key does.
    Act(Action),
    /// A click on a number or on a part of the lab.
    Point(Focus),
    /// A click on a row of a list: lessons, what was found.
    Choose(usize),
    /// A click on an instant of the run, nanoseconds since the trace's zero.
    Seek(u64),
    /// Rest at this instant, nanoseconds since the trace's zero.
    Rest(u64),
    /// The wheel: lines down, negative up.
    Wheel(i8),
    /// The run's trace has begun.
    Began,
    /// A recording stands in, and why.
    Recording(String),
    /// The run is over.
    Over,
    /// The run could not be.
    Failed(String),
    /// News of slow motion.
    Slow(SlowNews),
    /// So much time has passed, nanoseconds; recordings move on.
    Tick(u64),
}

/// What is to be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Run the lab of the step.
    Start,
    /// End the run.
    Stop,
    /// Give the run under way the load that the view's lab now has.
    Change,
    /// Play the step's recorded run.
    Replay,
    /// Hold the run at rest, or let it go on.
    Freeze(bool),
    /// Write the mark of [`App::take_mark`](super::App::take_mark) into the trace.
    Mark,
    /// Something about slow motion.
    Slow(SlowEffect),
    /// To all lessons.
    Home,
    /// Look for something.
    Search,
    /// The terms and what they mean.
    Glossary,
    /// To a lesson, or to a step of it.
    Open(Opening),
    /// To what there is to read about an exercise, at home.
    Exercise(usize),
    /// What lies over all goes away.
    Close,
    /// Give the terminal back until the shell brings us to the fore.
    Suspend,
    /// End.
    Quit,
}

/// Changes the view.
pub fn update(view: &mut View, stage: &Stage<'_>, input: Input) -> Effect {
    match input {
        Input::Key(key) => press(view, stage, key),
        Input::Act(action) => act(view, stage, action),
        Input::Point(focus) => {
            view.focus = focus;
            Effect::None
        }
        Input::Wheel(lines) => {
            scroll(view, stage, i32::from(lines));
            Effect::None
        }
        Input::Began => {
            set_state(view, State::Running);
            view.forget_run();
            view.scroll = text::prediction_line(view, stage.lesson, stage.size);
            Effect::None
        }
        Input::Recording(why) => {
            if let Run::Some { recorded, state, .. } = &mut view.run {
                (*recorded, *state) = (Some(why), State::Running);
                view.playhead = Playhead::Playing(0);
                view.forget_run();
                view.scroll = text::prediction_line(view, stage.lesson, stage.size);
            }
            Effect::None
        }
        Input::Over => {
            remember(view, stage);
            view.seen_ns = None;
            // Why a run could not be is still to be read.
            let failed = matches!(view.run, Run::Some { state: State::Failed(_), .. });
            if view.recorded().is_none() && !failed {
                set_state(view, State::Over);
            }
            Effect::None
        }
        Input::Failed(why) => {
            set_state(view, State::Failed(why));
            Effect::None
        }
        Input::Tick(ns) => tick(view, stage, ns),
        Input::Seek(t_ns) => seek(view, stage, t_ns),
        Input::Rest(t_ns) => time::rest_at(view, stage, t_ns),
        Input::Slow(news) => {
            slow::hear(view, stage, news);
            Effect::None
        }
        // A lesson has no lists.
        Input::Choose(_) => Effect::None,
    }
}

fn press(view: &mut View, stage: &Stage<'_>, key: Key) -> Effect {
    view.notice = None;
    let context = Context::of(view);
    if let Some(binding) = keys::binding(context, key) {
        return act(view, stage, binding.action);
    }
    match (context, key) {
        (Context::Noting, Key::Char(c)) => {
            mark::type_character(view, c);
            Effect::None
        }
        (Context::Typing, Key::Char(c)) if keys::writes_numbers(c) => {
            type_character(view, c);
            Effect::None
        }
        (Context::Typing, Key::Char(_)) => {
            view.notice = Some("a number is wanted; Enter stores it, Esc goes on without one".into());
            Effect::None
        }
        // A digit on a step that asks for a number is the answer.
        (Context::Text, Key::Char(c)) if c.is_ascii_digit() || c == '~' => {
            if let Some(prediction) = view.unasked(stage.lesson) {
                view.focus = Focus::Typing { prediction, text: String::new(), then_run: false };
                type_character(view, c);
            }
            Effect::None
        }
        _ => Effect::None,
    }
}

fn act(view: &mut View, stage: &Stage<'_>, action: Action) -> Effect {
    if let Some(why) = keys::why_not(action, view, stage) {
        view.notice = Some(why.into());
        return Effect::None;
    }
    let last = stage.lesson.steps.len().saturating_sub(1);
    let page = i32::from(layout::areas(stage.size, view, stage.lesson).text.height).max(2) - 1;
    match action {
        Action::GoOn => return go_on(view, stage),
        Action::NextStep => return go_to(view, stage, view.step + 1),
        Action::PreviousStep => return go_to(view, stage, view.step.saturating_sub(1)),
        Action::FirstStep => return go_to(view, stage, 0),
        Action::LastStep => return go_to(view, stage, last),
        Action::ScrollUp => {
            scroll(view, stage, -1);
        }
        Action::ScrollDown => {
            scroll(view, stage, 1);
        }
        Action::PageDown => {
            if !scroll(view, stage, page) && view.step < last {
                return go_to(view, stage, view.step + 1);
            }
        }
        Action::PageUp => {
            if !scroll(view, stage, -page) && view.step > 0 {
                return go_to(view, stage, view.step - 1);
            }
        }
        Action::RunOrStop => return run_or_stop(view, stage),
        Action::Restart => return start(view, stage),
        Action::Freeze => return freeze(view, stage),
        Action::StepBack | Action::StepForward | Action::LeapBack | Action::LeapForward => {
            move_in_time(view, stage, action);
        }
        Action::Mark => mark::begin(view, stage),
        Action::NextMark => mark::go(view, stage, true),
        Action::PreviousMark => mark::go(view, stage, false),
        Action::NextRequest => spot::request(view, stage, true),
        Action::PreviousRequest => spot::request(view, stage, false),
        Action::Pick => spot::pick(view, stage),
        Action::NoFocus => view.spot = None,
        Action::Closer => zoom::change(view, true),
        Action::Wider => zoom::change(view, false),
        Action::InTime => zoom::toggle(view),
        Action::Measure => mark::measure(view),
        Action::StopWhen => {
            let row = view.armed.as_ref().map_or(0, |armed| armed.trigger);
            (view.overlay, view.scroll_over) = (Some(Overlay::Triggers { row }), 0);
        }
        Action::Arm => return trigger::arm(view, stage),
        Action::Disarm => view.armed = None,
        Action::NextNumber => focus::next(view, stage, 1),
        Action::PreviousNumber => focus::next(view, stage, -1),
        Action::Left if spot::another(view, stage, false) => {}
        Action::Right if spot::another(view, stage, true) => {}
        Action::Left => focus::step(view, stage, 0, -1),
        Action::Right => focus::step(view, stage, 0, 1),
        Action::Up => focus::step(view, stage, -1, 0),
        Action::Down => focus::step(view, stage, 1, 0),
        Action::Leave if view.noting.is_some() => view.noting = None,
        Action::Leave => return leave(view, stage),
        Action::Info => {
            let back_to_text = matches!(view.focus, Focus::Text | Focus::Typing { .. });
            if back_to_text {
                focus::next(view, stage, 1);
            }
            (view.overlay, view.scroll_over) = (Some(Overlay::Info { back_to_text }), 0);
        }
        Action::Help => {
            let open = view.overlay != Some(Overlay::Help);
            (view.overlay, view.scroll_over) = (open.then_some(Overlay::Help), 0);
        }
        Action::Close => {
            if let Some(Overlay::Info { back_to_text: true }) = view.overlay.take() {
                view.focus = Focus::Text;
            }
        }
        Action::Pane => {
            view.pane = match view.pane {
                Pane::Both => Pane::Text,
                Pane::Text => Pane::Lab,
                Pane::Lab => Pane::Both,
            };
        }
        Action::MoreConnections | Action::FewerConnections | Action::MoreIdle | Action::FewerIdle => {
            return controls::shortcut(view, stage, action);
        }
        Action::Controls => {
            (view.overlay, view.scroll_over) = (Some(Overlay::Controls { row: 0 }), 0);
        }
        Action::ControlAbove => controls::choose(view, stage, -1),
        Action::ControlBelow => controls::choose(view, stage, 1),
        Action::TurnUp => return controls::turn_chosen(view, stage, true),
        Action::TurnDown => return controls::turn_chosen(view, stage, false),
        Action::AsTheLessonHasIt => return controls::reset(view, stage),
        Action::Replay => return controls::replay(view, stage),
        Action::Reveal => {
            if let Some(shown) = &mut view.present {
                shown.insert(view.step);
            }
        }
        Action::Store if view.noting.is_some() => return mark::store(view),
        Action::Store => return store(view, stage),
        Action::Erase if view.noting.is_some() => mark::erase(view),
        Action::Erase => {
            if let Focus::Typing { text, .. } = &mut view.focus {
                text.pop();
            }
        }
        Action::SlowMotion => return slow::open(view, stage),
        Action::SlowForward
        | Action::SlowBack
        | Action::SlowRequest
        | Action::SlowCompletion
        | Action::SlowFree
        | Action::SlowServer
        | Action::SlowNewest
        | Action::SlowLeave => return slow::act(view, stage, action),
        Action::Home => return Effect::Home,
        Action::Search => return Effect::Search,
        Action::Glossary => return Effect::Glossary,
        // Lists are opened from, and a lesson has none.
        Action::Open | Action::Afresh => {}
        Action::Suspend => return Effect::Suspend,
        Action::Quit => return Effect::Quit,
    }
    Effect::None
}

/// The next thing that this step wants: a prediction, a run, or the next step.
fn go_on(view: &mut View, stage: &Stage<'_>) -> Effect {
    match keys::wanted(view, stage) {
        Wanted::Prediction(prediction) => {
            view.focus = Focus::Typing { prediction, text: String::new(), then_run: false };
            Effect::None
        }
        Wanted::Run => run_or_stop(view, stage),
        Wanted::Answers => act(view, stage, Action::Reveal),
        Wanted::NextStep => act(view, stage, Action::NextStep),
    }
}

pub(super) fn go_to(view: &mut View, stage: &Stage<'_>, step: usize) -> Effect {
    if step == view.step || step >= stage.lesson.steps.len() {
        return Effect::None;
    }
    remember(view, stage);
    let keeps = same_lab(stage.lesson, view.step, step);
    let was_running = view.is_running();
    (view.step, view.scroll, view.focus, view.pane) = (step, 0, Focus::Text, Pane::Both);
    if keeps {
        return Effect::None;
    }
    if view.tuned.take().is_some() && !was_running {
        // What the learner made of the other lab is no run of this lesson's.
        view.run = Run::None;
    }
    if !was_running {
        return Effect::None;
    }
    // The next step is about something else: a load that nobody looks at is noise.
    set_state(view, State::Over);
    view.playhead = Playhead::Live;
    Effect::Stop
}

fn run_or_stop(view: &mut View, stage: &Stage<'_>) -> Effect {
    if matches!(view.state(stage.lesson), Some(State::Starting | State::Running)) {
        remember(view, stage);
        set_state(view, State::Over);
        view.playhead = match (view.playhead, view.recorded()) {
            (Playhead::Playing(t_ns), _) => Playhead::Frozen(t_ns),
            (playhead, Some(_)) => playhead,
            _ => Playhead::Live,
        };
        return Effect::Stop;
    }
    start(view, stage)
}

fn start(view: &mut View, stage: &Stage<'_>) -> Effect {
    if let Some(prediction) = view.unasked(stage.lesson) {
        // What stands there already stays: the key that runs is also pressed in the middle of an answer.
        let text = match std::mem::replace(&mut view.focus, Focus::Text) {
            Focus::Typing { prediction: open, text, .. } if open == prediction => text,
            _ => String::new(),
        };
        view.focus = Focus::Typing { prediction, text, then_run: true };
        view.notice = Some("first your guess, a rough one will do; Esc runs without one".into());
        return Effect::None;
    }
    view.run = Run::Some { step: view.step, state: State::Starting, recorded: None };
    view.playhead = Playhead::Live;
    view.forget_run();
    Effect::Start
}

/// Scrolls what is in front; `false` when it stood at its end already.
fn scroll(view: &mut View, stage: &Stage<'_>, lines: i32) -> bool {
    let max = i32::from(match view.overlay {
        Some(_) => super::overlay::scroll_max(view, stage),
        None => layout::scroll_max(stage.size, view, stage.lesson),
    });
    let at = if view.overlay.is_some() { &mut view.scroll_over } else { &mut view.scroll };
    let from = i32::from(*at).min(max);
    let to = from.saturating_add(lines).clamp(0, max);
    *at = u16::try_from(to).unwrap_or(0);
    to != from
}

fn set_state(view: &mut View, to: State) {
    if let Run::Some { state, .. } = &mut view.run {
        *state = to;
    }
}

/// Keeps what was measured for the predictions of the run's step: the trace will be gone.
fn remember(view: &mut View, stage: &Stage<'_>) {
    let (Some(trace), Run::Some { step, .. }) = (stage.trace, &view.run) else { return };
    if view.tuned.is_some() {
        // Predictions are about the lab as the lesson has it.
        return;
    }
    let world = World::at(trace, u64::MAX);
    for (index, of) in stage.lesson.steps.iter().enumerate() {
        if !same_lab(stage.lesson, *step, index) {
            continue;
        }
        for asked in of.predictions() {
            let id = MetricId::by_key(&asked.metric);
            let value =
                world.server(&asked.server).zip(id).and_then(|(server, id)| server.metric(id)?.value());
            if let Some(value) = value {
                view.measured.insert(asked.id.clone(), value);
            }
        }
    }
}
