//! The whole program as a value, with keys to press: what the loop does, without a terminal.

use iolab::exercise::State;
use iolab::lesson::Course;
use iolab::progress::{Checked, Event, ExerciseEvent, Kept, Progress};
use iolab::screen::{App, Effect, Frame, Input, Key, Opening, Setting, Theme};
use ratatui::layout::Size;

use crate::course;

/// The program before somebody who presses keys, and the journal that it keeps.
pub struct Desk {
    pub course: Course,
    pub app: App,
    pub progress: Progress,
    pub machine: Option<&'static str>,
    pub has_workspace: bool,
    pub size: Size,
}

impl Desk {
    pub fn new() -> Self {
        let machine = Some("lessons 0 to 4: live; system calls counted by perf");
        let (course, size) = (course::course(), Size::new(80, 24));
        Self {
            course,
            app: App::default(),
            progress: Progress::default(),
            machine,
            has_workspace: true,
            size,
        }
    }

    /// Somebody in the middle of the course.
    pub fn begun() -> Self {
        let mut desk = Self::new();
        desk.saw("blocking", 1..=12);
        for (step, answer, value) in [(9, "2", 2.0), (10, "1", 5.0), (11, "3", 3.1)] {
            desk.take("blocking", Event::Answered { prediction: format!("p{step}"), answer: answer.into() });
            desk.take("blocking", Event::Measured { prediction: format!("p{step}"), value });
        }
        desk.take("blocking", Event::Completed);
        desk.saw("select-poll", 1..=10);
        desk.take("select-poll", Event::Completed);
        desk.saw("rings", 1..=6);
        desk
    }

    /// The same, who has worked at exercises, too: two passed, one nearly, one only opened.
    pub fn worked() -> Self {
        let mut desk = Self::begun();
        desk.checked("switch-or-not", &[State::Pass; 3]);
        desk.progress.take_exercise("ghost-event", ExerciseEvent::Opened);
        desk.checked("free-the-threads", &[State::Pass; 3]);
        for step in [1, 2] {
            desk.hint("drain-the-edge", step);
        }
        desk.checked("drain-the-edge", &[State::Pass, State::Hung, State::Fail]);
        desk
    }

    pub fn hint(&mut self, exercise: &str, step: usize) {
        let event = ExerciseEvent::HintTaken { criterion: "idle".into(), step };
        self.progress.take_exercise(exercise, event);
    }

    /// A check of one of the course's exercises, which have three criteria.
    pub fn checked(&mut self, exercise: &str, states: &[State]) {
        let criteria = ["whole", "idle", "ends"].iter().zip(states);
        let kept =
            |(id, state): (&&str, &State)| Kept { id: (*id).into(), state: *state, seen: String::new() };
        let points = [7, 2, 1].iter().zip(states).filter(|(_, state)| **state == State::Pass);
        let checked = Checked {
            points: points.map(|(points, _)| points).sum(),
            points_max: 10,
            passed: states.iter().all(|state| *state == State::Pass),
            sources_sha256: String::new(),
            criteria: criteria.map(kept).collect(),
        };
        self.progress.take_exercise(exercise, ExerciseEvent::Checked(checked));
    }

    pub fn sized(mut self, width: u16, height: u16) -> Self {
        self.size = Size::new(width, height);
        self
    }

    pub fn take(&mut self, lesson: &str, event: Event) {
        self.progress.take(lesson, event);
    }

    pub fn saw(&mut self, lesson: &str, steps: std::ops::RangeInclusive<usize>) {
        steps.for_each(|step| self.take(lesson, Event::StepSeen { step }));
    }

    pub fn setting(&self) -> Setting<'_> {
        let (course, progress, size) = (&self.course, &self.progress, self.size);
        Setting {
            course,
            progress,
            machine: self.machine,
            has_workspace: self.has_workspace,
            trace: None,
            size,
        }
    }

    /// What the loop does with an input.
    pub fn input(&mut self, input: Input) -> Effect {
        let setting = Setting {
            course: &self.course,
            progress: &self.progress,
            machine: self.machine,
            has_workspace: self.has_workspace,
            trace: None,
            size: self.size,
        };
        let effect = self.app.update(&setting, input);
        match effect {
            Effect::Open(opening) => self.open(opening),
            Effect::Home => self.app.go_home(&self.course, &self.progress),
            _ => {}
        }
        if let Some((index, said)) = self.app.said() {
            let lesson = &self.course.lessons[index];
            let news = self.progress.lesson(&lesson.name).news(lesson, &said);
            news.into_iter().for_each(|event| self.progress.take(&lesson.name, event));
        }
        effect
    }

    pub fn open(&mut self, opening: Opening) {
        if opening.afresh {
            self.progress.take(&self.course.lessons[opening.lesson].name, Event::Begun);
        }
        self.app.open(opening, &self.course, &self.progress);
    }

    pub fn press(&mut self, keys: &[Key]) -> Effect {
        keys.iter().map(|key| self.input(Input::Key(*key))).last().unwrap()
    }

    pub fn type_text(&mut self, text: &str) {
        text.chars().for_each(|c| {
            self.press(&[Key::Char(c)]);
        });
    }

    pub fn frame(&self, theme: Theme) -> Frame {
        self.app.frame(None, &self.setting(), theme)
    }

    pub fn screen(&self) -> String {
        text(&self.frame(Theme::DEFAULT))
    }

    /// Which lesson and step is open, both as people count.
    pub fn at(&self) -> Option<(u8, usize)> {
        self.app.lesson().map(|open| (self.course.lessons[open.lesson].number, open.view.step + 1))
    }
}

pub fn text(frame: &Frame) -> String {
    let area = frame.buffer.area;
    let row = |y| (0..area.width).map(|x| frame.buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
