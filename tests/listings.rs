//! Servers and trials as listings: a lesson or the book can print each of them, whole or by its anchors.
//!
//! Prose is measured, since nobody notices it getting thin: a server is read from top to bottom by somebody
//! who meets its system calls for the first time.

// A test says what went wrong by where it panics; clippy's own exception covers test functions only.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use iolab::servers::SERVERS;
use iolab::trials::TRIALS;

/// How long a listing may be, and how much of it may be prose: lines of prose for each line of code.
struct Bounds {
    lines: usize,
    prose: std::ops::RangeInclusive<f64>,
}

/// One program on one idea.
const SERVER: Bounds = Bounds { lines: 260, prose: 0.5..=1.2 };

/// Several ideas at once, and a longer introduction.
const MULTISHOT: Bounds = Bounds { lines: 330, prose: 0.5..=1.2 };

/// What `uring-multishot` is made of. More of it is states and their names, which say what they are: less
/// prose will do.
const COMPANION: Bounds = Bounds { lines: 330, prose: 0.4..=1.2 };

/// A flawed server leans on its correct neighbour, and its first lines say in what it differs.
const FLAWED: Bounds = Bounds { lines: 260, prose: 0.5..=1.2 };

/// A trial is short and about one thing, which ten lines of code may need twenty of prose to explain.
const TRIAL: Bounds = Bounds { lines: 160, prose: 0.5..=1.7 };

/// The listing of every server and trial of the tables, and what `uring-multishot` uses.
fn listings() -> Vec<(String, Bounds)> {
    let of = |server: &iolab::servers::Server| {
        let file = server.name.replace('-', "_");
        match server.name {
            "uring-multishot" => (format!("servers/{file}"), MULTISHOT),
            _ if server.flawed => (format!("servers/flawed/{file}"), FLAWED),
            _ => (format!("servers/{file}"), SERVER),
        }
    };
    let companions = ["multishot_connection", "buffer_ring", "uring_features"];
    let companions = companions.map(|file| (format!("servers/{file}"), COMPANION));
    let trials = TRIALS.iter().map(|trial| (trial_file(trial.name), TRIAL));
    SERVERS.iter().map(of).chain(companions).chain(trials).collect()
}

fn trial_file(name: &str) -> String {
    format!("trials/{}", name.replace('-', "_"))
}

/// A listing without its unit tests.
fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file).with_extension("rs");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split("#[cfg(test)]").next().unwrap().trim_end().to_string()
}

#[derive(PartialEq)]
enum Line {
    Code,
    Prose,
    /// A mark for the book, not for a reader.
    Anchor,
    /// Nothing, or a comment without a word.
    Blank,
}

fn kind(line: &str) -> Line {
    let line = line.trim();
    let Some(comment) = line.strip_prefix("//") else {
        return if line.is_empty() { Line::Blank } else { Line::Code };
    };
    let words = comment.trim_start_matches(['/', '!']).trim();
    match words {
        "" => Line::Blank,
        _ if words.starts_with("ANCHOR") => Line::Anchor,
        _ => Line::Prose,
    }
}

#[test]
fn listings_have_their_share_of_prose_and_fit() {
    for (file, bounds) in listings() {
        let text = text(&file);
        let count = |wanted| text.lines().filter(|line| kind(line) == wanted).count();
        let (prose, code) = (count(Line::Prose), count(Line::Code));
        let share = prose as f64 / code as f64;
        assert!(
            bounds.prose.contains(&share),
            "{file}: {prose} lines of prose for {code} of code are {share:.2}, not in {:?}",
            bounds.prose
        );
        let lines = text.lines().count();
        assert!(lines <= bounds.lines, "{file}: {lines} lines, and {} are the most", bounds.lines);
    }
}

#[test]
fn prose_is_narrow_enough_to_print() {
    for (file, _) in listings() {
        for (number, line) in text(&file).lines().enumerate() {
            let wide = kind(line) == Line::Prose && line.chars().count() > 100;
            assert!(!wide, "{file}:{}: prose beyond column 100: {line}", number + 1);
        }
    }
}

/// The parts of a listing by the names of their anchors; panics at an anchor that is not closed, closed twice
/// or out of order.
fn anchors(file: &str) -> BTreeMap<String, Vec<String>> {
    let mut parts = BTreeMap::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in text(file).lines() {
        let mark = line.trim().trim_start_matches('/').trim();
        if let Some(name) = mark.strip_prefix("ANCHOR: ") {
            assert!(open.is_none(), "{file}: {name} begins inside another part");
            open = Some((name.to_string(), Vec::new()));
        } else if let Some(name) = mark.strip_prefix("ANCHOR_END: ") {
            let (began, lines) = open.take().unwrap_or_else(|| panic!("{file}: {name} ends and never began"));
            assert_eq!(began, name, "{file}: another part ends than began");
            assert!(parts.insert(began, lines).is_none(), "{file}: {name} stands there twice");
        } else if let Some((_, lines)) = &mut open {
            lines.push(line.to_string());
        }
    }
    assert!(open.is_none(), "{file}: {:?} never ends", open.map(|(name, _)| name));
    parts
}

#[test]
fn every_server_can_be_quoted() {
    for server in SERVERS {
        let file = server.name.replace('-', "_");
        let file = format!("servers/{}{file}", if server.flawed { "flawed/" } else { "" });
        let parts = anchors(&file);
        for part in ["loop", "echo"] {
            assert!(parts.contains_key(part), "{file} has no part {part:?}");
        }
        for (part, lines) in parts {
            let code = lines.iter().filter(|line| kind(line) == Line::Code).count();
            assert!(code > 1, "{file}: {part} has {code} lines of code");
            assert!(lines.len() <= 60, "{file}: {part} has {} lines, too many to print", lines.len());
        }
        let lines = &anchors(&file)["loop"];
        let first = lines.first().unwrap();
        assert_eq!(first.trim(), "loop {", "{file}: the part \"loop\" is the loop and nothing else");
    }
}

#[test]
fn every_trial_can_be_quoted() {
    for trial in TRIALS {
        let file = trial_file(trial.name);
        let parts = anchors(&file);
        assert!(parts.contains_key("point"), "{file} has no part \"point\", the lines it is about");
        for (part, lines) in parts {
            let code = lines.iter().filter(|line| kind(line) == Line::Code).count();
            assert!(code > 1, "{file}: {part} has {code} lines of code");
            assert!(lines.len() <= 60, "{file}: {part} has {} lines, too many to print", lines.len());
        }
    }
}

/// Whoever names one of them must not mean two things: a lab takes both by name.
#[test]
fn names_are_unique_and_trials_say_what_they_do() {
    for trial in TRIALS {
        let named = TRIALS.iter().filter(|other| other.name == trial.name).count();
        assert_eq!(named, 1, "{}", trial.name);
        assert!(iolab::servers::by_name(trial.name).is_none(), "{} is a server, too", trial.name);
        assert!((20..=90).contains(&trial.says.len()), "{}: {}", trial.name, trial.says);
    }
}

/// Lesson 3 says how long the heart of each way to a ring is.
#[test]
fn three_ways_to_a_ring_are_as_long_as_the_lesson_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let lesson = read("lessons/03-io-uring-rings/lesson.md");
    for (file, way) in [
        ("src/trials/ring_by_hand.rs", "by hand"),
        ("src/trials/ring_by_crate.rs", "io-uring crate"),
        ("lessons/03-io-uring-rings/ring.c", "liburing, C"),
    ] {
        let text = read(file);
        let heart =
            text.split("ANCHOR: point").nth(1).and_then(|rest| rest.split("ANCHOR_END").next()).unwrap();
        let lines = heart.lines().skip(1).map(str::trim);
        let code =
            lines.filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with("/*"));
        let row = format!("| {way} | {} |", code.count());
        assert!(lesson.contains(&row), "{file}: the lesson has no row {row:?}");
    }
}
