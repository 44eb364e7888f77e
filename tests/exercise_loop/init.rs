//! Making a workspace.

use std::fs;

use crate::program::{iolab, open_folder};
use crate::room::{Room, first, run, second};

#[test]
fn a_workspace_is_complete_and_builds_and_making_it_twice_changes_nothing() {
    let room = Room::empty();
    room.iolab_in(room.folder(), "init work").ends(0).says(&["it builds", "next: cd", first().name()]);
    for file in ["Cargo.toml", "Cargo.lock", "iolab.toml", ".gitignore", ".vscode/settings.json", "README.md"]
    {
        assert!(room.root.join(file).is_file(), "{file}");
    }
    assert!(!room.root.join(second().folder).exists(), "only what is opened is there");
    fs::write(room.main(first()), "fn main() {}\n").unwrap();
    fs::write(room.root.join("README.md"), "mine").unwrap();
    fs::remove_file(room.root.join("Cargo.lock")).unwrap();
    room.iolab_in(room.folder(), "init work").ends(0).says(&["is a workspace already", "it builds"]);
    assert_eq!(fs::read_to_string(room.main(first())).unwrap(), "fn main() {}\n");
    assert_eq!(fs::read_to_string(room.root.join("README.md")).unwrap(), "mine");
    assert!(room.root.join("Cargo.lock").is_file(), "what is missing is completed");
    assert!(room.progress().exercise(first().name()).opened);
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let room = Room::empty();
    fs::create_dir(&room.root).unwrap();
    fs::write(room.root.join("thesis.tex"), "").unwrap();
    let said = room.iolab_in(room.folder(), "init work").ends(2);
    said.says(&["is not empty (it has thesis.tex)", "why it matters", "try:"]);
    assert_eq!(fs::read_dir(&room.root).unwrap().count(), 1);
    // What is hidden is no content: a repository that was just made is empty.
    fs::remove_file(room.root.join("thesis.tex")).unwrap();
    fs::create_dir(room.root.join(".git")).unwrap();
    room.iolab_in(&room.root, "init .").ends(0);
}

#[test]
fn where_nothing_may_be_written_the_reason_has_its_name() {
    let room = Room::empty();
    fs::write(room.folder().join("file"), "").unwrap();
    room.iolab_in(room.folder(), "init file/work").ends(1).says(&["ENOTDIR", "try:"]);
    let (_folder, path) = open_folder();
    let closed = path.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    let said = iolab("exercise init").with(closed.join("work")).without_privileges().run();
    let complaint = said.complaint(1);
    assert!(complaint.contains("EACCES") && complaint.contains("try: a folder that is yours"), "{complaint}");
}

#[test]
fn without_cargo_the_workspace_is_there_and_the_way_to_cargo_is_said() {
    let room = Room::empty();
    let said = run(room.command("init work").current_dir(room.folder()).env("PATH", "/nowhere")).ends(3);
    said.says(&["cargo was not found (ENOENT)", "why it matters", "rustup.rs"]);
    assert!(room.main(first()).is_file());
    for command in ["check", "watch"] {
        let said = run(room.command(command).current_dir(&room.root).env("PATH", "/nowhere")).ends(3);
        said.says(&["cargo was not found"]);
    }
}

#[test]
fn missing_crates_are_said_with_the_command_that_fetches_them() {
    let room = Room::new();
    let with_crate = iolab::exercise::EXERCISES.iter().find(|exercise| exercise.cargo.contains("libc"));
    let home = tempfile::tempdir().unwrap();
    let mut command = room.command(&format!("check {}", with_crate.unwrap().name()));
    let said = run(command.current_dir(&room.root).env("CARGO_HOME", home.path())).ends(3);
    said.says(&["crates are missing", "cargo fetch --locked", "init --from FILE"]);
}

#[test]
fn a_workflow_for_a_class_is_printed() {
    let room = Room::empty();
    room.iolab_in(room.folder(), "init --workflow").ends(0).says(&["autograding-grading-reporter"]);
    assert_eq!(fs::read_dir(room.folder()).unwrap().count(), 0);
}
