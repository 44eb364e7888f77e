//! What looking takes from a program, and what it must not take.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::program::{iolab, open_folder};
use super::{processes, refused, remarks};

/// A program that is counted by ptrace gains no rights: one whose file gives it some is not counted so.
#[test]
fn a_set_uid_program_keeps_its_rights() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let (_folder, path) = open_folder();
    let (file, result) = (path.join("id"), path.join("result.json"));
    fs::copy("/usr/bin/id", &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4755)).unwrap();
    let program = iolab("observe --format json --probe ptrace --output").with(&result).and("--").with(&file);
    let said = program.and("-u").without_privileges().run();
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "0\n"), "{said:?}");
    let document = serde_json::from_slice(&fs::read(&result).unwrap()).unwrap();
    assert!(refused(&processes(&document)[0]).contains("gives rights (set-uid)"), "{document}");
}

#[test]
fn what_a_program_cannot_do_meanwhile_is_said() {
    let program = iolab("observe --format json --probe ptrace -- true");
    let document = program.without_privileges().run().document(0);
    let said = remarks(&processes(&document)[0]);
    let is_traced = said.contains("counted by ptrace");
    assert!(!is_traced || said.contains("gains no rights by set-uid files"), "{document}");
}
