//! Pictures are real screens: steps of lessons, drawn from their recorded runs. The README's is one of them.
//!
//! After a change of a screen or of a recording: `IOLAB_UPDATE_PICTURES=1 cargo test --test picture`, then look
//! at what has changed (`git diff --stat`, a browser). To add one: a row of [`PICTURES`], and the same command.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use iolab::export::svg::svg;
use iolab::lesson::{self, Lab, LabEvent, Lesson, Recorded, Runner};
use iolab::screen::{Depth, Input, Key, Palette, Playhead, Run, Stage, State, Theme, View, frame, update};
use iolab::trace::Trace;
use iolab::world::World;
use ratatui::layout::Size;

/// A picture takes no more than this: it travels with the repository.
const BYTES_MAX: usize = 60_000;

const FOLDER: &str = "tests/pictures";

/// A screen worth keeping.
struct Picture {
    /// Its file, from the repository's root.
    path: &'static str,
    /// What it shows, for people who hear it.
    title: &'static str,
    /// The lesson's number.
    lesson: &'static str,
    /// The step's title.
    step: &'static str,
    /// Columns and rows.
    size: (u16, u16),
    theme: Theme,
    shows: Shows,
}

/// Which instant is shown.
enum Shows {
    /// The step before anything has run.
    Text,
    /// Its predictions answered so, then its recorded run up to a time, nanoseconds since the zero, frozen.
    At(&'static [&'static str], u64),
    /// The same, to its end.
    End(&'static [&'static str]),
}

const COLOURS: Theme = Theme { palette: Palette::Ansi, ascii: false };
const MONO: Theme = Theme { palette: Palette::Mono, ascii: false };
const DARK: Theme = Theme { palette: Palette::Dark(Depth::Full), ascii: false };
const LIGHT: Theme = Theme { palette: Palette::Light(Depth::Full), ascii: false };
const CONTRAST: Theme = Theme { palette: Palette::Contrast(Depth::Indexed), ascii: false };
const ASCII: Theme = Theme { palette: Palette::Ansi, ascii: true };

/// Every picture there is.
const PICTURES: &[Picture] = &[
    Picture {
        path: "lessons/03-io-uring-rings/batching.svg",
        title: "iolab lesson 3, the step on batching: a prediction beside what the kernel counted",
        lesson: "3",
        step: "Batching",
        size: (120, 36),
        theme: COLOURS,
        shows: Shows::End(&["0.5"]),
    },
    Picture {
        path: "tests/pictures/3-question.svg",
        title: "iolab lesson 3, the first step in a small terminal",
        lesson: "3",
        step: "The question",
        size: (80, 24),
        theme: COLOURS,
        shows: Shows::Text,
    },
    Picture {
        path: "tests/pictures/3-epoll.svg",
        title: "iolab lesson 3: what epoll pays, its calls by name and its interest list",
        lesson: "3",
        step: "What epoll pays",
        size: (100, 30),
        theme: COLOURS,
        shows: Shows::End(&[]),
    },
    Picture {
        path: "tests/pictures/3-naive-asks.svg",
        title: "iolab lesson 3, the naive port: a number is to be predicted before it is shown",
        lesson: "3",
        step: "The naive port",
        size: (80, 24),
        theme: COLOURS,
        shows: Shows::Text,
    },
    Picture {
        path: "tests/pictures/3-naive.svg",
        title: "iolab lesson 3, the naive port: an insight has fired",
        lesson: "3",
        step: "The naive port",
        size: (120, 40),
        theme: COLOURS,
        shows: Shows::End(&["2"]),
    },
    Picture {
        path: "tests/pictures/3-one-by-one-mono.svg",
        title: "iolab lesson 3, messages one by one, without colour",
        lesson: "3",
        step: "One by one",
        size: (100, 30),
        theme: MONO,
        shows: Shows::End(&["1"]),
    },
    Picture {
        path: "tests/pictures/3-call-by-call.svg",
        title: "iolab lesson 3: the last system calls of one echo, in order and in words",
        lesson: "3",
        step: "Call by call",
        size: (120, 36),
        theme: COLOURS,
        shows: Shows::End(&[]),
    },
    Picture {
        path: "tests/pictures/3-rings-frozen.svg",
        title: "iolab lesson 3: both rings, frozen in the middle of a run",
        lesson: "3",
        step: "Reading the rings from outside",
        size: (120, 36),
        theme: COLOURS,
        shows: Shows::At(&[], 1_500_000_000),
    },
    Picture {
        path: "tests/pictures/3-rings-ascii.svg",
        title: "iolab lesson 3: both rings in ASCII on a small terminal",
        lesson: "3",
        step: "Reading the rings from outside",
        size: (40, 12),
        theme: ASCII,
        shows: Shows::End(&[]),
    },
    Picture {
        path: "tests/pictures/3-batching-dark.svg",
        title: "iolab lesson 3, the step on batching in the dark theme",
        lesson: "3",
        step: "Batching",
        size: (100, 30),
        theme: DARK,
        shows: Shows::End(&["0.5"]),
    },
    Picture {
        path: "tests/pictures/3-batching-light.svg",
        title: "iolab lesson 3, the step on batching in the light theme",
        lesson: "3",
        step: "Batching",
        size: (100, 30),
        theme: LIGHT,
        shows: Shows::End(&["0.5"]),
    },
    Picture {
        path: "tests/pictures/3-batching-contrast.svg",
        title: "iolab lesson 3, the step on batching in the theme with the most contrast, of 256 colours",
        lesson: "3",
        step: "Batching",
        size: (100, 30),
        theme: CONTRAST,
        shows: Shows::End(&["0.5"]),
    },
];

impl Picture {
    fn draw(&self) -> String {
        let source = lesson::find(self.lesson).unwrap();
        let lesson = source.read().unwrap();
        let step = lesson.steps.iter().position(|step| step.title == self.step);
        let step = step.unwrap_or_else(|| panic!("{}: no step {:?}", self.path, self.step));
        let mut desk = Desk { lesson, view: View::new(step), trace: None, size: Size::from(self.size) };
        match self.shows {
            Shows::Text => {}
            Shows::At(answers, t_ns) => {
                desk.run(source, answers);
                desk.view.playhead = Playhead::Frozen(t_ns);
            }
            Shows::End(answers) => {
                desk.run(source, answers);
                desk.input(Input::Over);
            }
        }
        let world = desk.trace.as_ref().map(|trace| World::at(trace, desk.view.t_ns()));
        let drawn = frame(world.as_ref(), &desk.view, &desk.lesson, desk.size, self.theme);
        svg(&drawn.buffer, self.title, self.theme.palette)
    }

    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.path)
    }
}

/// A lesson, its view and its run.
struct Desk {
    lesson: Lesson,
    view: View,
    trace: Option<Trace>,
    size: Size,
}

impl Desk {
    fn input(&mut self, input: Input) {
        let stage = Stage { lesson: &self.lesson, trace: self.trace.as_ref(), size: self.size };
        update(&mut self.view, &stage, input);
    }

    /// Answers what the step asks, then shows its recorded run.
    fn run(&mut self, source: &'static lesson::Source, answers: &[&str]) {
        let step = self.view.step;
        let asked = self.lesson.steps[step].predictions().count();
        assert_eq!(asked, answers.len(), "{}: each prediction has an answer", self.lesson.steps[step].title);
        for answer in answers {
            answer.chars().for_each(|c| self.input(Input::Key(Key::Char(c))));
            self.input(Input::Key(Key::Enter));
        }
        self.trace = Some(recording(source, self.lesson.steps[step].lab().unwrap()));
        self.view.run = Run::Some { step, state: State::Starting, recorded: None };
        self.input(Input::Began);
    }
}

fn recording(source: &'static lesson::Source, lab: &Lab) -> Trace {
    let (sender, events) = std::sync::mpsc::channel();
    Recorded::new(source, "a picture is made").start(lab, sender);
    match events.recv().unwrap() {
        LabEvent::Recording { trace, .. } => *trace,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pictures_are_what_the_screen_shows() {
    let update = std::env::var_os("IOLAB_UPDATE_PICTURES").is_some();
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    fs::create_dir_all(&fresh).unwrap();
    let mut other = Vec::new();
    for picture in PICTURES {
        let (path, drawn) = (picture.path(), picture.draw());
        assert!(drawn.len() <= BYTES_MAX, "{}: {} bytes are too many", picture.path, drawn.len());
        if update {
            fs::write(&path, &drawn).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != drawn {
            let beside = fresh.join(path.file_name().unwrap());
            fs::write(&beside, drawn).unwrap();
            other.push(format!("  {}\n    now: {}", picture.path, beside.display()));
        }
    }
    assert!(
        other.is_empty(),
        "these are not what the screen shows now:\n{}\nLook at both in a browser. If the new ones are right: \
         IOLAB_UPDATE_PICTURES=1 cargo test --test picture",
        other.join("\n")
    );
}

#[test]
fn every_picture_that_is_kept_has_a_row_and_a_name_of_its_own() {
    let rows: BTreeSet<_> = PICTURES.iter().map(Picture::path).collect();
    assert_eq!(rows.len(), PICTURES.len(), "two rows write one file");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let kept: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let stray: Vec<_> = kept.iter().filter(|path| !rows.contains(*path)).collect();
    assert!(stray.is_empty(), "nothing draws these any more: {stray:?}");
}
