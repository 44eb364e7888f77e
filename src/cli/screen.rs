//! The full screen: how it looks, who runs its labs, and what is said when it is gone.

use std::io::IsTerminal as _;

use anyhow::Context;

use super::look::LookArguments;
use super::{Exit, face};
use crate::lesson::{self, Course, LESSONS, Lesson, Recorded, Runner, Source};
use crate::progress::Book;
use crate::screen::Opening;
use crate::tui;

/// How a screen is opened.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'m> {
    /// How it looks.
    pub look: &'m LookArguments,
    /// Whether it is shown to a room.
    pub present: bool,
    /// Whether recorded runs are played instead of servers.
    pub replay: bool,
    /// A recording is shown at once, at rest at this time.
    pub recorded_at_ns: Option<u64>,
    /// Whether slow motion is opened at once.
    pub slow: bool,
}

/// Shows home, or a lesson, until the learner quits.
pub fn show(opening: Option<Opening>, manner: Manner<'_>) -> anyhow::Result<Exit> {
    let runner = |lesson: &Lesson| {
        let source = lesson::find(&lesson.name).unwrap_or(&LESSONS[0]);
        runner(source, manner.replay)
    };
    // What is shown to a room is nobody's progress.
    let mut book = if manner.present { Book::blank() } else { Book::open() };
    open(&course()?, opening, manner, &mut book, &runner)
}

/// Shows the playground until the learner quits. Nothing of it is kept.
#[cfg(feature = "live")]
pub fn playground(
    lesson: Lesson,
    look: &LookArguments,
    slow: bool,
    runner: &dyn Fn(&Lesson) -> Box<dyn Runner>,
) -> anyhow::Result<Exit> {
    let course = Course::of(vec![lesson]);
    let opening = Opening { lesson: 0, step: Some(0), afresh: false };
    let manner = Manner { look, present: false, replay: false, recorded_at_ns: None, slow };
    open(&course, Some(opening), manner, &mut Book::blank(), runner)
}

/// Shows a recorded run, at rest at a time, until the learner quits. Nothing of it is kept as progress.
pub fn recording(
    lesson: Lesson,
    look: &LookArguments,
    at_ns: u64,
    runner: &dyn Fn(&Lesson) -> Box<dyn Runner>,
) -> anyhow::Result<Exit> {
    let course = Course::of(vec![lesson]);
    let opening = Opening { lesson: 0, step: Some(0), afresh: false };
    let manner = Manner { look, present: false, replay: true, recorded_at_ns: Some(at_ns), slow: false };
    open(&course, Some(opening), manner, &mut Book::blank(), runner)
}

fn open(
    course: &Course,
    opening: Option<Opening>,
    manner: Manner<'_>,
    book: &mut Book,
    runner: &dyn Fn(&Lesson) -> Box<dyn Runner>,
) -> anyhow::Result<Exit> {
    if !tui::is_possible() {
        anyhow::bail!("the full screen needs {}; --format plain needs none", missing());
    }
    let theme = match manner.look.theme() {
        Ok(theme) => theme,
        Err(error) => {
            super::complain(&error);
            return Ok(Exit::Usage);
        }
    };
    let given = tui::Given { runner, machine: Box::new(machine), has_workspace: has_workspace() };
    let Manner { recorded_at_ns, present, slow, .. } = manner;
    let options = tui::Options { opening, theme, recorded_at_ns, present, slow };
    let ending = tui::run(course, options, book, given).context("the terminal could not be used")?;
    if ending.signal.is_none() {
        // A terminal that is gone hears no receipt, and that is no failure.
        let _ = face::print(&ending.receipt.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
    ending.pass_signal_on().context("the signal that ended the screen could not be passed on")?;
    Ok(Exit::Done)
}

/// What a full screen needs and has not got.
fn missing() -> String {
    let term = std::env::var("TERM").unwrap_or_default();
    if !std::io::stdin().is_terminal() {
        "a terminal, and standard input is none".into()
    } else if !std::io::stdout().is_terminal() {
        "a terminal, and standard output is none".into()
    } else {
        format!("a terminal that can move its cursor (TERM is {term:?})")
    }
}

/// All lessons.
pub fn course() -> anyhow::Result<Course> {
    Course::read().map_err(|mistake| anyhow::anyhow!("{mistake}"))
}

/// What this machine allows, in a line.
pub fn machine() -> String {
    #[cfg(feature = "live")]
    return crate::doctor::verdict(&crate::doctor::examine(), &crate::doctor::lessons()).says;
    #[cfg(not(feature = "live"))]
    "this build plays recorded runs and asks the kernel nothing".to_owned()
}

/// Whether there is a workspace of exercises around the current folder.
pub fn has_workspace() -> bool {
    #[cfg(feature = "live")]
    return std::env::current_dir()
        .is_ok_and(|here| crate::exercise::workspace::Workspace::find(&here).is_ok());
    #[cfg(not(feature = "live"))]
    false
}

/// Who makes the runs.
pub fn runner(source: &'static Source, replay: bool) -> Box<dyn Runner> {
    if replay {
        return Box::new(Recorded::new(source, "--replay asks for it"));
    }
    #[cfg(feature = "live")]
    return Box::new(crate::lab::Live::new(source));
    #[cfg(not(feature = "live"))]
    Box::new(Recorded::new(source, "this build runs no servers"))
}
