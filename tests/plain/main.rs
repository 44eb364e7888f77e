//! The plain edition is a whole edition: every fact that the screen shows of a step occurs in its text.
//!
//! Both are drawn from the same run, and everything that stands on the screen is looked for in the text: prose,
//! questions, verdicts and findings word for word, numbers as numbers (the faces round them each in its way).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "../common/fixture.rs"]
mod fixture;
mod number;
mod shown;
mod switches;
mod told;

use iolab::exercise;
use iolab::lesson::{Course, LESSONS, Source, Step};
use iolab::plain;
use iolab::progress::{Checked, ExerciseEvent, Kept, Progress};
use iolab::screen::{App, Focus, Input, Overlay, Palette, Pane, Setting, Theme, View};
use iolab::trace::{Trace, file};
use iolab::world::World;
use ratatui::layout::Size;

use self::shown::{DECORATION, Shown, squeezed, tokens};

/// The run of a step: as it was recorded, and as the fixture makes one up.
fn runs(source: &Source, step: &Step) -> Vec<Option<Trace>> {
    let Some(lab) = step.lab() else { return vec![None] };
    let recorded = lab.recording.as_deref().map(|name| {
        let bytes = source.recording(name).unwrap_or_else(|| panic!("{name} is missing"));
        file::read(bytes).unwrap().trace
    });
    let made = fixture::trace(&lab.servers, &lab.load, 60);
    recorded.into_iter().chain([made]).map(Some).collect()
}

/// Every step of every lesson, with every run.
fn all() -> Vec<Shown> {
    let mut all = Vec::new();
    for source in LESSONS {
        let lesson = source.read().unwrap();
        for (index, step) in lesson.steps.iter().enumerate() {
            all.extend(runs(source, step).into_iter().map(|trace| Shown::new(&lesson, index, trace)));
        }
    }
    assert!(all.len() > LESSONS.len());
    all
}

#[test]
fn every_fact_of_the_screen_is_in_the_text() {
    for shown in all() {
        let mut view = shown.view();
        // Side by side as it is mostly seen, then each half with room for all that it has.
        for (pane, size) in [
            (Pane::Both, Size::new(200, 60)),
            (Pane::Text, Size::new(120, 300)),
            (Pane::Lab, Size::new(200, 300)),
        ] {
            view.pane = pane;
            for row in shown.rows(&view, size) {
                shown.assert_told(&row);
            }
        }
        // Before the run: who will be seen.
        let waiting = View { pane: Pane::Lab, ..View::new(shown.step) };
        for row in shown.rows(&waiting, Size::new(200, 60)) {
            shown.assert_told(&row);
        }
        assert!(shown.says(&shown.lesson.title) && shown.says(&format!("Step {} of", shown.step + 1)));
    }
}

#[test]
fn why_says_all_that_the_screen_says_of_a_number() {
    for shown in all() {
        let Some(lab) = shown.lesson.steps[shown.step].lab() else { continue };
        let world = World::at(shown.trace.as_ref().unwrap(), u64::MAX);
        let servers = world.servers();
        let topics = plain::why::topics(lab);
        let last =
            servers.iter().position(|server| Some(server.name) == lab.servers.last().map(String::as_str));
        for (row, topic) in topics.iter().take(lab.metrics.len()).enumerate() {
            let mut view = shown.view();
            view.focus = Focus::Number { row, column: last.unwrap() };
            view.overlay = Some(Overlay::Info { back_to_text: true });
            let text = squeezed(&topic.explain(lab, &servers, |_, _| false));
            let rows = shown.rows(&view, Size::new(200, 60));
            let window = rows.iter().skip_while(|row| !row.contains("what is this?")).skip(1);
            let window: Vec<_> = window.take_while(|row| !row.contains("└─")).collect();
            assert!(window.len() > 5, "{rows:?}");
            for row in window {
                let inside: String = row.chars().skip(60).take(80).collect();
                for token in tokens(inside.trim_matches(|c| DECORATION.contains(&c) || c == ' ')) {
                    let label = ["value", "rung", "means", "measured", "error", "check it", "of"];
                    let token = token.trim_start_matches("of ").to_owned();
                    assert!(
                        label.contains(&token.as_str()) || text.contains(&token),
                        "{}: {token:?} is not in\n{text}",
                        shown.where_it_is()
                    );
                }
            }
        }
    }
}

/// A learner who passed the first exercise, failed the second and opened the third.
fn worked(course: &Course) -> Progress {
    let mut progress = Progress::default();
    for (exercise, passes) in course.exercises.iter().zip([true, false]) {
        let state =
            |nth: usize| if passes || nth == 0 { exercise::State::Pass } else { exercise::State::Hung };
        let criteria = exercise.manifest.criteria.iter().enumerate();
        let kept =
            criteria.map(|(nth, of)| Kept { id: of.id.clone(), state: state(nth), seen: String::new() });
        let checked = Checked { points: 3, passed: passes, criteria: kept.collect(), ..Checked::default() };
        progress.take_exercise(&exercise.name, ExerciseEvent::Checked(checked));
    }
    let hint =
        ExerciseEvent::HintTaken { criterion: course.exercises[1].manifest.criteria[1].id.clone(), step: 2 };
    progress.take_exercise(&course.exercises[1].name, hint);
    progress.take_exercise(&course.exercises[2].name, ExerciseEvent::Opened);
    progress
}

#[test]
fn what_home_says_of_exercises_is_in_the_text() {
    let course = Course::read().unwrap();
    let progress = worked(&course);
    let theme = Theme { palette: Palette::Mono, ascii: false };
    let (size, machine) = (Size::new(200, 100), Some("a machine"));
    let all = plain::home(&course, &progress, "a machine", false);
    let setting =
        Setting { course: &course, progress: &progress, machine, has_workspace: false, trace: None, size };
    let rows = |app: &App| {
        let drawn = app.frame(None, &setting, theme).buffer;
        let row = |y| (0..size.width).map(|x| drawn[(x, y)].symbol()).collect::<String>();
        (1..size.height - 1).map(row).collect::<Vec<_>>()
    };
    let home = rows(&App::default());
    let ladder: Vec<_> = home.iter().skip_while(|row| !row.contains("─ exercises ─")).skip(2).collect();
    let text = squeezed(&all);
    for row in ladder.iter().take(course.exercises.len()) {
        for token in tokens(row.trim_matches(|c| DECORATION.contains(&c) || c == ' ')) {
            // A long title is cut here, and whole in the window.
            let told = token.trim_end_matches(" min").trim_end_matches('…');
            assert!(text.contains(told), "{token:?} is not in\n{all}");
        }
    }
    for index in 0..course.exercises.len() {
        let mut app = App::default();
        let marked = course.lessons.len() + index;
        let marked = marked + usize::from(progress.goes_on(&course).is_some());
        app.update(&setting, Input::Choose(marked));
        let window = rows(&app);
        let window = window.iter().skip_while(|row| !row.contains("─ exercise ─")).skip(1);
        let window: Vec<_> = window.take_while(|row| !row.contains("└─")).collect();
        assert!(window.len() > 8, "{window:?}");
        let style = plain::verdict::Style::default();
        let about = plain::exercise(&course, index, &progress, false, style);
        let text = squeezed(&about);
        for row in window {
            let inside: String = row.chars().skip(60).take(80).collect();
            for token in tokens(inside.trim_matches(|c| DECORATION.contains(&c) || c == ' ')) {
                let told = token.split_once(' ').map_or(token.as_str(), |(number, title)| {
                    if number.parse::<u8>().is_ok() { title } else { token.as_str() }
                });
                assert!(text.contains(told), "{told:?} is not in\n{about}");
            }
        }
    }
}
