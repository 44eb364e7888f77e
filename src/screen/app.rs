//! The whole program as one value: home or a lesson, and what lies over both. Pure, as a lesson's view is.

use ratatui::layout::{Rect, Size};

use super::home::{self, HomeView};
use super::key::Key;
use super::keys::{self, Action, Context};
use super::paint::{Frame, Paint};
use super::search::{self, Search};
use super::theme::Theme;
use super::update::{Effect, Input, Stage, go_to, update};
use super::view::{Pane, Playhead, Shown, View};
use super::{footer, glossary, overlay};
use crate::lesson::{Course, Form};
use crate::progress::{Progress, Said, exercises_of};
use crate::trace::Trace;
use crate::world::World;

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct App {
    home: HomeView,
    lesson: Option<OpenLesson>,
    over: Option<Over>,
    /// Whether it is shown to a room.
    present: bool,
    /// The exercise to read about once home is on the screen.
    exercise: Option<usize>,
}

/// A lesson that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLesson {
    /// Index in [`Course::lessons`].
    pub lesson: usize,
    /// Its view.
    pub view: View,
}

/// What lies over home and lessons alike.
#[derive(Clone, Debug, PartialEq)]
enum Over {
    Search(Search),
    Glossary {
        /// First line that is shown.
        scroll: u16,
    },
}

/// A lesson to be opened, or a step of the open one to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Index in [`Course::lessons`].
    pub lesson: usize,
    /// The step, from 0; where the learner left it when `None`.
    pub step: Option<usize>,
    /// Whether it is begun anew, its predictions to be made again.
    pub afresh: bool,
}

/// What an app stands before.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'s> {
    /// All lessons.
    pub course: &'s Course,
    /// How far the learner has come.
    pub progress: &'s Progress,
    /// What this machine allows, in a line; `None` as long as it is being found out.
    pub machine: Option<&'s str>,
    /// Whether exercises can be worked at where iolab was started: there is a workspace.
    pub has_workspace: bool,
    /// The run's trace, if anything was run.
    pub trace: Option<&'s Trace>,
    /// The screen.
    pub size: Size,
}

impl<'s> Setting<'s> {
    fn stage(&self, lesson: usize) -> Stage<'s> {
        Stage { lesson: &self.course.lessons[lesson], trace: self.trace, size: self.size }
    }
}

impl App {
    /// Home; `present` is for a room: one thing at a time, answers hidden until they are asked for.
    pub fn new(present: bool) -> Self {
        Self { present, ..Self::default() }
    }

    /// The lesson on the screen, if it is not home.
    pub fn lesson(&self) -> Option<&OpenLesson> {
        self.lesson.as_ref()
    }

    /// Whether a recording moves on with the clock.
    pub fn is_playing(&self) -> bool {
        self.lesson.as_ref().is_some_and(|open| matches!(open.view.playhead, Playhead::Playing(_)))
    }

    /// Opens a lesson, with what earlier sessions said and measured in it.
    pub fn open(&mut self, opening: Opening, course: &Course, progress: &Progress) {
        let Some(lesson) = course.lessons.get(opening.lesson) else { return };
        let known = progress.lesson(&lesson.name);
        let last = lesson.steps.len().saturating_sub(1);
        let step = match opening.step {
            Some(step) => step.min(last),
            None if opening.afresh => 0,
            None => known.resumes_at(lesson),
        };
        let mut view = View { present: self.present.then(Shown::new), ..View::new(step) };
        if !opening.afresh {
            view.answers.clone_from(&known.answers);
            view.passed_over.clone_from(&known.passed_over);
            view.measured.clone_from(&known.measured);
        }
        if lesson.form == Form::Observe {
            // There is nothing to read beside it.
            view.pane = Pane::Lab;
        }
        view.exercises = exercises_of(lesson.number, &course.exercises, progress);
        (self.lesson, self.over) = (Some(OpenLesson { lesson: opening.lesson, view }), None);
    }

    /// Goes home, to where the learner goes on, or to the exercise that was looked for.
    pub fn go_home(&mut self, course: &Course, progress: &Progress) {
        let at = |exercise| HomeView::at_exercise(exercise, course, progress);
        let home = self.exercise.map(at).unwrap_or_default();
        *self = Self { home, ..Self::new(self.present) };
    }

    /// Takes the mark that was set last, if it was not taken yet: when, nanoseconds since the trace's zero, and
    /// what it says. Whoever keeps the trace writes it in after [`Effect::Mark`].
    pub fn take_mark(&mut self) -> Option<(u64, String)> {
        let mark = self.lesson.as_mut()?.view.mark.take()?;
        Some((mark.t_ns, mark.text))
    }

    /// Says something in the last row, until the next key.
    pub fn notice(&mut self, says: String) {
        match &mut self.lesson {
            Some(open) => open.view.notice = Some(says),
            None => self.home.notice = Some(says),
        }
    }

    /// What this session has come to in the open lesson, for the journal.
    pub fn said(&self) -> Option<(usize, Said<'_>)> {
        let OpenLesson { lesson, view } = self.lesson.as_ref()?;
        let (answers, passed_over) = (&view.answers, &view.passed_over);
        Some((*lesson, Said { step: view.step, answers, passed_over, measured: &view.measured }))
    }

    /// Changes what is on the screen. [`Effect::Home`] and [`Effect::Open`] are for the caller to carry out,
    /// by [`go_home`](Self::go_home) and [`open`](Self::open), once the run of the lesson that is left has
    /// ended.
    pub fn update(&mut self, setting: &Setting<'_>, input: Input) -> Effect {
        use Input as I;
        let by_hand =
            matches!(input, I::Act(_) | I::Choose(_) | I::Key(_) | I::Point(_) | I::Seek(_) | I::Wheel(_));
        let effect = match (&mut self.over, &mut self.lesson) {
            (Some(Over::Search(search)), _) if by_hand => search::update(search, setting, &input),
            (Some(Over::Glossary { .. }), _) if by_hand => self.glossary(setting, &input),
            (_, Some(open)) => update(&mut open.view, &setting.stage(open.lesson), input),
            (_, None) => home::update(&mut self.home, setting, &input),
        };
        match effect {
            Effect::Search => self.lay_over(setting, Over::Search(Search::default())),
            Effect::Glossary => self.lay_over(setting, Over::Glossary { scroll: 0 }),
            Effect::Close => {
                self.over = None;
                Effect::None
            }
            Effect::Open(Opening { lesson, step: Some(step), afresh: false }) => {
                self.go_to(setting, lesson, step)
            }
            Effect::Exercise(exercise) => self.read_about(setting, exercise),
            other => other,
        }
    }

    /// A step of the open lesson is gone to; another lesson is opened.
    fn go_to(&mut self, setting: &Setting<'_>, lesson: usize, step: usize) -> Effect {
        self.over = None;
        match &mut self.lesson {
            Some(open) if open.lesson == lesson => go_to(&mut open.view, &setting.stage(lesson), step),
            _ => Effect::Open(Opening { lesson, step: Some(step), afresh: false }),
        }
    }

    /// An exercise is read about at home; a lesson that is open is left first.
    fn read_about(&mut self, setting: &Setting<'_>, exercise: usize) -> Effect {
        self.over = None;
        if self.lesson.is_some() {
            self.exercise = Some(exercise);
            return Effect::Home;
        }
        self.home = HomeView::at_exercise(exercise, setting.course, setting.progress);
        Effect::None
    }

    /// One thing lies over the screen at a time.
    fn lay_over(&mut self, setting: &Setting<'_>, over: Over) -> Effect {
        if let Some(open) = self.lesson.as_mut().filter(|open| open.view.overlay.is_some()) {
            update(&mut open.view, &setting.stage(open.lesson), Input::Act(Action::Close));
        }
        (self.home.keys, self.home.exercise, self.over) = (None, None, Some(over));
        Effect::None
    }

    fn glossary(&mut self, setting: &Setting<'_>, input: &Input) -> Effect {
        let Some(Over::Glossary { scroll }) = &mut self.over else { return Effect::None };
        let page = i32::from(overlay::room(setting.size).height).saturating_sub(3).max(1);
        let action = match input {
            Input::Key(Key::PageDown) => return scrolled(scroll, page, setting, self.lesson.as_ref()),
            Input::Key(Key::PageUp) => return scrolled(scroll, -page, setting, self.lesson.as_ref()),
            Input::Wheel(lines) => {
                return scrolled(scroll, i32::from(*lines), setting, self.lesson.as_ref());
            }
            Input::Key(key) => keys::binding(Context::Overlay, *key).map(|binding| binding.action),
            Input::Act(action) => Some(*action),
            _ => None,
        };
        match action {
            Some(Action::ScrollDown) => scrolled(scroll, 1, setting, self.lesson.as_ref()),
            Some(Action::ScrollUp) => scrolled(scroll, -1, setting, self.lesson.as_ref()),
            Some(Action::Close | Action::Glossary) => Effect::Close,
            Some(Action::Search) => Effect::Search,
            Some(Action::Suspend) => Effect::Suspend,
            Some(Action::Quit) => Effect::Quit,
            Some(Action::Help) => {
                self.over = None;
                self.update(setting, Input::Act(Action::Help))
            }
            _ => Effect::None,
        }
    }

    /// Draws all of it. `world` is the run's trace folded up to the view's time.
    pub fn frame(&self, world: Option<&World<'_>>, setting: &Setting<'_>, theme: Theme) -> Frame {
        let size = setting.size;
        let frame = match &self.lesson {
            Some(open) => super::frame(world, &open.view, &setting.course.lessons[open.lesson], size, theme),
            None => home::frame(&self.home, setting, theme),
        };
        let Some(over) = &self.over else { return frame };
        let mut paint = Paint::over(frame, theme);
        let context = match over {
            Over::Search(search) => {
                search::draw(&mut paint, search, setting);
                Context::Search
            }
            Over::Glossary { scroll } => {
                let columns = overlay::columns(overlay::room(size));
                let lines = glossary::lines(setting, self.lesson.as_ref(), columns);
                overlay::window(&mut paint, size, "glossary", &lines, *scroll);
                Context::Overlay
            }
        };
        let (_, last) =
            super::layout::bottom(Rect::new(0, 0, size.width, size.height), u16::from(size.height > 1));
        // The keys below belong to what is in front; the row stays below the window.
        paint.clear_row(last);
        let rows = keys::here(context).filter(|binding| binding.footer.is_some());
        footer::draw_keys(&mut paint, last, rows, |binding| Some(binding.footer?.0));
        paint.done()
    }
}

fn scrolled(scroll: &mut u16, by: i32, setting: &Setting<'_>, open: Option<&OpenLesson>) -> Effect {
    let lines = glossary::lines(setting, open, overlay::columns(overlay::room(setting.size))).len();
    let max = overlay::lines_hidden(lines, setting.size);
    let to = i32::from((*scroll).min(max)).saturating_add(by).clamp(0, i32::from(max));
    *scroll = u16::try_from(to).unwrap_or(0);
    Effect::None
}
