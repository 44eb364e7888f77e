//! Slow motion in a real terminal: z and back, on a screen and in lines; whatever ends it, no server stays stopped.

use iolab::lesson;

use crate::session::Session;

/// The step of lesson 3 that is about it, from 1.
fn step() -> String {
    let lesson = lesson::find("3").unwrap().read().unwrap();
    let index = lesson.steps.iter().position(|step| step.title == "Slow motion").unwrap();
    (index + 1).to_string()
}

/// Lesson 3, both servers standing at their first stops.
fn held() -> Session {
    let mut session = Session::start(&["lesson", "3", "--step", &step()]);
    session.until_shows("z slow motion");
    session.press("z");
    session.until("two servers that stand still", |screen| {
        screen.matches("stop 1, no request yet").count() == 2 && screen.contains("‖ stopped")
    });
    session.note_listeners();
    assert!(session.noted() > 0, "a server that stands still listens");
    session
}

#[test]
fn z_opens_it_space_goes_on_p_back_and_escape_leaves_it() {
    let mut session = held();
    session.assert_sleeps("held");
    session.press(" ");
    session.until("the exits of both waits", |screen| {
        screen.contains("stopped at the exit of epoll_wait")
            && screen.contains("stopped at the exit of io_uring_enter")
            && screen.contains("it can be read")
            && screen.contains("1 CQE waits: RECV fd")
    });
    session.press("p");
    session.until_shows("an earlier stop");
    session.press("r");
    session.until_shows("‖ stopped");
    session.press("r");
    session.until("the end of the request", |screen| screen.matches("request 1, answered").count() >= 2);
    session.press("\x1b");
    session.until("the step", |screen| screen.contains("Slow motion") && screen.contains("z slow motion"));
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

#[test]
fn whatever_ends_it_leaves_no_server_stopped() {
    for end in ["q", "\x03"] {
        let mut session = held();
        session.press(end);
        assert_eq!(session.ended().code(), Some(0));
        session.assert_clean();
    }
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        let mut session = held();
        session.signal(signal);
        session.ended();
        session.assert_clean();
    }
    let mut session = held();
    session.signal(libc::SIGKILL);
    session.ended();
    session.assert_nobody_left();
    let mut session = held();
    session.close();
    session.child.wait().unwrap();
    session.assert_nobody_left();
}

#[test]
fn in_lines_it_is_typed_through() {
    let mut session = Session::start(&["lab", "epoll", "--slow", "--format", "plain"]);
    session.until_said(0, "stop 1, no request yet: stopped at the entry of epoll_wait.");
    let mut say = |line: &str, answer: &str| {
        let from = session.raw.len();
        session.press(&format!("{line}\n"));
        session.until_said(from, answer);
    };
    say("", "stop 2, request 1: stopped at the exit of epoll_wait.");
    say("completion", "64 bytes: \"request 1 of client 1");
    say("back", "stopped at the entry of recvfrom.");
    say("next", "stopped at the exit of recvfrom.");
    say("next", "once more goes on");
    say("request", "stop 7, request 1, answered: stopped at the entry of epoll_wait.");
    say("jump", "There is no command \"jump\"; there are next, request, completion, back, free, stop");
    session.press("q\n");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
    assert!(!session.raw.contains(&0x1b), "an escape code was written");
}

#[test]
fn a_recorded_run_is_walked_through() {
    let mut session = Session::start(&["lesson", "3", "--replay", "--step", &step()]);
    session.until_shows("z slow motion");
    session.press("z");
    session.until("the first recorded stop", |screen| {
        screen.contains("○ recorded") && screen.contains("--replay asks for it") && screen.contains("stop 1")
    });
    session.press("r");
    session.until_shows("request 1, answered");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}
