//! The invariants of ARCHITECTURE.md, held by reading the sources.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust source under a folder of src/, or the one file, with its text; comments and unit tests
/// taken out.
fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or("");
            let code: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
            found.push((path, code.join("\n")));
        }
    }
    assert!(!found.is_empty(), "nothing at {}: the invariant watches an empty room", root.display());
    found
}

/// Fails for each place where one of `words` stands in the code of a room.
fn never(room: &str, words: &[&str], because: &str) {
    let mut breaches = Vec::new();
    for (path, code) in sources(room) {
        for (number, line) in code.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                breaches.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(breaches.is_empty(), "src/{room} {because}:\n{}", breaches.join("\n"));
}

const IMPURE: &[&str] =
    &["std::fs", "std::env", "std::net", "std::process", "Instant::", "SystemTime", "print!", "println!"];

#[test]
fn the_core_reads_no_clock_no_file_and_prints_nothing() {
    for room in ["world", "screen", "plain", "export", "lesson", "book"] {
        never(room, IMPURE, "is a pure function of its arguments");
    }
}

#[test]
fn progress_is_pure_but_for_its_book() {
    for file in ["entry.rs", "fold.rs", "resume.rs"] {
        never(&format!("progress/{file}"), IMPURE, "is folded like a world; only the book touches a file");
    }
}

#[test]
fn what_a_workspace_is_made_of_is_pure() {
    for file in ["lock.rs", "texts.rs"] {
        never(&format!("exercise/workspace/{file}"), IMPURE, "is texts made of texts");
    }
}

#[test]
fn the_core_knows_nothing_of_the_live_rooms() {
    for room in ["trace", "world", "screen", "plain", "export", "lesson", "progress", "book"] {
        never(
            room,
            &[
                "crate::probe",
                "crate::lab",
                "crate::load",
                "crate::serve::",
                "crate::trials::gate",
                "crate::tui",
                "crate::cli",
            ],
            "is folded and drawn without a kernel",
        );
    }
}

#[test]
fn servers_import_nothing_of_iolab_but_their_options() {
    for (path, code) in sources("servers") {
        if path.ends_with("servers/mod.rs") {
            continue;
        }
        for line in code.lines().filter(|line| line.contains("crate::")) {
            let line = line.trim();
            assert!(line.contains("crate::servers::"), "{}: {line}", path.display());
        }
    }
    never(
        "servers",
        &["AtomicU64", "AtomicUsize", "Instant::", "println!"],
        "contains no counters and no clock",
    );
}

#[test]
fn trials_import_nothing_of_iolab() {
    for (path, code) in sources("trials") {
        if ["trials/mod.rs", "trials/gate.rs", "trials/prepared.rs"].iter().any(|file| path.ends_with(file)) {
            continue;
        }
        let imports = code.lines().find(|line| line.contains("crate::") || line.contains("super::"));
        assert_eq!(imports, None, "{}", path.display());
    }
    never("trials", &["fetch_", "Instant::", "print!", "println!"], "counts nothing and says nothing");
}

#[test]
fn probes_and_clients_know_no_screen_and_no_lesson() {
    for room in ["probe", "load", "lab"] {
        never(room, &["crate::screen", "crate::tui", "crate::plain"], "does not care how it is shown");
    }
    never("load", &["crate::servers", "crate::probe", "crate::lab"], "talks to whoever listens");
    never("probe", &["crate::lesson", "crate::servers", "crate::lab", "crate::load"], "watches any process");
}

#[test]
fn escape_codes_are_written_at_the_edges_only() {
    for room in [
        "trace", "world", "screen", "plain", "lesson", "progress", "export", "exercise", "lab", "probe",
        "load", "servers",
    ] {
        never(
            room,
            &["\\x1b", "\\u{1b}", "crossterm::execute", "crossterm::queue"],
            "never writes to a terminal",
        );
    }
}

#[test]
fn unsafe_code_is_where_the_map_says() {
    let allowed = [
        "servers",
        "trials",
        "probe",
        "load",
        "lab/spawn.rs",
        "serve.rs",
        "doctor",
        "exercise/cage",
        "claims/facts",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, code) in sources("") {
        let place = path.strip_prefix(&root).unwrap();
        let inside = allowed.iter().any(|room| place.starts_with(room));
        assert!(inside || !code.contains("unsafe {"), "{} has an unsafe block", place.display());
    }
}
