//! One thing broken at a time, in a copy of the book: each time the test of the book must fail.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::built::{Built, book, build, repository};
use super::checks;

/// A copy of the book and of the sources that its listings are cut from.
struct Copy(TempDir);

impl Copy {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        copy(&repository().join("book"), &folder.path().join("book"));
        for file in checks::listed() {
            let to = folder.path().join(file.strip_prefix(repository()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file, to).unwrap();
        }
        Self(folder)
    }

    /// Puts one text in the place of another, which must be there.
    fn change(&self, file: &str, from: &str, to: &str) {
        change(&self.0.path().join(file), from, to);
    }

    /// Everything that is wrong with it.
    fn faults(&self) -> String {
        let pages = self.0.path().join("built");
        let source = self.0.path().join("book/src");
        match build(&self.0.path().join("book"), &pages) {
            Err(why) => why,
            Ok(()) => checks::all(&Built { pages, source }).join("\n"),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{}: there is no {from:?} to break", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_copy_that_nobody_broke_is_whole() {
    assert_eq!(Copy::new().faults(), "");
}

#[test]
fn a_broken_anchor_is_seen() {
    for (from, to) in
        [("// ANCHOR: loop", "// ANCHOR: lop"), ("// ANCHOR_END: loop", "// the end of the loop")]
    {
        let copy = Copy::new();
        copy.change("src/servers/threads.rs", from, to);
        assert_ne!(copy.faults(), "", "{to}");
    }
}

#[test]
fn a_missing_source_is_seen() {
    let copy = Copy::new();
    fs::remove_file(copy.0.path().join("src/trials/getppid.rs")).unwrap();
    assert_ne!(copy.faults(), "");
}

#[test]
fn a_broken_include_is_seen() {
    let include = "{{#include ../../src/servers/epoll.rs:loop}}";
    for (broken, says) in [
        ("{{#include ../../src/servers/epol.rs:loop}}", "ERROR"),
        ("{{#include ../../src/servers/epoll.rs:lop}}", "no anchor `lop`"),
    ] {
        let copy = Copy::new();
        copy.change("book/src/reading.md", include, broken);
        let faults = copy.faults();
        assert!(faults.contains(says), "{broken}: {faults}");
    }
}

#[test]
fn a_broken_link_is_seen() {
    let copy = Copy::new();
    copy.change("book/src/choosing.md", "(lessons/4-sqpoll.md)", "(lessons/4-sqpol.md)");
    copy.change("book/src/introduction.md", "(glossary.md)", "(glossary.md#no-such-word)");
    let faults = copy.faults();
    assert!(faults.contains("4-sqpol.html leads to no page"), "{faults}");
    assert!(faults.contains("#no-such-word leads to no place"), "{faults}");
}

#[test]
fn a_place_of_the_frame_that_is_missing_or_unknown_is_seen() {
    for (from, to) in
        [("<!-- iolab: glossary -->", ""), ("<!-- iolab: glossary -->", "<!-- iolab: glosary -->")]
    {
        let copy = Copy::new();
        copy.change("book/src/glossary.md", from, to);
        assert_ne!(copy.faults(), "", "{to}");
    }
}

#[test]
fn a_figure_that_was_changed_is_seen() {
    let breaks: [(&str, &str, &str); 4] = [
        ("<title id=\"run-3-title\">", "<title id=\"run-3-title\"></title><title>", "has no title"),
        ("<desc id=\"run-3-desc\">", "<desc id=\"run-3-desc\"></desc><desc>", "has no description"),
        (">getppid</tspan>", ">getpid</tspan>", "is not what iolab draws now"),
        ("<figure class=\"io-run\" id=\"run-3\">", "<figure class=\"io-run\">", "has no figure"),
    ];
    let lesson = iolab::lesson::find("0").unwrap().read().unwrap();
    let html = &checks::pages(&book().pages)[&checks::page_of(&lesson)];
    for (from, to, says) in breaks {
        assert!(html.contains(from), "there is no {from:?} to break");
        let wrong = checks::figures_of(&lesson, &html.replacen(from, to, 1));
        assert!(wrong.iter().any(|what| what.contains(says)), "{to}: {wrong:?}");
    }
}
