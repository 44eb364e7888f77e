//! Puts what is written elsewhere into the frame of the book, where it has a line `<!-- iolab: NAME -->`.

use super::html::{block, escaped};
use super::lesson::{href, path};
use super::{Book, Chapter, Fault, Listings, choosing, claims, exercise, lesson, tables};
use crate::lesson::{Course, Step};

/// What the book is made of.
#[derive(Debug)]
pub struct Material<'m> {
    /// Lessons, exercises and terms.
    pub course: &'m Course,
    /// The sources that listings are cut from.
    pub listings: &'m Listings,
    /// The reference of the commands, in Markdown.
    pub commands: &'m str,
    /// The recorded run of the page on choosing, as JSON.
    pub choosing: &'m str,
    /// The recorded verdicts of the claims court, as JSON, if there are any.
    pub claims: Option<&'m str>,
    /// The recorded kernel facts likewise.
    pub facts: Option<&'m str>,
}

/// The places that the frame has to have, each once.
const PLACES: [&str; 9] =
    ["lessons", "exercises", "choosing", "claims", "facts", "glossary", "metrics", "insights", "commands"];

const BEGINS: &str = "<!-- iolab:";
const ENDS: &str = "-->";

/// Fills every place of the frame.
///
/// # Errors
/// A place that is missing, twice there or unknown; a recording or a listing that cannot be had.
pub fn fill(book: &mut Book, material: &Material<'_>) -> Result<(), Fault> {
    check(book)?;
    for chapter in book.chapters_mut() {
        let Some((at, name)) = place(chapter)? else { continue };
        let text = text(name, material, chapter)?;
        chapter.content.replace_range(at, &text);
    }
    Ok(())
}

/// Whether the frame has each place once: looked at before anything is drawn, which takes longer.
fn check(book: &mut Book) -> Result<(), Fault> {
    let mut found: Vec<&str> = Vec::new();
    for chapter in book.chapters_mut() {
        let Some((_, name)) = place(chapter)? else { continue };
        if found.contains(&name) {
            return Err(Fault::new(format!("book/src: a second line <!-- iolab: {name} -->")));
        }
        found.push(name);
    }
    match PLACES.iter().find(|name| !found.contains(*name)) {
        Some(missing) => Err(Fault::new(format!("book/src: no line <!-- iolab: {missing} --> anywhere"))),
        None => Ok(()),
    }
}

/// The place that a chapter has, if it has one, and its name.
fn place(chapter: &Chapter) -> Result<Option<(std::ops::Range<usize>, &'static str)>, Fault> {
    let Some(from) = chapter.content.find(BEGINS) else { return Ok(None) };
    let rest = &chapter.content[from + BEGINS.len()..];
    let length = rest.find(ENDS).unwrap_or(rest.len());
    let wanted = rest[..length].trim();
    let name = PLACES.iter().find(|name| **name == wanted).ok_or_else(|| {
        Fault::new(format!("book/src: there is nothing to put in for <!-- iolab: {wanted} -->"))
    })?;
    Ok(Some((from..from + BEGINS.len() + length + ENDS.len(), name)))
}

fn text(name: &str, material: &Material<'_>, chapter: &mut Chapter) -> Result<String, Fault> {
    let course = material.course;
    Ok(match name {
        "lessons" => {
            for lesson in &course.lessons {
                let page = lesson::page(lesson, material.listings)?;
                chapter.add(&lesson.heading(), path(lesson), exercise::linked(course, lesson, &page));
            }
            lessons(course)
        }
        "exercises" => {
            for posed in &course.exercises {
                let name = format!("{} {}", posed.number, posed.manifest.title);
                chapter.add(&name, exercise::page_path(posed), exercise::page(course, posed));
            }
            exercise::table(course)
        }
        "choosing" => choosing::table(material.choosing)?,
        "claims" => claims::chapter(material.claims)?,
        "facts" => claims::facts(material.facts)?,
        "glossary" => tables::glossary(course),
        "metrics" => tables::metrics(),
        "insights" => tables::insights(course),
        _ => material.commands.to_owned(),
    })
}

/// The lessons in a table.
fn lessons(course: &Course) -> String {
    let mut rows = String::new();
    for lesson in &course.lessons {
        let asks: usize = lesson.steps.iter().map(|step: &Step| step.predictions().count()).sum();
        rows += &format!(
            "<tr><td>{}</td><td><a href=\"{}\">{}</a></td><td>{}</td><td>{asks}</td><td>{}</td></tr>\n",
            lesson.number,
            href(&path(lesson)),
            escaped(&lesson.title),
            lesson.steps.len(),
            lesson.minutes
        );
    }
    block(&format!(
        "<div class=\"table-wrapper\"><table>\n<thead><tr><th></th><th>lesson</th><th>steps</th><th>predictions</th>\
         <th>min</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>"
    ))
}
