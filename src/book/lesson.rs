//! The page of a lesson.

use super::html::{block, escaped, slug};
use super::listing::{Listings, programs};
use super::run::{Recording, earlier, recording};
use super::{Fault, predict, prose};
use crate::lesson::{Block, Lab, Lesson, Step};
use crate::world::insight;

/// Where the page of a lesson is, from the book's root.
pub(super) fn path(lesson: &Lesson) -> String {
    format!("lessons/{}-{}.md", lesson.number, lesson.name)
}

/// The address of a page, as links write it.
pub(super) fn href(path: &str) -> String {
    format!("{}.html", path.trim_end_matches(".md"))
}

/// The id of a step in its page.
pub(super) fn anchor(step: usize) -> String {
    format!("step-{}", step + 1)
}

/// The page. A program is listed below the first of its labs that runs it.
///
/// # Errors
/// A recording or a listing that is missing or broken.
pub(super) fn page(lesson: &Lesson, listings: &Listings) -> Result<String, Fault> {
    let mut shown = Vec::new();
    let mut out = format!("# {}\n\n", lesson.heading());
    out += &block(&format!(
        "<p class=\"io-meta\">About {} minutes. In a terminal, with servers that really run: <code>iolab lesson {}</code></p>",
        lesson.minutes, lesson.number
    ));
    out += &objectives(lesson);
    for (index, step) in lesson.steps.iter().enumerate() {
        out += &format!("## {}. {} {{#{}}}\n\n", index + 1, heading(&step.title), anchor(index));
        out += &one_step(lesson, index, step, listings, &mut shown)?;
    }
    Ok(out)
}

/// What a reader can do in the end.
fn objectives(lesson: &Lesson) -> String {
    let goals: String =
        lesson.objectives.iter().map(|goal| format!("<li>{}</li>\n", escaped(&goal.says))).collect();
    match goals.is_empty() {
        true => goals,
        false => block(&format!(
            "<div class=\"io-goals\"><p>When you are through, you can</p>\n<ul>\n{goals}</ul></div>"
        )),
    }
}

/// A title in Markdown.
pub(super) fn heading(title: &str) -> String {
    let mut out = String::new();
    for c in title.chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn one_step(
    lesson: &Lesson,
    index: usize,
    step: &Step,
    listings: &Listings,
    shown: &mut Vec<String>,
) -> Result<String, Fault> {
    let recorded = recording(lesson, index)?;
    let world = recorded.as_ref().map(Recording::world);
    let mut out = String::new();
    for part in &step.blocks {
        match part {
            Block::Prose(prose) => out += &prose::prose(prose),
            Block::Predict(asked) => out += &predict::predict(asked, world.as_ref()),
            // It is told below the run: before, it would answer what is asked.
            Block::Insight(_) => {}
            Block::Lab(lab) => {
                let listings = new_listings(lab, listings, shown)?;
                match &recorded {
                    Some(recorded) => out += &run(step, recorded, &listings),
                    None => out += &(on_a_terminal(lesson, index) + &listings),
                }
            }
        }
    }
    Ok(out)
}

/// What a page says of a step that shows an earlier step's run in a way that only a terminal has.
fn on_a_terminal(lesson: &Lesson, step: usize) -> String {
    let Some(earlier) = earlier(lesson, step) else { return String::new() };
    block(&format!(
        "<p class=\"io-meta\">This step is for a terminal: <code>iolab lesson {} --step {}</code>. Its run is that of \
         <a href=\"#{}\">{}</a>.</p>",
        lesson.number,
        step + 1,
        anchor(earlier),
        escaped(&lesson.steps[earlier].title)
    ))
}

/// The programs of a lab that the page does not list yet.
fn new_listings(lab: &Lab, listings: &Listings, shown: &mut Vec<String>) -> Result<String, Fault> {
    let new: Vec<_> = programs(lab).into_iter().filter(|program| !program.is_known(shown)).collect();
    new.iter().map(|program| program.html(listings)).collect()
}

/// The recorded run and what it ran; where the step asks first, folded away until it is answered: what a program says of itself
/// would answer, too.
fn run(step: &Step, recorded: &Recording<'_>, listings: &str) -> String {
    let notes: String =
        step.insights().map(|provoked| insight_note(&provoked.id, &provoked.server)).collect();
    let figure = recorded.figure().html() + &notes + listings;
    if step.predictions().next().is_none() {
        return figure;
    }
    // One block: what comes after the figure follows without an empty line.
    let figure = figure.trim_end().replace("\n\n", "\n");
    block(&format!("<details class=\"io-after\"><summary>The recorded run</summary>\n{figure}\n</details>"))
}

/// What an insight is about that the lab of the step provokes.
fn insight_note(id: &str, server: &str) -> String {
    let Some(insight) = insight::by_id(id) else { return String::new() };
    block(&format!(
        "<p class=\"io-insight\">In the run of <code>{}</code> an insight speaks up: \
         <a href=\"../insights.html#{}\">{}</a>.</p>",
        escaped(server),
        slug(id),
        escaped(insight.title)
    ))
}
