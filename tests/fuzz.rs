//! Keys in any order, at any size, whatever a run says meanwhile: the screen as a value never panics, never
//! draws outside its area, and news of a run never asks for something to be done outside, so that nothing can
//! go round for ever. The seed is fixed: what fails once fails again.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "common/fixture.rs"]
mod fixture;

use iolab::lesson::{Course, Lab};
use iolab::progress::{Event, Progress};
use iolab::screen::{App, Click, Depth, Effect, Frame, Input, Key, Opening, Palette, Setting, Theme};
use iolab::trace::{End, Entry, Pace, Record, Rung, Trace, Window};
use iolab::world::World;
use ratatui::layout::Size;

/// Inputs of one learner; there are [`LEARNERS`].
const INPUTS: usize = 400;
const LEARNERS: u64 = 20;

/// Keys that are bound to something, those that do most more often, and some that are not.
const KEYS: &[Key] = &[
    Key::Enter,
    Key::Enter,
    Key::Esc,
    Key::Esc,
    Key::Tab,
    Key::Tab,
    Key::BackTab,
    Key::Backspace,
    Key::Delete,
    Key::Left,
    Key::Right,
    Key::Right,
    Key::Up,
    Key::Down,
    Key::PageUp,
    Key::PageDown,
    Key::Home,
    Key::End,
    Key::Ctrl('c'),
    Key::Ctrl('z'),
    Key::Ctrl('l'),
    Key::Char('é'),
    Key::Char('\u{202e}'),
    Key::Char('漢'),
];
const TYPED: &str = "    rrrffffRRccc+++--aAtiivvgHq?s/,.<>[]{}=hjklpnw0123456789~.%ringsepoll";

/// Sizes on both sides of every change of the layout.
const WIDTHS: [u16; 12] = [0, 1, 2, 5, 20, 39, 40, 60, 80, 100, 120, 300];
const HEIGHTS: [u16; 10] = [0, 1, 2, 3, 6, 12, 17, 24, 36, 100];

/// xorshift64*: a few lines that give the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    fn key(&mut self) -> Key {
        if self.one_in(3) {
            return *self.of(KEYS);
        }
        Key::Char(TYPED.chars().nth(self.below(TYPED.len())).unwrap())
    }
}

/// Somebody at the keys, and what the loop around the screen keeps.
struct Learner<'c> {
    dice: Dice,
    course: &'c Course,
    progress: Progress,
    app: App,
    trace: Option<Trace>,
    ticks: u64,
    size: Size,
    frame: Frame,
    quits: usize,
}

impl<'c> Learner<'c> {
    fn new(course: &'c Course, seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (app, progress, size) = (App::new(dice.one_in(4)), Progress::default(), Size::new(120, 36));
        let frame = app.frame(None, &setting(course, &progress, None, size), Theme::DEFAULT);
        Self { dice, course, progress, app, trace: None, ticks: 0, size, frame, quits: 0 }
    }

    /// Something happens.
    fn turn(&mut self) {
        match self.dice.below(20) {
            0 => self.size = Size::new(*self.dice.of(&WIDTHS), *self.dice.of(&HEIGHTS)),
            1 => {
                let lines = if self.dice.one_in(2) { 3 } else { -3 };
                self.input(Input::Wheel(lines));
            }
            2 => self.click(),
            3 => {
                let ns = *self.dice.of(&[0, 66_000_000, u64::MAX]);
                self.news(Input::Tick(ns));
            }
            4 => self.news(Input::Over),
            5 => self.run_goes_on(),
            6 => self.anything_is_said(),
            7 if self.dice.one_in(2) => self.runs_a_lab(),
            _ => {
                let key = self.dice.key();
                self.input(Input::Key(key));
            }
        }
        self.draw();
    }

    /// Goes to a lab somewhere in the course and has it run, as who works through a lesson does.
    fn runs_a_lab(&mut self) {
        let lesson = self.dice.below(self.course.lessons.len());
        let steps = &self.course.lessons[lesson].steps;
        let labs: Vec<_> = (0..steps.len()).filter(|step| steps[*step].lab().is_some()).collect();
        let step = Some(*self.dice.of(&labs));
        let afresh = self.dice.one_in(4);
        self.open(Opening { lesson, step, afresh });
        for key in [Key::Char(' '), Key::Esc, Key::Esc, Key::Char('r')] {
            self.input(Input::Key(key));
        }
    }

    fn input(&mut self, input: Input) {
        let effect = self.update(input);
        match effect {
            Effect::Start | Effect::Change => self.begin(),
            Effect::Replay => {
                let why = if self.dice.one_in(2) { String::new() } else { "a reason ".repeat(40) };
                self.begin();
                self.news(Input::Recording(why));
            }
            Effect::Stop => self.news(Input::Over),
            Effect::Open(opening) => self.open(opening),
            Effect::Home => {
                self.app.go_home(self.course, &self.progress);
                self.trace = None;
            }
            Effect::Quit => self.quits += 1,
            _ => {}
        }
    }

    /// What a run says changes the screen, and asks for nothing.
    fn news(&mut self, input: Input) {
        let asked = self.update(input.clone());
        assert_eq!(asked, Effect::None, "{input:?}");
    }

    fn update(&mut self, input: Input) -> Effect {
        let setting = setting(self.course, &self.progress, self.trace.as_ref(), self.size);
        let effect = self.app.update(&setting, input);
        if let Some((index, said)) = self.app.said() {
            let lesson = &self.course.lessons[index];
            for event in self.progress.lesson(&lesson.name).news(lesson, &said) {
                self.progress.take(&lesson.name, event);
            }
        }
        effect
    }

    fn open(&mut self, opening: Opening) {
        if opening.afresh {
            self.progress.take(&self.course.lessons[opening.lesson].name, Event::Begun);
        }
        self.app.open(opening, self.course, &self.progress);
        self.trace = None;
    }

    /// A run of the lab on the screen begins, or cannot.
    fn begin(&mut self) {
        let lab = self.lab().expect("only a lab is run");
        assert!(!lab.servers.is_empty() && lab.load.connections > 0 && lab.load.burst > 0);
        assert!(lab.load.pace == Pace::Max || lab.load.burst <= lab.load.connections);
        self.trace = None;
        match self.dice.below(8) {
            0 => self.news(Input::Failed("it cannot run: ENOSYS, ".repeat(20))),
            1 => {}
            _ => {
                self.ticks = self.dice.below(60) as u64;
                self.trace = Some(fixture::trace(&lab.servers, &lab.load, self.ticks));
                self.news(Input::Began);
            }
        }
    }

    fn lab(&self) -> Option<Lab> {
        let open = self.app.lesson()?;
        open.view.lab(&self.course.lessons[open.lesson]).cloned()
    }

    /// The probes say what comes next.
    fn run_goes_on(&mut self) {
        let Some(trace) = &mut self.trace else { return };
        let servers = trace.header().servers.clone();
        self.ticks += 1;
        for (run, name) in (0..).zip(&servers) {
            for entry in fixture::at_tick(run, name, self.ticks) {
                trace.push(entry).unwrap();
            }
        }
    }

    /// A trace may come from anywhere: numbers at their ends, and backwards.
    fn anything_is_said(&mut self) {
        let Some(trace) = &mut self.trace else { return };
        let run = self.dice.below(trace.header().servers.len()) as u32;
        let name = trace.header().servers[run as usize].clone();
        let mut said = fixture::at_tick(run, &name, u64::from(u32::MAX));
        said.extend(fixture::at_tick(run, &name, 0));
        let window = Window { rung: Rung::Ptrace, lost: u64::MAX, requests: 0, syscalls: u64::MAX };
        said.push(Entry {
            run: Some(run),
            t_ns: 0,
            record: Record::Window { duration_ns: u64::MAX, window },
        });
        if self.dice.one_in(3) {
            let end = End::ServerGone { says: "gone".repeat(30) };
            said.push(Entry { run: Some(run), t_ns: u64::MAX, record: Record::End { end } });
        }
        for entry in said {
            // What no trace can hold is refused, never more.
            let _ = trace.push(entry);
        }
    }

    /// On something that answers to a click.
    fn click(&mut self) {
        if self.frame.zones.is_empty() {
            return;
        }
        let does = self.dice.of(&self.frame.zones).does.clone();
        self.input(match does {
            Click::Act(action) => Input::Act(action),
            Click::Point(focus) => Input::Point(focus),
            Click::Choose(row) => Input::Choose(row),
            Click::Seek(t_ns) => Input::Seek(t_ns),
        });
    }

    fn draw(&mut self) {
        let palettes = [Palette::Ansi, Palette::Mono, Palette::Light(Depth::Full)];
        let theme = Theme { palette: *self.dice.of(&palettes), ascii: self.dice.one_in(3) };
        let t_ns = self.app.lesson().map_or(0, |open| open.view.t_ns());
        let world = self.trace.as_ref().map(|trace| World::at(trace, t_ns));
        let setting = setting(self.course, &self.progress, self.trace.as_ref(), self.size);
        self.frame = self.app.frame(world.as_ref(), &setting, theme);
        let area = self.frame.buffer.area;
        assert_eq!(area.as_size(), self.size);
        assert!(self.frame.cursor.is_none_or(|at| area.contains(at)));
        assert!(self.frame.zones.iter().all(|zone| zone.area.intersection(area) == zone.area));
    }
}

fn setting<'s>(
    course: &'s Course,
    progress: &'s Progress,
    trace: Option<&'s Trace>,
    size: Size,
) -> Setting<'s> {
    Setting { course, progress, machine: Some("lessons 0 to 4: live"), has_workspace: false, trace, size }
}

#[test]
fn keys_in_any_order_at_any_size_in_any_state_are_survived() {
    let course = Course::read().unwrap();
    let (mut opened, mut ran, mut quits) = (0, 0, 0);
    for seed in 1..=LEARNERS {
        let mut learner = Learner::new(&course, seed);
        for turn in 0..INPUTS {
            let app = learner.app.clone();
            let survived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| learner.turn()));
            assert!(survived.is_ok(), "learner {seed}, turn {turn}, {:?}, from {app:?}", learner.size);
            opened += usize::from(learner.app.lesson().is_some());
            ran += usize::from(learner.trace.is_some());
        }
        quits += learner.quits;
    }
    let all = usize::try_from(LEARNERS).unwrap() * INPUTS;
    assert!(opened * 2 > all && ran * 4 > all && quits > 0, "{opened} and {ran} of {all}, {quits} quits");
}
