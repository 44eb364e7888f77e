//! A room without a network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::room::{Room, first, run, second};

#[test]
fn one_archive_is_all_that_a_room_without_a_network_needs() {
    let room = Room::empty();
    let file = room.folder().join("iolab.tar.gz");
    room.iolab_in(room.folder(), "init --bundle iolab.tar.gz").ends(0).says(&["wrote iolab.tar.gz"]);
    assert_eq!(fs::read_dir(room.folder()).unwrap().count(), 1, "nothing else is left there");
    room.iolab_in(room.folder(), "init --bundle iolab.tar.gz").ends(2).says(&["is there already"]);

    // A machine that has never heard of a registry.
    let home = tempfile::tempdir().unwrap();
    let mut init = room.command("init work --from iolab.tar.gz");
    run(init.current_dir(room.folder()).env("CARGO_HOME", home.path())).ends(0).says(&["it builds"]);
    assert!(room.main(first()).is_file() && !room.root.join(second().folder).exists(), "as init has it");
    let mut check = room.command(&format!("check {}", second().name()));
    run(check.current_dir(&room.root).env("CARGO_HOME", home.path())).ends(1).says(&["not passed yet"]);

    // By hand: everything is in it, the program too.
    let by_hand = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(by_hand.path()).status().unwrap();
    assert!(tar.success());
    let root = by_hand.path().join("iolab-exercises");
    assert!(root.join(second().folder).join("src/main.rs").is_file());
    let program = root.join("iolab");
    assert_eq!(fs::metadata(&program).unwrap().permissions().mode() & 0o777, 0o755);
    let said = run(Command::new(program).args(["exercise", "list"]).current_dir(&root)).ends(0);
    said.says(&[first().name(), "open"]);
}

#[test]
fn an_archive_that_is_none_leaves_nothing_behind() {
    let room = Room::empty();
    fs::write(room.folder().join("x.tar.gz"), "no archive").unwrap();
    room.iolab_in(room.folder(), "init work --from x.tar.gz").ends(2).says(&["no bundle of iolab", "try:"]);
    room.iolab_in(room.folder(), "init work --from y.tar.gz").ends(2).says(&["ENOENT"]);
    assert!(!room.root.exists());
}
