//! Every screen of every lesson at every size: nothing panics, nothing is drawn outside, there is no "terminal too
//! small", and what matters stays in sight down to 20x6.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "common/fixture.rs"]
mod fixture;

use iolab::lesson::{LESSONS, Lesson, Step};
use iolab::screen::{
    Depth, Focus, Frame, Input, Key, Overlay, Palette, Pane, Playhead, Run, Stage, State, Theme, View, frame,
    update,
};
use iolab::trace::{End, Entry, Record, Trace};
use iolab::world::World;
use ratatui::layout::Size;

const WIDTHS: [u16; 20] = [0, 1, 2, 5, 20, 33, 39, 40, 59, 60, 79, 80, 99, 100, 101, 120, 160, 200, 320, 500];
const HEIGHTS: [u16; 14] = [0, 1, 2, 3, 6, 7, 12, 17, 20, 24, 36, 60, 120, 200];

/// Every look.
const PALETTES: [Palette; 6] = [
    Palette::Ansi,
    Palette::Mono,
    Palette::Dark(Depth::Full),
    Palette::Light(Depth::Indexed),
    Palette::Contrast(Depth::Full),
    Palette::ContrastLight(Depth::Indexed),
];

/// A step in some state.
struct Case {
    name: &'static str,
    view: View,
    trace: Option<Trace>,
}

impl Case {
    fn draw(&self, lesson: &Lesson, size: Size, theme: Theme) -> Frame {
        let world = self.trace.as_ref().map(|trace| World::at(trace, self.view.t_ns()));
        frame(world.as_ref(), &self.view, lesson, size, theme)
    }
}

/// All lessons that there are.
fn lessons() -> Vec<Lesson> {
    LESSONS.iter().map(|source| source.read().unwrap()).collect()
}

/// A step in every state that it can be in.
fn cases(lesson: &Lesson, index: usize) -> Vec<Case> {
    let step = &lesson.steps[index];
    let new = || View::new(index);
    let case = |name, view| Case { name, view, trace: None };
    let mut cases = vec![
        case("reading", new()),
        case("scrolled far", View { scroll: u16::MAX, ..new() }),
        case("help", View { overlay: Some(Overlay::Help), scroll_over: 3, ..new() }),
        case(
            "answered back",
            View { notice: Some("a rather long answer to the last key, ".repeat(4)), ..new() },
        ),
    ];
    for (prediction, _) in step.predictions().enumerate() {
        let focus = Focus::Typing { prediction, text: "0.5".into(), then_run: false };
        cases.push(case("typing", View { focus, ..new() }));
    }
    cases.extend(running(step, index));
    cases
}

/// The states that a lab can be in.
fn running(step: &Step, index: usize) -> Vec<Case> {
    let Some(lab) = step.lab() else { return Vec::new() };
    let run = |state| Run::Some { step: index, state, recorded: None };
    let mut answered = View { run: run(State::Running), ..View::new(index) };
    answered.answers.extend(step.predictions().map(|asked| (asked.id.clone(), "1".to_owned())));
    let trace = fixture::trace(&lab.servers, &lab.load, 60);
    let view = |change: &dyn Fn(&mut View)| {
        let mut view = answered.clone();
        change(&mut view);
        view
    };
    let case = |name, view| Case { name, view, trace: Some(trace.clone()) };
    let mut gone = trace.clone();
    let says = "killed by SIGKILL".into();
    gone.push(Entry {
        run: Some(0),
        t_ns: u64::MAX / 2,
        record: Record::End { end: End::ServerGone { says } },
    })
    .unwrap();
    let mut cases = vec![
        case("live", answered.clone()),
        case("unanswered", View { run: run(State::Running), ..View::new(index) }),
        case("frozen", view(&|view| view.playhead = Playhead::Frozen(31 * fixture::TICK_NS))),
        case("only the lab", view(&|view| view.pane = Pane::Lab)),
        case("only the text", view(&|view| view.pane = Pane::Text)),
        case("over", view(&|view| view.run = run(State::Over))),
        Case { name: "gone", view: answered.clone(), trace: Some(gone) },
        Case { name: "starting", view: view(&|view| view.run = run(State::Starting)), trace: None },
        Case {
            name: "failed",
            view: view(&|view| view.run = run(State::Failed("fork: EAGAIN; end some processes".into()))),
            trace: None,
        },
        case(
            "a number explained",
            view(&|view| {
                view.focus = Focus::Number { row: 0, column: lab.servers.len().saturating_sub(1) };
                view.overlay = Some(Overlay::Info { back_to_text: false });
            }),
        ),
    ];
    for part in &lab.show {
        cases.push(case("a part in focus", view(&|view| view.focus = Focus::Panel(*part))));
    }
    cases
}

/// Draws it and holds the frame to its area.
fn assert_within(case: &Case, lesson: &Lesson, index: usize, size: Size, theme: Theme) {
    let drawn = case.draw(lesson, size, theme);
    let place = || format!("lesson {}, step {}, {}, {size:?}", lesson.number, index + 1, case.name);
    assert_eq!(drawn.buffer.area.as_size(), size, "{}", place());
    assert!(drawn.cursor.is_none_or(|at| drawn.buffer.area.contains(at)), "{}", place());
    assert!(
        drawn.zones.iter().all(|zone| zone.area.intersection(drawn.buffer.area) == zone.area),
        "{}",
        place()
    );
}

fn rows(drawn: &Frame) -> Vec<String> {
    let area = drawn.buffer.area;
    let row = |y| (0..area.width).map(|x| drawn.buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| row(y).trim_end().to_owned()).collect()
}

#[test]
fn every_state_of_every_step_is_drawn_at_every_size() {
    let grid: Vec<_> = WIDTHS.iter().flat_map(|w| HEIGHTS.iter().map(|h| Size::new(*w, *h))).collect();
    for lesson in lessons() {
        for index in 0..lesson.steps.len() {
            for (number, case) in cases(&lesson, index).iter().enumerate() {
                // Each state meets a tenth of the sizes, each step's another tenth: all meet.
                for size in grid.iter().skip((index * 3 + number) % 10).step_by(10) {
                    assert_within(case, &lesson, index, *size, Theme::DEFAULT);
                }
            }
        }
    }
}

#[test]
fn the_fullest_step_of_each_lesson_is_drawn_in_every_state_at_every_size() {
    for lesson in lessons() {
        let shows = |index: &usize| lesson.steps[*index].lab().map_or(0, |lab| lab.show.len());
        let fullest = (0..lesson.steps.len()).max_by_key(shows).unwrap();
        let cases = cases(&lesson, fullest);
        for case in
            cases.iter().filter(|case| ["live", "typing", "help", "a number explained"].contains(&case.name))
        {
            for (width, height) in WIDTHS.iter().flat_map(|w| HEIGHTS.iter().map(move |h| (*w, *h))) {
                assert_within(case, &lesson, fullest, Size::new(width, height), Theme::DEFAULT);
            }
        }
    }
}

#[test]
fn a_theme_changes_no_character_and_ascii_is_ascii() {
    for lesson in lessons() {
        for index in 0..lesson.steps.len() {
            for (number, case) in cases(&lesson, index).iter().enumerate() {
                let size = [Size::new(120, 36), Size::new(40, 12), Size::new(80, 24)][number % 3];
                let plain = rows(&case.draw(&lesson, size, Theme::DEFAULT));
                for palette in PALETTES {
                    let drawn = case.draw(&lesson, size, Theme { palette, ascii: false });
                    assert_eq!(rows(&drawn), plain, "{palette:?}: a state would be told by colour alone");
                }
                let ascii = rows(&case.draw(&lesson, size, Theme { palette: Palette::Ansi, ascii: true }));
                let strange: String = ascii.concat().chars().filter(|c| !c.is_ascii()).collect();
                assert_eq!(strange, "", "lesson {}, step {}, {}", lesson.number, index + 1, case.name);
            }
        }
    }
}

#[test]
fn at_20x6_header_text_and_a_key_are_in_sight() {
    for lesson in lessons() {
        for index in 0..lesson.steps.len() {
            let size = Size::new(20, 6);
            let drawn = rows(&Case { name: "", view: View::new(index), trace: None }.draw(
                &lesson,
                size,
                Theme::DEFAULT,
            ));
            let place = format!("lesson {}, step {}: {drawn:#?}", lesson.number, index + 1);
            assert!(drawn[0].contains(&format!("{}/{}", index + 1, lesson.steps.len())), "{place}");
            assert!(drawn[1..5].iter().filter(|row| !row.is_empty()).count() >= 2, "{place}");
            assert!(
                drawn[5].contains("quit")
                    && ["Enter", "step", "run", "keys"].iter().any(|key| drawn[5].contains(key)),
                "{place}"
            );
        }
    }
}

#[test]
fn enter_alone_leads_through_a_lesson_and_the_footer_says_what_it_does() {
    for lesson in lessons() {
        let size = Size::new(80, 24);
        let mut case = Case { name: "", view: View::new(0), trace: None };
        let (mut said, mut runs) = (Vec::new(), 0);
        for _ in 0..lesson.steps.len() * 8 {
            let footer = rows(&case.draw(&lesson, size, Theme::DEFAULT)).pop().unwrap();
            let word = footer
                .trim_start()
                .strip_prefix("Enter ")
                .map(|rest| rest.split("  ").next().unwrap().to_owned());
            let Some(word) = word else { break };
            let press = |case: &mut Case, key| {
                let stage = Stage { lesson: &lesson, trace: case.trace.as_ref(), size };
                update(&mut case.view, &stage, Input::Key(key))
            };
            if matches!(case.view.focus, Focus::Typing { .. }) {
                press(&mut case, Key::Char('1'));
            }
            let before = case.view.step;
            if press(&mut case, Key::Enter) == iolab::screen::Effect::Start {
                runs += 1;
                let lab = lesson.steps[case.view.step].lab().unwrap();
                case.trace = Some(fixture::trace(&lab.servers, &lab.load, 5));
                let stage = Stage { lesson: &lesson, trace: case.trace.as_ref(), size };
                update(&mut case.view, &stage, Input::Began);
                assert_eq!(word, "run");
            }
            assert_eq!(word == "next", case.view.step == before + 1, "{word}: {footer}");
            said.push(word);
        }
        assert_eq!(case.view.step + 1, lesson.steps.len(), "{said:?}");
        let predictions = lesson.steps.iter().flat_map(Step::predictions).count();
        assert_eq!(case.view.answers.len(), predictions, "{said:?}");
        assert!(runs > 0 && runs <= lesson.steps.iter().filter(|step| step.lab().is_some()).count());
    }
}
