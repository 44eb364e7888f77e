//! `iolab` in a real terminal, session after session: home, lessons, and what is remembered of them.

#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // Helpers of tests are tests; patience needs a clock.

#[path = "common/session.rs"]
mod session;

use std::time::{Duration, Instant};

use iolab::lesson;
use session::{PATIENCE, Session, left};

/// The step of lesson 3 that asks for a number and runs three servers, from 1.
fn batching() -> String {
    let lesson = lesson::find("3").unwrap().read().unwrap();
    let asks = |step: &lesson::Step| step.predictions().any(|asked| asked.id == "batched");
    (lesson.steps.iter().position(asks).unwrap() + 1).to_string()
}

#[test]
fn from_home_to_a_lesson_and_back_without_leaving_the_terminal() {
    let mut session = Session::start(&[]);
    session.until_shows("lessons");
    session.until_shows("this machine: lesson");
    session.press("j\x1b[A\r");
    session.until_shows("step 1 of");
    session.press("\x1b[C");
    session.until_shows("step 2 of");
    session.press("H");
    session.until("home", |screen| screen.contains("▸ continue: lesson") && screen.contains(", step 2: "));
    session.press("\r");
    session.until_shows("step 2 of");
    session.press("\x7f");
    session.until_shows("▸ continue");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
    let raw = String::from_utf8_lossy(&session.raw);
    assert_eq!(raw.matches("\x1b[?1049h").count(), 1, "the terminal was taken once");
    let receipt = session.screen.screen().contents();
    assert!(receipt.contains("on with: iolab lesson"), "{receipt}");
}

#[test]
fn leaving_a_lesson_ends_what_runs_in_it_and_keeps_what_it_measured() {
    let step = batching();
    let here = format!("step {step} of");
    let mut session = Session::start(&["lesson", "3", "--step", &step]);
    session.until_shows(&here);
    session.press("1\r");
    session.until_shows("You say 1");
    session.press(" ");
    session.until_shows("the kernel says");
    session.press("H");
    session.until_shows(&format!("▸ continue: lesson 3, step {step}"));
    let end = Instant::now() + PATIENCE;
    let id = session.child.id();
    while left::processes(id).len() > 1 {
        assert!(Instant::now() < end, "left behind: {:?}", left::processes(id));
        session.read(Duration::from_millis(20));
    }
    // Opened again, the lesson knows both numbers; nothing has run.
    session.press("\r");
    session.until("the lesson", |screen| screen.contains(&here) && screen.contains("not running"));
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
    let receipt = session.screen.screen().contents();
    assert!(receipt.contains("predicted for uring: You said 1, the kernel says"), "{receipt}");
}

#[test]
fn a_lesson_opens_where_it_was_left_with_its_answers_even_after_a_kill() {
    let step = batching();
    let here = format!("step {step} of");
    let mut session = Session::start(&["lesson", "3", "--step", &step]);
    session.until_shows(&here);
    session.press("1/16\r");
    session.until_shows("You say 0.0625");
    session.child.kill().unwrap();
    session.child.wait().unwrap();
    let mut again = session.again(&["lesson", "3"]);
    again.until("the step and the answer", |screen| {
        screen.contains(&here) && screen.contains("You say 0.0625")
    });
    again.press("q");
    assert_eq!(again.ended().code(), Some(0));
    let mut first = session.again(&["lesson", "3", "--step", "1"]);
    first.until_shows("step 1 of");
    first.press("q");
    first.ended();
    let mut anew = session.again(&["lesson", "3", "--from-start"]);
    anew.until_shows("step 1 of");
    anew.press("/batching");
    anew.until_shows("found");
    anew.press("\r");
    anew.until("the question", |screen| screen.contains(&here) && screen.contains("type a number"));
    anew.press("q");
    assert_eq!(anew.ended().code(), Some(0));
    anew.assert_clean();
}

#[test]
fn at_home_nothing_wakes() {
    let mut session = Session::start(&[]);
    session.until_shows("this machine: lesson");
    session.assert_sleeps("at home");
    session.press("q");
    session.ended();
    session.assert_clean();
}

#[test]
fn where_progress_cannot_be_kept_it_is_said_once() {
    let environment =
        [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("IOLAB_STATE_DIR", "/proc/self/nowhere")];
    let mut session = Session::with(&["lesson", "3"], &environment);
    session.until_shows("progress is not kept");
    session.press("\x1b[C");
    session.until("the next step", |screen| screen.contains("step 2 of") && !screen.contains("not kept"));
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

#[test]
fn the_plain_edition_remembers_too() {
    let step = batching();
    let here = format!("step {step} of");
    let mut session = Session::start(&["lesson", "3", "--format", "plain", "--step", &step]);
    session.until_shows("Your answer");
    session.press("1/2\r");
    session.until_shows("You say 0.5");
    session.until_shows("the kernel says");
    session.until_shows("Enter for the next step");
    session.press("q\r");
    assert_eq!(session.ended().code(), Some(0));
    let mut screen = session.again(&["lesson", "3"]);
    screen.until("the answer of the plain edition", |screen| {
        screen.contains(&here) && screen.contains("You said 0.5, the kernel says")
    });
    screen.press("q");
    assert_eq!(screen.ended().code(), Some(0));
}
