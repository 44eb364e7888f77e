//! `iolab lab` on a terminal: the screen of a lesson, without the lesson.

use crate::session::Session;

#[test]
fn the_load_is_changed_while_it_runs_and_nothing_is_left() {
    let mut session = Session::start(&["lab", "epoll", "uring", "--rate", "1000", "--burst", "8"]);
    session.until_shows("64 connections, 64 B, 1 000/s in bursts of 8");
    session.until("both servers, at rest", |screen| {
        screen.contains("not running") && ["epoll", "uring"].iter().all(|server| screen.contains(server))
    });
    session.press(" ");
    session.until("numbers", has_numbers);
    session.press("+");
    session
        .until("more connections", |screen| screen.contains("128 connections, 64 B, 1 000/s in bursts of 8"));
    // The kernel's own list holds the listener and 128 connections, and what an echo costs then has a row.
    session.until("numbers of the new load", |screen| {
        let cost = screen.lines().find_map(|row| row.split_once("│ ▸ 128 "));
        let has_cost = cost.is_some_and(|(_, row)| numbers(row) == 4);
        screen.contains("129 fds") && has_cost && has_numbers(screen)
    });
    session.press("c");
    session.until("the controls", |screen| screen.contains("┌─ controls ─"));
    session.press("\x1b");
    session.until("the controls to close", |screen| !screen.contains("┌─ controls ─"));
    session.note_listeners();
    assert!(session.noted() > 0, "a server that runs listens");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
    let receipt = session.contents();
    assert!(
        receipt.contains("on with: iolab lab epoll uring --connections 128 --rate 1000 --burst 8"),
        "{receipt}"
    );
}

/// It runs, and the table has a number of system calls for each of the two servers.
fn has_numbers(screen: &str) -> bool {
    let row = screen.lines().find(|row| row.contains("syscalls "));
    screen.contains("▶ live") && row.is_some_and(|row| numbers(row) == 2)
}

fn numbers(row: &str) -> usize {
    row.split_whitespace().filter(|word| word.parse::<f64>().is_ok()).count()
}

#[test]
fn a_run_with_an_end_of_its_own_is_told_in_lines() {
    let mut session = Session::start(&["lab", "epoll", "--requests", "1000"]);
    assert_eq!(session.ended().code(), Some(0), "{}", session.said());
    session.assert_clean();
    let said = session.said();
    assert!(said.contains("load     64 connections") && said.contains("syscalls per echo"), "{said}");
    assert!(!said.contains("\x1b[?1049h"), "the screen was opened: {said}");
    assert!(!session.screen.screen().alternate_screen());
}
