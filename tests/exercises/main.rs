//! Every exercise as authors are held to it: the starter fails exactly what it declares, right solutions pass, wrong
//! ones are caught by the criterion that they are bound to, with the words that the learner reads.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use iolab::exercise::EXERCISES;

#[path = "../common/program.rs"]
mod program;

use program::iolab;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_program_is_judged_as_it_is_declared() {
    let root = root().display().to_string();
    for exercise in EXERCISES {
        let said = iolab("exercise check --authors --root").with(&root).with(exercise.name()).run();
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        let programs = said.stdout.lines().filter(|line| line.contains("1 of 1 ")).count();
        assert!(programs >= 6, "a starter, two right ones, three wrong ones: {}", said.stdout);
        assert!(said.stdout.contains(" programs, 0 to mend"), "{}", said.stdout);
    }
}

/// The check that holds the exercises is held itself: each way of breaking one is found, and told how to mend it.
#[test]
fn what_an_author_breaks_is_told_with_the_way_to_mend_it() {
    let broken = tempfile::tempdir().unwrap();
    let name = "07-ghost-event";
    copy(&root().join("exercises").join(name), &broken.path().join("exercises").join(name));
    copy(&root().join("solutions").join(name), &broken.path().join("solutions").join(name));
    let change = |file: &str, from: &str, to: &str| {
        let path = broken.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {file}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    change("exercises/07-ghost-event/exercise.toml", "minutes = 1", "minutes = 9");
    change("exercises/07-ghost-event/README.md", "iolab exercise hint ghost-event", "iolab exercise hint");
    change("solutions/07-ghost-event/solutions.toml", "state = \"fail\"", "state = \"fail\"\nfails_too = 1");
    let said = iolab("exercise check --authors --root").with(broken.path()).run();
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in [
        "an exercise takes 10 to 15",
        "does not tell the command `iolab exercise hint ghost-event`",
        "solutions.toml cannot be read",
        "is not the one that this iolab holds: build it anew",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
}

#[test]
fn the_ladder_has_what_each_lesson_needs_and_no_mistake_twice() {
    let manifests: Vec<_> = EXERCISES.iter().map(|exercise| exercise.read().unwrap()).collect();
    for lesson in 0..=4 {
        let of = manifests.iter().filter(|manifest| manifest.lesson == lesson).count();
        assert!(of >= 2, "lesson {lesson} has {of}");
    }
    assert!(manifests.iter().any(|manifest| manifest.lesson == 5));
    let taught: BTreeSet<_> = manifests.iter().map(|manifest| &manifest.teaches).collect();
    assert_eq!(taught.len(), EXERCISES.len(), "each teaches one mistake of its own");
    let folders: Vec<_> = EXERCISES.iter().map(|exercise| exercise.folder).collect();
    let mut there: Vec<_> = fs::read_dir(root().join("exercises"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(folders, there, "the table and the folder say the same");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &into);
        } else {
            fs::copy(entry.path(), into).unwrap();
        }
    }
}
