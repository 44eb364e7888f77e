//! Where results and recordings go: what is wrong with a place is said before the start, and what it becomes later
//! ends nothing.

use std::fs;
use std::io::Read as _;

use serde_json::Value;

use super::program::{iolab, open_folder};

#[test]
fn a_result_without_a_place_is_no_run() {
    let (_folder, path) = open_folder();
    let mark = path.join("ran");
    let said = iolab("observe --output").with(path.join("no/such/folder")).and("-- touch").with(&mark).run();
    let complaint = said.complaint(1);
    assert!(complaint.contains("cannot write") && complaint.contains("ENOENT"), "{complaint}");
    assert!(!mark.exists(), "it was not started");
}

#[test]
fn a_result_stands_in_its_place_when_it_is_whole() {
    let (_folder, path) = open_folder();
    let place = path.join("result.json");
    fs::write(&place, "before").unwrap();
    let line = format!("cat {}; exit 4", place.display());
    let said = iolab("observe --format json --output").with(&place).and("-- sh -c").with(line).run();
    assert_eq!((said.code, said.stdout.as_str()), (Some(4), "before"), "{said:?}");
    let document: Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    assert_eq!(document["schema"], "iolab.observe/1");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing stands beside it");
    let unstarted = iolab("observe --output").with(path.join("other")).and("-- /no/such/program").run();
    unstarted.complaint(127);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nor of a run that was none");
}

/// The run cannot be made again, so its result is printed.
#[test]
fn a_result_that_loses_its_place_is_printed_beside() {
    let (_folder, path) = open_folder();
    let inner = path.join("inner");
    fs::create_dir(&inner).unwrap();
    let said = iolab("observe --format json --output")
        .with(inner.join("result.json"))
        .and("-- rm -r")
        .with(&inner)
        .run();
    let complaint = said.complaint(1);
    assert!(complaint.contains("\"iolab.observe/1\"") && complaint.contains("cannot write"), "{complaint}");
}

/// Its reader goes away; a disk that is full does the same.
#[test]
fn a_recording_that_cannot_go_on_ends_alone() {
    let (_folder, path) = open_folder();
    let pipe = path.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let program =
        iolab("observe --format json --record").with(&pipe).and("-- sh -c").with("sleep 0.3; exit 5");
    let running = program.start();
    let mut header = [0; 16];
    fs::File::open(&pipe).unwrap().read_exact(&mut header).unwrap();
    let said = running.end();
    assert_eq!(said.document(5)["processes"][0]["end"]["status"], 5);
    assert!(said.stderr.contains("cannot go on recording") && said.stderr.contains("ends early"), "{said:?}");
}
