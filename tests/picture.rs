//! The picture in the README is a real screen: lesson 3 drawn from its recorded run.
//!
//! After a change of the screen or of the recording: `IOLAB_UPDATE_PICTURES=1 cargo test --test picture`,
//! then look at it.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::path::Path;

use iolab::export::svg::svg;
use iolab::lesson::{self, LabEvent, Recorded, Runner};
use iolab::screen::{Input, Key, Palette, Run, Stage, State, Theme, View, frame, update};
use iolab::trace::Trace;
use iolab::world::World;
use ratatui::layout::Size;

const SIZE: Size = Size { width: 120, height: 36 };

/// The step on batching: predicted, run, seen.
fn batching() -> String {
    let source = lesson::find("3").unwrap();
    let lesson = source.read().unwrap();
    let step = lesson.steps.iter().position(|step| step.title == "Batching").unwrap();
    let mut view = View::new(step);
    let lab = lesson.steps[step].lab().unwrap();
    for key in ['0', '.', '5'].map(Key::Char).into_iter().chain([Key::Enter]) {
        update(&mut view, &Stage { lesson: &lesson, trace: None, size: SIZE }, Input::Key(key));
    }
    let trace = recording(source, lab);
    view.run = Run::Some { step, state: State::Starting, recorded: None };
    for input in [Input::Began, Input::Over] {
        update(&mut view, &Stage { lesson: &lesson, trace: Some(&trace), size: SIZE }, input);
    }
    let world = World::at(&trace, u64::MAX);
    let theme = Theme { palette: Palette::Ansi, ascii: false };
    let drawn = frame(Some(&world), &view, &lesson, SIZE, theme);
    svg(&drawn.buffer, "iolab lesson 3, the step on batching: a prediction beside what the kernel counted")
}

fn recording(source: &'static lesson::Source, lab: &lesson::Lab) -> Trace {
    let (sender, events) = std::sync::mpsc::channel();
    Recorded::new(source, "a picture is made").start(lab, sender);
    match events.recv().unwrap() {
        LabEvent::Recording { trace, .. } => *trace,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_picture_in_the_readme_is_what_the_screen_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons/03-io-uring-rings/batching.svg");
    let drawn = batching();
    if std::env::var_os("IOLAB_UPDATE_PICTURES").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == drawn, "{} is not what the screen shows now; see the top of this test", path.display());
}
