//! Colours: what is asked for, and what the terminal can show.

use std::time::Duration;

use crate::session::{Session, XTERM};

/// A walk through a few screens: text, help, numbers in focus.
fn walked(arguments: &[&str], environment: &[(&str, &str)]) -> Session {
    let environment = [XTERM, environment].concat();
    let mut session =
        Session::with(&[&["lesson", "3", "--step", "3", "--replay"], arguments].concat(), &environment);
    session.until_shows("step 3 of");
    session.press("?");
    session.until_shows("Esc close");
    session.press("\x1b");
    session.until("the help to close", |screen| !screen.contains("Esc close"));
    session.press(" ");
    session.until_shows("○ recorded");
    session.press("f");
    session.until_shows("frozen at");
    session.press("\t");
    while session.read(Duration::from_millis(200)) {}
    session
}

/// Every `ESC [ … m` that was written, without what is around it.
fn styles(session: &Session) -> Vec<String> {
    let raw = String::from_utf8_lossy(&session.raw).into_owned();
    let codes = raw.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m').map(|(code, _)| code));
    codes.filter(|code| code.chars().all(|c| c.is_ascii_digit() || c == ';')).map(str::to_owned).collect()
}

/// Whether a style sets a colour; "default colour" (39, 49) is none.
fn is_colour(code: &str) -> bool {
    code.split(';')
        .filter_map(|n| n.parse::<u8>().ok())
        .any(|n| matches!(n, 30..=38 | 40..=48 | 90..=97 | 100..=107))
}

/// The reversed cells of the screen, as text.
fn reversed(session: &Session) -> String {
    let screen = session.screen.screen();
    let (rows, columns) = screen.size();
    let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
    let cells = cells.filter_map(|(row, column)| screen.cell(row, column));
    cells.filter(|cell| cell.inverse()).map(|cell| cell.contents().to_owned()).collect()
}

#[test]
fn no_color_means_none_and_keeps_reverse_video() {
    for (arguments, environment) in [
        (&[][..], &[("NO_COLOR", "1")][..]),
        (&["--theme", "dark"], &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]),
        (&["--theme", "mono"], &[]),
    ] {
        let mut session = walked(arguments, environment);
        assert!(!reversed(&session).is_empty(), "the focus is reversed");
        session.press("q");
        session.ended();
        let styles = styles(&session);
        assert!(styles.iter().any(|code| code == "7"), "something was reversed: {styles:?}");
        let coloured: Vec<_> = styles.iter().filter(|code| is_colour(code)).collect();
        assert!(coloured.is_empty(), "{arguments:?} {environment:?}: {coloured:?}");
    }
}

/// crossterm 0.29 writes a bare reset in place of each colour under NO_COLOR, which would wipe the style of the
/// cells that follow: one may stand only where the style ends anyway, which is at the end of a frame.
#[test]
fn under_no_color_a_bare_reset_wipes_nothing() {
    let session = walked(&[], &[("NO_COLOR", "1")]);
    let raw = session.said();
    for (at, _) in raw.match_indices("\x1b[m") {
        let follows: String = raw[at..].chars().take(20).collect();
        assert!(follows.trim_start_matches("\x1b[m").starts_with("\x1b[0m"), "{follows:?}");
    }
}

#[test]
fn a_theme_is_shown_as_far_as_the_terminal_can() {
    let has = |session: &Session, start: &str| styles(session).iter().any(|code| code.starts_with(start));
    let full = walked(&["--theme", "dark"], &[("COLORTERM", "truecolor")]);
    assert!(has(&full, "38;2;") && !has(&full, "38;5;"), "{:?}", styles(&full));
    let indexed = walked(&[], &[("IOLAB_THEME", "light")]);
    assert!(has(&indexed, "38;5;23") && !has(&indexed, "38;2;"), "{:?}", styles(&indexed));
    let sixteen = walked(&["--theme", "light"], &[("TERM", "xterm")]);
    assert!(!has(&sixteen, "38;2;") && has(&sixteen, "38;5;"), "{:?}", styles(&sixteen));
    let owner = walked(&["--theme", "ansi"], &[("IOLAB_THEME", "dark"), ("COLORTERM", "truecolor")]);
    assert!(!has(&owner, "38;2;"), "the option comes before the variable: {:?}", styles(&owner));
}

#[test]
fn a_theme_that_does_not_exist_is_a_mistake_of_usage() {
    let environment = [XTERM, &[("IOLAB_THEME", "solarized")]].concat();
    let mut session = Session::with(&["lesson", "3"], &environment);
    assert_eq!(session.ended().code(), Some(2), "{}", session.said());
    let said = session.said();
    assert!(said.contains("IOLAB_THEME") && said.contains("contrast-light"), "{said}");
    assert!(!session.raw.contains(&0x1b), "the screen was not opened");
}
