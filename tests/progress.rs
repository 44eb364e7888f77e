//! The journal of progress: what is written, what is read back, and what a damaged or forbidden file does.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/course.rs"]
mod course;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use iolab::lesson::Place;
use iolab::progress::{Book, Entry, Event, ExerciseEvent, Progress};
use serde_json::Value;

fn seen(step: usize) -> Event {
    Event::StepSeen { step }
}

fn answered(prediction: &str, answer: &str) -> Event {
    Event::Answered { prediction: prediction.into(), answer: answer.into() }
}

fn measured(prediction: &str, value: f64) -> Event {
    Event::Measured { prediction: prediction.into(), value }
}

fn folded(events: &[(&str, Event)]) -> Progress {
    let mut progress = Progress::default();
    events.iter().for_each(|(lesson, event)| progress.take(lesson, event.clone()));
    progress
}

#[test]
fn what_was_noted_is_there_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("deep/down");
    let mut book = Book::in_folder(&state);
    assert!(!state.exists(), "looking makes nothing");
    let events =
        [seen(1), seen(2), answered("batched", "1/16"), measured("batched", 0.03125), Event::Completed];
    for event in &events {
        book.note("rings", event.clone());
        // Each line is in the file when note() returns: a kill loses nothing.
        assert_eq!(Book::in_folder(&state).progress(), book.progress());
    }
    assert_eq!(book.trouble(), None);
    let known = book.progress().lesson("rings");
    assert_eq!((known.last_step, known.furthest(), known.completed), (Some(1), Some(1), true));
    assert_eq!((known.answers["batched"].as_str(), known.measured["batched"]), ("1/16", 0.03125));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join("progress.jsonl"))), (0o700, 0o600));
}

#[test]
fn every_line_is_json_and_says_when() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Book::in_folder(folder.path());
    book.note("rings", answered("a", "~2 \"calls\"\n\u{1b}"));
    book.note("rings", Event::PassedOver { prediction: "b".into() });
    let text = fs::read_to_string(folder.path().join("progress.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "what was typed cannot end a line: {text}");
    assert!(lines[0]["unix_ms"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!((&lines[0]["event"], &lines[1]["event"]), (&"answered".into(), &"passed-over".into()));
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn damaged_lines_are_passed_over_and_a_torn_one_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress.jsonl");
    let line = |event| Entry { unix_ms: 1, lesson: "rings".into(), event }.line().unwrap();
    let mut bytes = line(seen(1)).into_bytes();
    bytes.extend(
        b"not json\n{\"unix_ms\":1,\"lesson\":\"rings\",\"event\":\"of-a-later-version\"}\n\xff\xfe\n\0\n",
    );
    bytes.extend(line(answered("a", "2")).bytes());
    bytes.extend(b"{\"unix_ms\":1,\"lesson\":\"rings\",\"event\":\"step-se");
    fs::write(&path, &bytes).unwrap();
    let mut book = Book::in_folder(folder.path());
    assert_eq!(book.progress().lesson("rings").answers["a"], "2");
    book.note("rings", seen(2));
    let known = Book::in_folder(folder.path());
    assert_eq!(known.progress(), book.progress());
    assert_eq!(known.progress().lesson("rings").furthest(), Some(1));
    assert!(fs::read(&path).unwrap().starts_with(&bytes), "what stood there still stands there");
}

#[test]
fn two_at_once_do_not_tear_each_others_lines() {
    const EACH: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let write = |lesson: &'static str| {
        let folder = folder.path().to_owned();
        std::thread::spawn(move || {
            let mut book = Book::in_folder(folder);
            (1..=EACH).for_each(|step| book.note(lesson, seen(step)));
            assert_eq!(book.trouble(), None);
        })
    };
    [write("rings"), write("epoll"), write("sqpoll")].into_iter().for_each(|writer| writer.join().unwrap());
    let text = fs::read_to_string(folder.path().join("progress.jsonl")).unwrap();
    assert_eq!(text.lines().filter_map(Entry::read).count(), 3 * EACH);
    let book = Book::in_folder(folder.path());
    for lesson in ["rings", "epoll", "sqpoll"] {
        assert_eq!(book.progress().lesson(lesson).seen.len(), EACH);
    }
}

#[test]
fn where_nothing_can_be_written_it_is_said_once_and_all_else_works() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("a file");
    fs::write(&in_the_way, "").unwrap();
    let mut book = Book::in_folder(in_the_way.join("below"));
    let mut said: Vec<String> = book.trouble().into_iter().collect();
    for step in 1..4 {
        book.note("rings", seen(step));
        said.extend(book.trouble());
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("progress is not kept") && said[0].contains("IOLAB_STATE_DIR"), "{said:?}");
    assert_eq!(book.progress().lesson("rings").furthest(), Some(2), "within the session it is known");
}

#[test]
fn a_journal_that_is_no_file_is_left_alone() {
    let (folder, device) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("progress.jsonl")).unwrap();
    // Reading it would never end.
    std::os::unix::fs::symlink("/dev/zero", device.path().join("progress.jsonl")).unwrap();
    for place in [folder.path(), device.path()] {
        let mut book = Book::in_folder(place);
        assert!(book.trouble().unwrap().contains("not a regular file"));
        book.note("rings", seen(1));
        assert_eq!(book.trouble(), None);
    }
}

#[test]
fn a_lesson_begun_anew_forgets_what_was_said_and_not_what_was_read() {
    let before = [
        ("rings", seen(1)),
        ("rings", seen(7)),
        ("rings", answered("a", "2")),
        ("rings", measured("a", 2.0)),
        ("rings", Event::Completed),
        ("rings", Event::Begun),
    ];
    let progress = folded(&before);
    let known = progress.lesson("rings");
    assert!(known.answers.is_empty() && known.measured.is_empty() && known.last_step.is_none());
    assert!(known.completed && known.furthest() == Some(6));
}

#[test]
fn predictions_are_counted_as_made_judged_and_close() {
    let course = course::course();
    let lesson = &course.lessons[0];
    let progress = folded(&[
        ("blocking", answered("p9", "2")),
        ("blocking", measured("p9", 2.05)),
        ("blocking", answered("p10", "8")),
        ("blocking", measured("p10", 2.0)),
        ("blocking", answered("p11", "1")),
        ("blocking", answered("gone", "1")),
    ]);
    let score = progress.lesson("blocking").score(lesson);
    assert_eq!((score.asked, score.made, score.judged, score.close), (4, 3, 2, 1));
}

#[test]
fn a_shorter_lesson_than_the_journal_knows_opens_at_its_end() {
    let course = course::course();
    let progress = folded(&[("sqpoll", seen(500))]);
    assert_eq!(progress.resumes(&course), Some(Place { lesson: 4, step: 8 }));
    assert_eq!(progress.lesson("sqpoll").steps_seen(&course.lessons[4]), 0);
    assert_eq!(folded(&[("a lesson that is gone", seen(3))]).resumes(&course), None);
    assert_eq!(folded(&[("sqpoll", seen(0))]).lesson("sqpoll").last_step, Some(0));
}

/// `iolab` with these arguments and this folder for its state.
fn iolab(state: &std::path::Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    let said = command.args(arguments).env("IOLAB_STATE_DIR", state).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn home_is_told_in_lines_and_as_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let lines = iolab(folder.path(), &[]);
    assert!(lines.contains("3 io_uring rings") && !lines.contains("continue:"), "{lines}");
    assert!(lines.contains("iolab --help") && lines.contains("this machine: "), "{lines}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "looking writes nothing");
    let mut book = Book::in_folder(folder.path());
    [seen(1), seen(2), answered("batched", "1")]
        .into_iter()
        .for_each(|event| book.note("io-uring-rings", event));
    let lines = iolab(folder.path(), &["--format", "plain"]);
    assert!(lines.contains("continue: iolab lesson 3 (lesson 3, step 2: "), "{lines}");
    let document: Value = serde_json::from_str(&iolab(folder.path(), &["--format", "json"])).unwrap();
    assert_eq!(document["schema"], "iolab.home/1");
    assert_eq!((&document["continue"]["lesson"], &document["continue"]["step"]), (&3.into(), &2.into()));
    let lessons = document["lessons"].as_array().unwrap();
    let third = lessons.iter().find(|lesson| lesson["number"] == 3).unwrap();
    assert_eq!((&third["steps_seen"], &third["predictions_made"]), (&2.into(), &1.into()));
}

#[test]
fn home_tells_of_exercises_in_lines_and_as_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Book::in_folder(folder.path());
    book.note("io-uring-rings", seen(1));
    book.note_exercise("drain-the-edge", ExerciseEvent::HintTaken { criterion: "burst".into(), step: 2 });
    let lines = iolab(folder.path(), &["--format", "plain"]);
    let row = lines.lines().find(|line| line.contains("6 drain-the-edge")).unwrap();
    assert!(
        row.contains("Drain the edge") && row.contains("opened") && row.contains("2 hints taken"),
        "{row}"
    );
    assert!(
        lines.contains("continue: iolab exercise ") && lines.contains("exercises: 0 of 12 passed"),
        "{lines}"
    );
    let document: Value = serde_json::from_str(&iolab(folder.path(), &["--format", "json"])).unwrap();
    assert_eq!(document["continue_exercise"], "drain-the-edge");
    assert_eq!(document["continue"]["lesson"], 3, "the lesson is still told");
    let exercise = &document["exercises"].as_array().unwrap()[5];
    for (key, value) in [("name", "drain-the-edge"), ("title", "Drain the edge")] {
        assert_eq!(exercise[key], value);
    }
    assert_eq!(
        (&exercise["lesson"], &exercise["points"], &exercise["hints"]),
        (&2.into(), &10.into(), &2.into())
    );
    assert_eq!((&exercise["points_best"], &exercise["passed"]), (&0.into(), &false.into()));
    let last = iolab(folder.path(), &["lesson", "2", "--format", "plain", "--step", "16", "--replay"]);
    assert!(last.contains("\nexercises of this lesson: partial-writes, drain-the-edge"), "{last}");
    let about = iolab(folder.path(), &["exercise", "list", "6"]);
    assert!(about.contains("teaches:") && about.contains("state:    opened, 2 hints taken"), "{about}");
}
