//! Every way to end, in every state that the screen can be in: the terminal is as before, nothing is left.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::session::left::{self, stat};
use crate::session::{Controls, PATIENCE, Session, XTERM};

/// A step with a lab and no prediction, and one with a prediction.
const LAB_STEP: &str = "3";
const PREDICTING_STEP: &str = "8";

/// What the screen is doing when the end comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Typing,
    Overlay,
    Running,
    Frozen,
    Recording,
}

const STATES: [State; 6] =
    [State::Reading, State::Typing, State::Overlay, State::Running, State::Frozen, State::Recording];

impl State {
    /// The program in this state.
    fn reached(self, environment: &[(&str, &str)], controls: Controls) -> Session {
        let step = if self == Self::Typing { PREDICTING_STEP } else { LAB_STEP };
        let mut arguments = vec!["lesson", "3", "--step", step];
        if self == Self::Recording {
            arguments.push("--replay");
        }
        let mut session = Session::controlled(&arguments, environment, controls);
        session.until_shows(&format!("step {step} of"));
        match self {
            Self::Reading => {}
            Self::Typing => {
                session.press("0.5");
                session.until_shows("0.5_");
            }
            Self::Overlay => {
                session.press("?");
                session.until_shows("Esc close");
            }
            Self::Running | Self::Frozen => {
                session.press(" ");
                session.until_shows("▶ live");
                if self == Self::Frozen {
                    session.press("f");
                    session.until_shows("frozen at");
                }
                session.note_listeners();
                assert!(session.noted() > 0, "a server that runs listens");
            }
            Self::Recording => {
                session.press(" ");
                session.until_shows("○ recorded");
            }
        }
        session
    }
}

/// Ends the program in each state and looks at what is left.
#[track_caller]
fn ends_well(end: impl Fn(&mut Session), right: impl Fn(ExitStatus) -> bool, receipt: bool) {
    for state in STATES {
        let mut session = state.reached(XTERM, Controls::Yes);
        end(&mut session);
        let status = session.ended();
        assert!(right(status), "{state:?}: {status}");
        session.assert_clean();
        assert_eq!(
            session.contents().contains("iolab lesson 3, io_uring rings: step"),
            receipt,
            "{state:?}: {}",
            session.contents()
        );
    }
}

fn by_signal(signal: i32) {
    ends_well(|session| session.signal(signal), |status| status.signal() == Some(signal), false);
}

#[test]
fn q_leaves_a_receipt() {
    ends_well(|session| session.press("q"), |status| status.code() == Some(0), true);
}

#[test]
fn ctrl_c_leaves_a_receipt() {
    ends_well(|session| session.press("\x03"), |status| status.code() == Some(0), true);
}

#[test]
fn sigterm() {
    by_signal(libc::SIGTERM);
}

#[test]
fn sighup() {
    by_signal(libc::SIGHUP);
}

#[test]
fn sigint() {
    by_signal(libc::SIGINT);
}

#[test]
fn sigquit() {
    by_signal(libc::SIGQUIT);
}

/// Nobody can give a terminal back when killed by SIGKILL; processes and ports must be gone all the same.
#[test]
fn killed_without_a_word_it_leaves_no_process_and_no_port() {
    for state in [State::Running, State::Frozen] {
        let mut session = state.reached(XTERM, Controls::Yes);
        session.signal(libc::SIGKILL);
        assert_eq!(session.ended().signal(), Some(libc::SIGKILL));
        session.assert_nobody_left();
    }
}

/// The terminal is the program's own: the kernel says by SIGHUP that it is gone.
#[test]
fn a_terminal_that_is_closed_ends_it() {
    for state in STATES {
        let mut session = state.reached(XTERM, Controls::Yes);
        session.close();
        session.child.wait().unwrap();
        session.assert_nobody_left();
    }
}

/// It is somebody else's: nothing tells but that reading ends and writing fails with EIO.
#[test]
fn a_terminal_that_goes_away_without_a_signal_ends_it_too() {
    for state in STATES {
        let mut session = state.reached(XTERM, Controls::No);
        session.close();
        let status = session.ended();
        assert_eq!(status.code(), Some(0), "{state:?}: nobody is there to be told of an error");
        session.assert_nobody_left();
    }
}

#[test]
#[cfg(debug_assertions)] // Release builds have no such rehearsal.
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    // Where the screen is drawn, and in a thread whose end nobody waits for.
    for (place, state) in [("overlay", State::Reading), ("overlay", State::Running), ("keys", State::Reading)]
    {
        let environment = [XTERM, &[("IOLAB_PANIC_AT", place), ("RUST_BACKTRACE", "0")]].concat();
        let mut session = state.reached(&environment, Controls::Yes);
        session.press("?");
        let status = session.ended();
        assert_eq!(status.code(), Some(101), "{place}, {state:?}: {status}\n{}", session.contents());
        session.assert_clean();
        let told = session.contents();
        assert!(told.contains("panicked at") && told.contains("a rehearsed panic"), "{told}");
    }
}

#[test]
fn ctrl_z_lends_the_terminal_and_fg_takes_it_again() {
    for state in STATES {
        let mut session = state.reached(XTERM, Controls::Yes);
        session.press("\x1a");
        stopped(&mut session);
        session.assert_given_back();
        let from = session.raw.len();
        session.signal(libc::SIGCONT);
        session.until_said(from, "\x1b[?2026l");
        session.until_shows("step ");
        assert!(session.screen.screen().alternate_screen(), "{state:?}");
        session.press("\x03");
        assert_eq!(session.ended().code(), Some(0), "{state:?}");
        session.assert_clean();
    }
}

#[test]
fn stopped_from_outside_it_lends_the_terminal_too() {
    let mut session = State::Running.reached(XTERM, Controls::Yes);
    session.signal(libc::SIGTSTP);
    stopped(&mut session);
    session.assert_given_back();
    session.signal(libc::SIGCONT);
    session.until_shows("▶ live");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

/// Waits until the shell would say "Stopped".
fn stopped(session: &mut Session) {
    let end = Instant::now() + PATIENCE;
    while stat(session.child.id(), 0).as_deref() != Some("T") {
        assert!(Instant::now() < end, "it does not stop");
        session.read(Duration::from_millis(20));
    }
    while session.read(Duration::from_millis(20)) {}
}

#[test]
fn a_server_killed_from_outside_is_reported_and_can_be_started_again() {
    let mut session = State::Running.reached(XTERM, Controls::Yes);
    let end = Instant::now() + PATIENCE;
    let server = loop {
        if let Some(pid) = left::processes(session.child.id()).into_iter().find(left::is_server) {
            break pid;
        }
        assert!(Instant::now() < end, "no server runs");
        session.read(Duration::from_millis(20));
    };
    left::kill(server, libc::SIGKILL);
    session.until_shows("epoll is gone");
    session.press("r");
    session.until("a new run", |screen| screen.contains("▶ live") && !screen.contains("is gone"));
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}
