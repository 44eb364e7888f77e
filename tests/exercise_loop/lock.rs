//! The computed lock file is the one that cargo would write.

use std::fs;
use std::process::Command;

use iolab::exercise::EXERCISES;
use iolab::exercise::workspace::lock::{Member, WHOLE, lock};
use iolab::exercise::workspace::texts;

/// Whether cargo takes the lock file of these members as it is.
fn accepted(members: &[(&str, String)]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, cargo) in members {
        fs::create_dir_all(folder.path().join(name).join("src")).unwrap();
        fs::write(folder.path().join(name).join("src/main.rs"), "fn main() {}").unwrap();
        fs::write(folder.path().join(name).join("Cargo.toml"), cargo).unwrap();
    }
    let read: Vec<_> = members.iter().map(|(_, cargo)| Member::read(cargo).unwrap()).collect();
    fs::write(folder.path().join("Cargo.toml"), texts::cargo(members.iter().map(|(name, _)| *name))).unwrap();
    fs::write(folder.path().join("Cargo.lock"), lock(WHOLE, &read).unwrap()).unwrap();
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--offline", "--locked", "--format-version=1"]).current_dir(folder.path());
    let output = cargo.output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn member(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n"
    )
}

#[test]
fn cargo_takes_it_for_every_exercise_and_for_all_together() {
    let all: Vec<_> = EXERCISES.iter().map(|exercise| (exercise.folder, exercise.cargo.to_owned())).collect();
    for one in &all {
        assert_eq!(accepted(std::slice::from_ref(one)), Ok(()), "{}", one.0);
    }
    assert_eq!(accepted(&all), Ok(()));
    for opened in 2..all.len() {
        assert_eq!(accepted(&all[..opened]), Ok(()), "the first {opened}");
    }
}

#[test]
fn cargo_takes_it_for_every_crate_that_an_exercise_may_use() {
    let features = [
        "dir", "event", "feature", "fs", "ioctl", "mman", "mount", "net", "poll", "process", "ptrace",
        "resource", "sched", "signal", "socket", "time", "uio", "user",
    ];
    for feature in features {
        let nix = format!("nix = {{ version = \"0.31\", features = [\"{feature}\"] }}");
        assert_eq!(accepted(&[("a", member("a", &nix))]), Ok(()), "{feature}");
    }
    let ring = "io-uring = \"0.7.15\"\nlibc = \"0.2\"";
    let sockets = "nix = { version = \"0.31\", features = [\"event\", \"net\"] }";
    let members = [("a", member("a", ring)), ("b", member("b", sockets)), ("c", member("c", ""))];
    assert_eq!(accepted(&members), Ok(()));
}
