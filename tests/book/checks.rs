//! What must hold of a built book. Each check answers with what is wrong, so that a broken copy can be checked too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use iolab::book;
use iolab::lesson::{Course, Lesson};

use super::built::{Built, repository};
use super::html::{Piece, element, pieces, text};

/// A page may be so large, fonts and theme aside.
const PAGE_BYTES_MAX: usize = 300_000;

/// Everything that is wrong with a built book.
pub fn all(built: &Built) -> Vec<String> {
    let pages = pages(&built.pages);
    let mut wrong = includes(&built.source);
    wrong.extend(links(&pages));
    wrong.extend(sizes(&pages));
    wrong.extend(figures(&pages));
    wrong
}

/// The pages of a book by their path in it.
pub type Pages = BTreeMap<PathBuf, String>;

/// Reads every page.
pub fn pages(root: &Path) -> Pages {
    let mut pages = Pages::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "html") {
            pages.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read_to_string(&path).unwrap());
        }
    }
    assert!(!pages.is_empty(), "no page below {}", root.display());
    pages
}

/// Includes of the frame that name a file or an anchor that is not there. mdBook itself leaves a hole for an anchor.
fn includes(source: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()) {
        let markdown = fs::read_to_string(&file).unwrap();
        for include in markdown.split("{{#include ").skip(1) {
            let include = include.split("}}").next().unwrap_or_default();
            let (path, anchor) = include.split_once(':').unwrap_or((include, ""));
            wrong.extend(
                included(&source.join(path), anchor).err().map(|why| format!("{}: {why}", file.display())),
            );
        }
    }
    wrong
}

fn included(path: &Path, anchor: &str) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let parts = book::parts(&path.display().to_string(), &text).map_err(|fault| fault.to_string())?;
    match parts.iter().any(|part| part.name == anchor) {
        true => Ok(()),
        false => Err(format!("{} has no anchor `{anchor}`", path.display())),
    }
}

/// Links inside of the book that lead nowhere: a page that is not there, a place in it that is not there.
fn links(pages: &Pages) -> Vec<String> {
    let ids: BTreeMap<&PathBuf, BTreeSet<String>> =
        pages.iter().map(|(path, html)| (path, ids(html))).collect();
    let mut wrong = Vec::new();
    for (path, html) in pages.iter().filter(|(path, _)| !is_of_the_theme(path)) {
        for piece in pieces(html) {
            let Some(href) = piece.attribute("href").filter(|_| piece.opens("a")) else { continue };
            if href.contains("://") || href.is_empty() {
                continue;
            }
            let (page, place) = href.split_once('#').unwrap_or((href, ""));
            let target = if page.is_empty() { path.clone() } else { beside(path, page) };
            match ids.get(&target) {
                None => wrong.push(format!("{}: the link {href} leads to no page", path.display())),
                Some(ids) if !place.is_empty() && !ids.contains(place) => {
                    wrong.push(format!("{}: the link {href} leads to no place in its page", path.display()));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

/// Pages that mdBook makes for itself.
fn is_of_the_theme(path: &Path) -> bool {
    [Path::new("404.html"), Path::new("toc.html")].contains(&path)
}

fn ids(html: &str) -> BTreeSet<String> {
    pieces(html).iter().filter_map(|piece| piece.attribute("id").map(str::to_owned)).collect()
}

/// A path that is written in a page.
fn beside(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap_or(Path::new("")).to_path_buf();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

fn sizes(pages: &Pages) -> Vec<String> {
    let too_large = pages.iter().filter(|(_, html)| html.len() > PAGE_BYTES_MAX);
    too_large.map(|(path, html)| format!("{}: {} bytes are too many", path.display(), html.len())).collect()
}

/// Figures without a title, a description or the same in words; figures that are not what iolab draws now; recorded runs
/// without a figure.
fn figures(pages: &Pages) -> Vec<String> {
    Course::read()
        .unwrap()
        .lessons
        .iter()
        .flat_map(|lesson| figures_of(lesson, &pages[&page_of(lesson)]))
        .collect()
}

/// The page of a lesson.
pub fn page_of(lesson: &Lesson) -> PathBuf {
    PathBuf::from(format!("lessons/{}-{}.html", lesson.number, lesson.name))
}

/// The same of one lesson, whose page is this.
pub fn figures_of(lesson: &Lesson, html: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let page = pieces(html);
    let drawn = page.iter().filter(|piece| piece.opens("figure")).count();
    let mut recorded = 0;
    for step in 0..lesson.steps.len() {
        let Some(recording) = book::recording(lesson, step).unwrap() else { continue };
        recorded += 1;
        let place = format!("lesson {}, step {}", lesson.number, step + 1);
        let id = format!("run-{}", step + 1);
        let Some(at) = page.iter().position(|piece| piece.attribute("id") == Some(&id)) else {
            wrong.push(format!("{place}: the recorded run has no figure"));
            continue;
        };
        let says = iolab::plain::lab_of_step(recording.lab, &recording.world());
        let now = pieces(&recording.figure().svg());
        wrong.extend(
            figure(element(&page, at), &now, &says).into_iter().map(|what| format!("{place}: {what}")),
        );
    }
    if drawn != recorded {
        wrong.push(format!("lesson {}: {drawn} figures of {recorded} recorded runs", lesson.number));
    }
    wrong
}

/// What is wrong with one figure, given what is drawn now and said of it.
fn figure(figure: &[Piece], now: &[Piece], says: &str) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let inside = |name: &str| {
        let at = figure.iter().position(|piece| piece.opens(name));
        at.map(|at| text(element(figure, at)).trim().to_owned()).unwrap_or_default()
    };
    if inside("title").is_empty() {
        wrong.push("the figure has no title");
    }
    if inside("desc").is_empty() {
        wrong.push("the figure has no description");
    }
    if inside("pre") != says.trim() {
        wrong.push("what is said in words is not what iolab says now");
    }
    let svg = figure.iter().position(|piece| piece.opens("svg"));
    if svg.is_none_or(|at| element(figure, at) != now) {
        wrong.push("the figure is not what iolab draws now");
    }
    wrong
}

/// The text of every file of the repository that the book's listings are cut from.
pub fn listed() -> Vec<PathBuf> {
    book::files(&Course::read().unwrap()).into_iter().map(|file| repository().join(file)).collect()
}
