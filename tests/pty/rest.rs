//! Idle and frozen, nothing wakes.

use std::time::{Duration, Instant};

use crate::terminal::{PATIENCE, Session};

/// How often the threads of a process gave their processors up, all together.
fn switches(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let status = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    let count = |status: String| {
        let line =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:").map(str::to_owned));
        line.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    status.map(count).sum()
}

#[test]
fn idle_and_frozen_nothing_wakes() {
    let mut session = Session::start(&["lesson", "3", "--step", "3"]);
    session.until_shows("space");
    assert_sleeps(&mut session, "idle");
    session.press(" ");
    session.until_shows("▶ live 1");
    session.press("f");
    session.until_shows("frozen at");
    assert_sleeps(&mut session, "frozen");
    session.press("f");
    session.until_shows("▶ live");
    session.press("q");
    assert_eq!(session.ended().code(), Some(0));
    session.assert_clean();
}

/// Comes to rest: a stretch of time in which nothing is written and no thread wakes.
fn assert_sleeps(session: &mut Session, state: &str) {
    let pid = session.child.id();
    let end = Instant::now() + PATIENCE;
    loop {
        let before = switches(pid);
        let wrote = session.read(Duration::from_millis(500));
        if !wrote && switches(pid) == before {
            return;
        }
        assert!(
            Instant::now() < end,
            "{state}, and still {} wake-ups in half a second",
            switches(pid) - before
        );
    }
}
