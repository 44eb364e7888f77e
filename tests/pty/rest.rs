//! Idle and frozen, nothing wakes.

use crate::session::Session;

#[test]
fn idle_and_frozen_nothing_wakes() {
    let mut session = Session::start(&["lesson", "3", "--step", "3"]);
    session.until_shows("space");
    session.assert_sleeps("idle");
    session.press(" ");
    session.until_shows("▶ live 1");
    session.press("f");
    session.until_shows("frozen at");
    session.assert_sleeps("frozen");
    session.press("f");
    session.until_shows("▶ live");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}
