//! `iolab grade` over a class: right and unfinished programs, one that does not compile, and hostile ones; in every
//! format. What strangers wrote is compiled and run in a cage, and nothing of it is left.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use iolab::exercise::{EXERCISES, Exercise, find};
use serde_json::Value;

#[path = "../common/schema.rs"]
mod schema;

const SCHEMA: schema::Schema = schema::Schema(include_str!("../../schemas/iolab.grade-1.schema.json"));

/// A class that has handed in, and the cache that all tests share.
struct Class {
    folder: tempfile::TempDir,
    cache: tempfile::TempDir,
}

fn exercise() -> &'static Exercise {
    find("switch-or-not").unwrap()
}

fn class() -> &'static Class {
    static CLASS: OnceLock<Class> = OnceLock::new();
    CLASS.get_or_init(|| {
        let class = Class { folder: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        let own = exercise();
        class.hands_in("ada", own, own.right[0].1);
        class.hands_in("ben", own, own.starter);
        class.hands_in("cyn", own, "fn main() { let x: u32 = \"no number\"; }");
        class.hands_in("dov", own, HOSTILE);
        // What lies beside the sources is never looked at.
        let folder = class.folder.path().join("eli").join(own.folder);
        class.hands_in("eli", own, own.right[1].1);
        fs::write(folder.join("build.rs"), "fn main() { loop {} }").unwrap();
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"x\"\nbuild = \"build.rs\"\n").unwrap();
        class
    })
}

/// Forks, floods, wants the machine's files and its network, and answers what the grader wants to hear.
const HOSTILE: &str = r#"
use std::io::BufRead;
fn main() {
    assert!(std::fs::read("/etc/shadow").is_err(), "read the passwords");
    let _ = std::fs::remove_dir_all("/var/tmp/iolab-grade-victim");
    let _ = std::net::TcpStream::connect(("127.0.0.1", VICTIM));
    for _ in 0..20 {
        if unsafe { libc::fork() } == 0 {
            unsafe { libc::setsid() };
            loop {
                println!("done done done done done done done done done done done done done done done");
            }
        }
    }
    for line in std::io::stdin().lock().lines() {
        println!("done {}", line.unwrap());
    }
}
"#;

impl Class {
    fn hands_in(&self, who: &str, exercise: &Exercise, text: &str) {
        let file = self.folder.path().join(who).join(exercise.folder).join("src/main.rs");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text.replace("VICTIM", &victim().local_addr().unwrap().port().to_string())).unwrap();
    }

    fn grade(&self, folder: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
        command.arg("grade").arg(folder).args(more).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.cache.path()).output().unwrap()
    }
}

/// A server of this machine that no submission may reach.
fn victim() -> &'static TcpListener {
    static VICTIM: OnceLock<TcpListener> = OnceLock::new();
    VICTIM.get_or_init(|| {
        let victim = TcpListener::bind("127.0.0.1:0").unwrap();
        victim.set_nonblocking(true).unwrap();
        victim
    })
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Whether this machine holds strangers' programs; where it does not, the command must say so and grade nothing.
fn is_held(output: &Output) -> bool {
    let refused = output.status.code() == Some(3);
    if refused {
        assert!(text(&output.stderr).contains("not held: "), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    !refused
}

#[test]
fn a_class_gets_a_table_and_a_document_that_agree() {
    let class = class();
    let output = class.grade(class.folder.path(), &["--format", "json"]);
    if !is_held(&output) {
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let document: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    SCHEMA.holds(&document);
    let rows = document["exercises"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["submission"].as_str().unwrap()).collect();
    assert_eq!(names, ["ada", "ben", "cyn", "dov", "eli"]);
    let all = rows[0]["points_max"].as_u64().unwrap();
    let points: Vec<_> = rows.iter().map(|row| row["points"].as_u64().unwrap()).collect();
    assert_eq!((points[0], points[4]), (all, all), "{document}");
    let failed = |row: &Value| {
        let criteria = row["criteria"].as_array().unwrap().iter();
        let failed = criteria.filter(|judged| judged["state"] != "pass");
        failed.map(|judged| judged["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut declared: Vec<_> = exercise().read().unwrap().starter_fails.into_iter().collect();
    let mut seen = failed(&rows[1]);
    declared.sort();
    seen.sort();
    assert_eq!(seen, declared, "the starter, as it is declared");
    assert!(text(&output.stdout).contains("it does not compile: error[E0308]: mismatched types"));
    assert!(points[3] < all, "what answers at once has done nothing: {}", rows[3]);
    assert!(victim().accept().is_err(), "nobody came");

    let plain = class.grade(class.folder.path(), &[]);
    assert_eq!(plain.status.code(), Some(1));
    let plain = text(&plain.stdout);
    for (name, points) in names.iter().zip(points) {
        let row = plain.lines().find(|line| line.trim_start().starts_with(&format!("{name}  ")));
        let row = row.unwrap_or_else(|| panic!("{name}: {plain}"));
        assert!(row.ends_with(&format!("{points}/{all}")), "{row}: the same points as in the document");
    }
}

#[test]
fn other_systems_get_the_same_in_their_own_words() {
    let class = class();
    let ada = class.folder.path().join("ada");
    let output = class.grade(&ada, &["--format", "junit"]);
    if !is_held(&output) {
        return;
    }
    let junit = text(&output.stdout);
    let criteria = exercise().read().unwrap().criteria.len();
    assert!(junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "), "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), criteria);
    assert_eq!(junit.matches("<failure").count(), 0);
    assert_eq!(output.status.code(), Some(0), "one who passed");

    let output = class.grade(&class.folder.path().join("ben"), &["--format", "github"]);
    let report: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    assert_eq!((report["version"].as_u64(), report["status"].as_str()), (Some(1), Some("fail")));
    assert_eq!(report["tests"].as_array().unwrap().len(), criteria);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn evidence_is_kept_where_it_is_asked_for() {
    let class = class();
    let evidence = tempfile::tempdir().unwrap();
    let path = evidence.path().display().to_string();
    let output = class.grade(&class.folder.path().join("ada"), &["--evidence", &path]);
    if !is_held(&output) {
        return;
    }
    let files: Vec<_> =
        fs::read_dir(evidence.path().join("ada")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let replay = Command::new(env!("CARGO_BIN_EXE_iolab")).arg("replay").arg(&file).output().unwrap();
        assert!(replay.status.success(), "{}: {replay:?}", file.display());
        assert!(text(&replay.stdout).contains("switch-or-not"), "{replay:?}");
    }
}

#[test]
fn what_is_no_submission_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let output = class().grade(empty.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("there is no exercise in "), "{output:?}");
    let output = class().grade(&empty.path().join("none"), &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(EXERCISES.len() >= 12);
}
