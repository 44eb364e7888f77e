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

use iolab::lesson::{LESSONS, Source, Step};
use iolab::plain;
use iolab::screen::{Focus, Overlay, Pane, View};
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
