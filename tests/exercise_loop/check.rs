//! Checking once.

use std::fs;

use serde_json::Value;

use crate::room::{BROKEN, HANGS, Room, first, right, second};

#[test]
fn the_starter_fails_what_it_is_to_fail_and_a_right_program_passes() {
    let room = Room::new();
    let name = first().name();
    let said = room.iolab("check").ends(1);
    let manifest = first().read().unwrap();
    said.says(&[
        "expected:",
        "seen:",
        "why:",
        "next:",
        "not passed yet",
        &format!("iolab exercise hint {name}"),
    ]);
    let last = room.progress().exercise(name).last.clone().unwrap();
    let failed: Vec<_> =
        last.criteria.iter().filter(|kept| kept.state.is_failure()).map(|kept| &kept.id).collect();
    assert_eq!(failed, manifest.starter_fails.iter().collect::<Vec<_>>());
    assert_eq!(last.sources_sha256.len(), 64);

    room.save(first(), right(first()));
    let said = room.iolab("check").ends(0);
    said.says(&["passed,", &format!("iolab exercise watch {}", second().name())]);
    let words: Vec<_> = said.out.lines().filter(|line| line.contains(" pass ")).collect();
    assert_eq!(words.len(), manifest.criteria.len(), "a criterion a line, in words: {said:?}");
    assert!(room.progress().exercise(name).passed.is_some());
    // From the exercise's own folder its name goes without saying.
    room.iolab_in(&room.root.join(first().folder).join("src"), "check").ends(0).says(&[name]);
}

#[test]
fn what_does_not_compile_is_shown_as_cargo_shows_it() {
    let room = Room::new();
    room.save(first(), BROKEN);
    let said = room.iolab("check").ends(1);
    said.says(&["error[E0308]: mismatched types", "--> ", "could not compile", "nothing was checked"]);
    assert!(room.progress().exercise(first().name()).last.is_none(), "nothing was judged");
    let said = room.iolab("check --format json").ends(1);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["exercises"][0]["points"], 0);
    let seen = document["exercises"][0]["criteria"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("E0308"), "{document}");
    assert!(said.err.contains("error[E0308]"), "what cargo says stands beside: {said:?}");
}

#[test]
fn a_program_that_hangs_is_ended_and_said_to() {
    let room = Room::new();
    room.save(first(), HANGS);
    room.iolab("check").ends(1).says(&["hung"]);
    crate::room::assert_nobody_in(&room.root);
}

#[test]
fn the_document_is_the_verdict() {
    let room = Room::new();
    let said = room.iolab("check --format json").ends(1);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["schema"], "iolab.grade/1");
    assert_eq!(document["exercises"][0]["exercise"], first().name());
    crate::documents::SCHEMA.holds(&document);
}

#[test]
fn what_is_mistyped_is_met_with_what_was_meant() {
    let room = Room::new();
    let typed: String = first().name().chars().skip(1).collect();
    for command in ["check", "watch", "hint", "reset", "solution"] {
        let said = room.iolab(&format!("{command} {typed}")).ends(2);
        said.says(&[
            &format!("there is no exercise {typed:?}"),
            &format!("did you mean {}?", first().name()),
        ]);
    }
    room.iolab("check no-such-thing-at-all").ends(2).says(&["iolab exercise list"]);
    room.iolab("reset").ends(2);
    // By number and by folder it is the same exercise.
    for name in [first().number().to_string(), format!("{}/", first().folder)] {
        room.iolab(&format!("hint {name}")).ends(0).says(&["hint 1 of 3"]);
        fs::remove_file(room.journal()).unwrap();
    }
}

#[test]
fn outside_of_a_workspace_the_way_into_one_is_said() {
    let room = Room::empty();
    for command in ["check", "watch", "hint", "reset --all", "solution", "update"] {
        let said = room.iolab_in(room.folder(), command).ends(2);
        said.says(&["is not in a workspace", "iolab exercise init"]);
    }
    room.iolab_in(room.folder(), "list").ends(0).says(&["begin: iolab exercise init", first().name()]);
}

#[test]
fn the_list_knows_what_was_done() {
    let room = Room::new();
    room.save(first(), right(first()));
    room.iolab("check").ends(0);
    let said = room.iolab("list").ends(0);
    said.says(&["lesson", first().name(), second().name(), "; passed", "1 of"]);
    let document: Value = serde_json::from_str(&room.iolab("list --format json").ends(0).out).unwrap();
    let row = &document["exercises"][0];
    assert_eq!(
        (&row["passed"], &row["open"], &row["points_best"]),
        (&true.into(), &true.into(), &row["points"])
    );
    assert_eq!(document["exercises"][1]["open"], false);
}
