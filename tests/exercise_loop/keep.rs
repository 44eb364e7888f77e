//! What the learner wrote stays theirs: reset, update, hint, solution.

use std::fs;

use iolab::exercise::EXERCISES;
use iolab::exercise::Exercise;
use iolab::exercise::workspace::{Change, Workspace};

use crate::room::{HANGS, Room, first, right, second};

#[test]
fn a_reset_keeps_a_backup_and_says_where() {
    let room = Room::new();
    let name = first().name();
    room.iolab(&format!("reset {name}")).ends(0).says(&["it is as it was given"]);
    room.save(first(), "mine");
    fs::write(room.main(first()).with_file_name("more.rs"), "more").unwrap();
    let backup = room.root.join(format!("{}.bak-1", first().folder));
    room.iolab(&format!("reset {name}")).ends(0).says(&[&backup.display().to_string()]);
    assert_eq!(fs::read_to_string(backup.join("src/main.rs")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(backup.join("src/more.rs")).unwrap(), "more");
    assert_eq!(fs::read_to_string(room.main(first())).unwrap(), first().starter);
    assert!(!room.main(first()).with_file_name("more.rs").exists());
    room.save(first(), "mine again");
    room.iolab("reset --all").ends(0).says(&[".bak-2"]);
    assert_eq!(fs::read_to_string(backup.join("src/main.rs")).unwrap(), "mine", "no backup is overwritten");
    room.iolab("check").ends(1).says(&["not passed yet"]);
}

#[test]
fn hints_go_one_step_further_and_are_about_what_failed() {
    let room = Room::new();
    let manifest = first().read().unwrap();
    room.iolab("hint").ends(0).says(&["nothing was checked yet", "hint 1 of 3"]);
    room.iolab("check").ends(1);
    let progress = room.progress();
    let failed = manifest.criterion(progress.exercise(first().name()).failed().unwrap()).unwrap();
    let begins = |text: &str| text.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    for step in [1, 2] {
        room.iolab("hint").ends(0).says(&[&format!("for {}", failed.id), &begins(&failed.hint[step])]);
    }
    room.iolab("hint").ends(0).says(&["it does not change any more"]);
    room.save(first(), right(first()));
    room.iolab("check").ends(0);
    room.iolab("hint").ends(0).says(&["all that was checked passed"]);
}

#[test]
fn the_solution_comes_after_passing_with_both_receipts() {
    let room = Room::new();
    let name = first().name();
    let said = room.iolab("solution").ends(1);
    said.says(&["is not passed yet", "iolab exercise hint", "--anyway"]);
    assert!(said.out.is_empty() && !room.progress().exercise(name).solution_seen);
    room.save(first(), right(first()));
    room.iolab("check").ends(0);
    let said = room.iolab("solution").ends(0);
    for (which, text) in first().right {
        said.says(&[text, &format!("// {name}, {which}"), &format!("{which}:")]);
    }
    said.says(&["What was seen of each", "yours:"]);
    assert!(!said.out.contains("fail,"), "{said:?}");
    // The learner's program is still the one that is built.
    room.save(first(), first().starter);
    room.iolab("check").ends(1);
    assert!(
        room.progress().exercise(name).solution_seen && !room.progress().exercise(name).solution_seen_first
    );
}

#[test]
fn reading_the_solution_first_is_said_and_remembered() {
    let room = Room::new();
    room.iolab("check").ends(1);
    room.iolab("solution --anyway").ends(0).says(&["from now on the list says", "yours:"]);
    room.save(first(), right(first()));
    room.iolab("check").ends(0);
    room.iolab("list").ends(0).says(&["passed after its solution"]);
}

/// The exercise as another iolab might have it.
fn changed(exercise: &'static Exercise, readme: &'static str, starter: &'static str) -> Exercise {
    let Exercise { folder, manifest, cargo, right, .. } = *exercise;
    Exercise { folder, manifest, readme, cargo, starter, right }
}

#[test]
fn an_update_brings_texts_and_keeps_work() {
    let room = Room::new();
    room.iolab(&format!("check {}", second().name())).ends(1);
    room.save(first(), HANGS);
    let notes = room.root.join(first().folder).join("README.md");
    fs::write(&notes, "my notes").unwrap();
    let newer = [
        changed(first(), "a newer task", "fn main() { /* newer */ }"),
        changed(second(), "a newer task", "fn main() { /* newer */ }"),
    ];
    let mut workspace = Workspace::find(&room.root).unwrap();
    let changes = workspace.update(&newer).unwrap();
    let of = |exercise: &Exercise| {
        let of = changes.iter().filter(|changed| changed.folder == exercise.folder);
        of.map(|changed| (changed.file, changed.change.clone())).collect::<Vec<_>>()
    };
    let backup = notes.with_file_name("README.md.bak-1");
    assert_eq!(
        of(first()),
        [("README.md", Change::ReplacedWithBackup(backup.clone())), ("src/main.rs", Change::StarterKept)]
    );
    assert_eq!(of(second()), [("README.md", Change::Replaced), ("src/main.rs", Change::Replaced)]);
    assert_eq!(fs::read_to_string(room.main(first())).unwrap(), HANGS);
    assert_eq!(fs::read_to_string(backup).unwrap(), "my notes");
    assert_eq!(fs::read_to_string(notes).unwrap(), "a newer task");
    assert_eq!(workspace.update(&newer).unwrap(), [], "twice is once");
    // Back to this iolab, and one exercise that it does not know.
    let unknown = workspace.update(&EXERCISES[1..]).unwrap();
    assert!(unknown.iter().any(|changed| changed.change == Change::Unknown), "{unknown:?}");
    room.iolab("update").ends(0).says(&["README.md: the newer one"]);
    room.iolab("update").ends(0).says(&["all is as this iolab has it"]);
}
