//! The pages of the exercises: their READMEs.

use super::html::{block, escaped};
use super::lesson::{href, path};
use crate::exercise::{EXERCISES, Posed};
use crate::lesson::{Course, Lesson};

/// Where the page of an exercise is, from the book's root.
pub(super) fn page_path(exercise: &Posed) -> String {
    format!("exercises/{:02}-{}.md", exercise.number, exercise.name)
}

/// The page: what belongs to the exercise in a line, then its README as it is.
pub(super) fn page(course: &Course, exercise: &Posed) -> String {
    let readme = EXERCISES.iter().find(|row| row.number() == exercise.number).map_or("", |row| row.readme);
    let (title, rest) = readme.split_once('\n').unwrap_or((readme, ""));
    let lesson = course.lessons.iter().find(|lesson| lesson.number == exercise.manifest.lesson);
    let lesson = lesson.map(|lesson| {
        format!(
            "It belongs to <a href=\"../{}\">lesson {}</a>. ",
            href(&path(lesson)),
            escaped(&lesson.heading())
        )
    });
    let meta = format!(
        "<p class=\"io-meta\">Exercise {}: {}. {}To begin: <code>iolab exercise watch {}</code></p>",
        exercise.number,
        escaped(&exercise.takes()),
        lesson.unwrap_or_default(),
        escaped(&exercise.name)
    );
    format!("{title}\n\n{}{}", block(&meta), rest.trim_start())
}

/// All of them in a table, for a page at the book's root.
pub(super) fn table(course: &Course) -> String {
    let mut rows = String::new();
    for exercise in &course.exercises {
        rows += &format!(
            "<tr><td>{}</td><td><a href=\"{}\">{}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            exercise.number,
            href(&page_path(exercise)),
            escaped(&exercise.manifest.title),
            exercise.manifest.lesson,
            exercise.manifest.minutes,
            escaped(&exercise.needs())
        );
    }
    block(&format!(
        "<div class=\"table-wrapper\"><table>\n<thead><tr><th></th><th>exercise</th><th>lesson</th><th>min</th><th>needs</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>"
    ))
}

/// The page of a lesson with the exercises that its last step names as links.
pub(super) fn linked(course: &Course, lesson: &Lesson, page: &str) -> String {
    let (before, last) = page.split_at(page.rfind("\n## ").unwrap_or(page.len()));
    let mine = course.exercises.iter().filter(|exercise| exercise.manifest.lesson == lesson.number);
    let last = mine.fold(last.to_owned(), |last, exercise| {
        let name = format!("<code>{}</code>", escaped(&exercise.name));
        let link = format!("<a href=\"../{}\">{name}</a>", href(&page_path(exercise)));
        last.replacen(&name, &link, 1)
    });
    before.to_owned() + &last
}
