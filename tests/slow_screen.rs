//! Slow motion as it is drawn and told: from the recorded runs of the lessons, at every size.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use iolab::lesson::{self, Go, LESSONS, Lesson, SLOW, Source};
use iolab::plain;
use iolab::screen::slow::{Slow, State};
use iolab::screen::{Effect, Input, Key, SlowEffect, SlowNews, Stage, Theme, View, frame, update};
use iolab::trace::{Trace, file};
use iolab::world::World;
use ratatui::layout::Size;

/// The recorded slow motion of a lesson.
fn recorded(number: &str) -> (Lesson, Trace) {
    let source = lesson::find(number).unwrap();
    (source.read().unwrap(), open(source).unwrap())
}

fn open(source: &Source) -> Option<Trace> {
    let opened = file::read(source.recording(SLOW)?).unwrap();
    assert_eq!(opened.damage, None, "{}", source.folder);
    Some(opened.trace)
}

struct Desk {
    lesson: Lesson,
    view: View,
    trace: Trace,
    size: Size,
}

impl Desk {
    /// Slow motion on the step that is about it.
    fn new(number: &str, size: (u16, u16)) -> Self {
        let (lesson, trace) = recorded(number);
        let step = lesson.steps.iter().position(|step| step.title == "Slow motion").unwrap();
        let mut desk = Self { lesson, view: View::new(step), trace, size: Size::new(size.0, size.1) };
        assert_eq!(desk.press(&[Key::Char('z')]), Effect::Slow(SlowEffect::Open));
        desk
    }

    /// The recording stands in.
    fn played(number: &str, size: (u16, u16)) -> Self {
        let mut desk = Self::new(number, size);
        desk.input(Input::Slow(SlowNews::Recording("this machine refuses ptrace".into())));
        desk
    }

    /// The same as if it were live, at the newest stop.
    fn live(number: &str, size: (u16, u16)) -> Self {
        let mut desk = Self::new(number, size);
        desk.input(Input::Slow(SlowNews::Began));
        desk
    }

    fn input(&mut self, input: Input) -> Effect {
        let stage = Stage { lesson: &self.lesson, trace: Some(&self.trace), size: self.size };
        update(&mut self.view, &stage, input)
    }

    fn press(&mut self, keys: &[Key]) -> Effect {
        keys.iter().map(|key| self.input(Input::Key(*key))).last().unwrap()
    }

    fn slow(&self) -> &Slow {
        self.view.slow.as_ref().unwrap()
    }

    fn screen(&self) -> String {
        let world = World::at(&self.trace, self.view.t_ns());
        let frame = frame(Some(&world), &self.view, &self.lesson, self.size, Theme::DEFAULT);
        let area = frame.buffer.area;
        let row = |y| (0..area.width).map(|x| frame.buffer[(x, y)].symbol()).collect::<String>();
        (0..area.height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
    }

    /// What both servers stand at.
    fn numbers(&self) -> Vec<u64> {
        let world = World::at(&self.trace, self.view.t_ns());
        world.runs.iter().filter_map(|run| Some(run.stops.now()?.number)).collect()
    }
}

#[test]
fn what_was_recorded_is_walked_through_forward_and_back() {
    let mut desk = Desk::played("3", (120, 40));
    assert!(matches!(desk.slow().state, State::Recorded(_)));
    let first = desk.numbers();
    assert_eq!(first.iter().sum::<u64>(), 1, "the first stop of all: {first:?}");
    desk.press(&[Key::Char(' '), Key::Char('n'), Key::Right]);
    assert_eq!(desk.numbers().iter().sum::<u64>(), 4);
    desk.press(&[Key::Char('p')]);
    assert_eq!(desk.numbers().iter().sum::<u64>(), 3);
    desk.press(&[Key::Char('r')]);
    let world = World::at(&desk.trace, desk.view.t_ns());
    assert!(world.runs.iter().any(|run| run.stops.now().is_some_and(|seen| seen.answers())));
    drop(world);
    desk.press(&[Key::End]);
    assert_eq!(desk.press(&[Key::Char(' ')]), Effect::None);
    assert!(desk.view.notice.is_some(), "a recording has an end, and nothing is asked of servers");
    assert_eq!(desk.press(&[Key::Esc]), Effect::Slow(SlowEffect::Close));
    assert_eq!(desk.view.slow, None);
}

#[test]
fn at_the_newest_stop_the_servers_go_on_and_before_it_the_playhead() {
    let mut desk = Desk::live("3", (120, 40));
    assert_eq!(desk.press(&[Key::Char(' ')]), Effect::Slow(SlowEffect::Go(Go::Stop, None)));
    assert_eq!(desk.press(&[Key::Char('r')]), Effect::Slow(SlowEffect::Go(Go::Request, None)));
    assert_eq!(desk.press(&[Key::Char('c')]), Effect::Slow(SlowEffect::Go(Go::Completion, None)));
    let newest = desk.numbers();
    assert_eq!(desk.press(&[Key::Char('p')]), Effect::None);
    assert_ne!(desk.numbers(), newest);
    assert!(desk.screen().contains("an earlier stop"));
    assert_eq!(desk.press(&[Key::Char(' ')]), Effect::None, "what was seen is gone through first");
    assert_eq!(desk.numbers(), newest);
    desk.press(&[Key::Tab]);
    assert_eq!(desk.press(&[Key::Char(' ')]), Effect::Slow(SlowEffect::Go(Go::Stop, Some(0))));
    desk.press(&[Key::Tab, Key::Tab]);
    assert_eq!(desk.slow().chosen, None, "one, the other, both");
    assert_eq!(desk.press(&[Key::Char('f')]), Effect::Slow(SlowEffect::Go(Go::Free, None)));
    assert_eq!(desk.press(&[Key::Char('r')]), Effect::None);
    assert!(desk.view.notice.as_ref().is_some_and(|says| says.contains("run free")));
    assert_eq!(desk.press(&[Key::Char('f')]), Effect::Slow(SlowEffect::Go(Go::Stop, None)));
}

#[test]
fn the_sentence_and_the_line_stay_down_to_small_terminals_and_nothing_panics() {
    for source in LESSONS {
        let Some(_) = source.recording(SLOW) else { continue };
        let number = source.number().to_string();
        for width in [0, 1, 2, 5, 20, 39, 40, 60, 80, 95, 96, 100, 120, 200, 500] {
            for height in [0, 1, 2, 3, 6, 7, 12, 17, 24, 30, 40, 60, 200] {
                let mut desk = Desk::played(&number, (width, height));
                for _ in 0..8 {
                    desk.press(&[Key::Char(' ')]);
                    let screen = desk.screen();
                    if width >= 40 && height >= 12 {
                        assert!(
                            screen.contains("Kernel,") && screen.contains("▸"),
                            "{width}x{height}:\n{screen}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn states_without_a_stop_say_so() {
    let mut desk = Desk::new("2", (100, 30));
    desk.trace = Trace::new(desk.trace.header().clone());
    assert!(desk.screen().contains("starting the servers"), "{}", desk.screen());
    desk.input(Input::Slow(SlowNews::Failed("PTRACE_SEIZE: EPERM (a seccomp filter is at work)".into())));
    assert!(desk.screen().contains("a seccomp filter is at work"), "{}", desk.screen());
}

#[test]
fn the_plain_edition_tells_what_the_screen_shows() {
    let mut desk = Desk::played("3", (200, 60));
    for _ in 0..7 {
        desk.press(&[Key::Char(' ')]);
    }
    let (screen, world) = (desk.screen(), World::at(&desk.trace, desk.view.t_ns()));
    for run in &world.runs {
        let seen = run.stops.now().unwrap();
        let told = plain::slow::stop("a server", seen, &run.stops);
        for fact in [seen.place(), seen.said.asks.clone(), plain::slow::call(&seen.stop)] {
            assert!(told.contains(&fact), "{fact}\n{told}");
            let start: String = fact.chars().take(30).collect();
            assert!(screen.contains(&start), "{start}\n{screen}");
        }
        for change in &seen.changes {
            assert!(told.contains(&change.to_string()), "{change}\n{told}");
        }
    }
}

/// Pictures of one echo through both models.
#[test]
fn pictures() {
    for (lesson, presses) in [("2", 9), ("3", 5)] {
        for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60), (40, 12)] {
            let mut desk = Desk::played(lesson, (width, height));
            for _ in 0..presses {
                desk.press(&[Key::Char(' ')]);
            }
            insta::assert_snapshot!(format!("slow_{lesson}_{width}x{height}"), desk.screen());
        }
    }
}
