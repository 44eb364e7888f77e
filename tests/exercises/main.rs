//! Every exercise as authors are held to it: the starter fails exactly what it declares, right solutions pass, wrong
//! ones are caught by the criterion that they are bound to, with the words that the learner reads.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::collections::{BTreeMap, BTreeSet};
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

/// Programs of one exercise share their text: a wrong one is a small difference from the starter or from a right
/// one, so that what it shows is the mistake; two right ones are not the same with other names.
#[test]
fn wrong_programs_are_small_differences_and_right_ones_are_not() {
    for exercise in EXERCISES {
        let folder = root().join("solutions").join(exercise.folder);
        let [right, wrong] = ["right", "wrong"].map(|kind| programs(&folder.join(kind)));
        let starter = code(exercise.starter);
        for (name, text) in &wrong {
            let near = right.iter().map(|(_, text)| text).chain([&starter]).map(|other| share(text, other));
            let nearest = near.fold(0.0, f64::max);
            assert!(
                nearest >= 0.7,
                "{} {name}: only {nearest:.2} of it stands in a neighbour",
                exercise.folder
            );
        }
        for (at, (name, text)) in right.iter().enumerate() {
            for (other, their) in &right[..at] {
                let same = share(text, their).min(share(their, text));
                assert!(same < 0.95, "{}: {name} and {other} are one: {same:.2}", exercise.folder);
            }
        }
    }
}

/// Lines of code, without their comments and indents, and how often each is there.
fn code(text: &str) -> BTreeMap<&str, usize> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line).or_default() += 1;
        counts
    })
}

/// How much of the first stands in the second.
fn share(of: &BTreeMap<&str, usize>, other: &BTreeMap<&str, usize>) -> f64 {
    let common: usize = of.iter().map(|(line, times)| (*times).min(*other.get(line).unwrap_or(&0))).sum();
    common as f64 / of.values().sum::<usize>().max(1) as f64
}

fn programs(folder: &Path) -> Vec<(String, BTreeMap<&'static str, usize>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // They live as long as the test does.
    let read = |path: &Path| code(fs::read_to_string(path).unwrap().leak());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(&path))).collect()
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
