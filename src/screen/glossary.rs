//! The terms of the course: those that the learner has met first, then the others with the step that will
//! explain them.

use super::app::{OpenLesson, Setting};
use super::paint::{width, wrap};
use super::text::Line;
use super::theme::Role;
use crate::lesson::{CourseTerm, Place};

/// From here on a word and its meaning stand side by side.
const SIDE_BY_SIDE_COLUMNS: u16 = 60;

/// Columns of the words, where they have some of their own.
const WORD_COLUMNS: u16 = 20;

pub(super) fn lines(setting: &Setting<'_>, open: Option<&OpenLesson>, columns: u16) -> Vec<Line> {
    let known = |term: &&CourseTerm| match open {
        Some(open) => is_met_in(term, open, setting),
        None => term.places.iter().any(|place| is_seen(*place, setting)),
    };
    let (met, others): (Vec<_>, Vec<_>) = setting.course.glossary.terms.iter().partition(known);
    let (here, there) = match open {
        Some(open) => {
            let number = setting.course.lessons[open.lesson].number;
            (format!("explained so far in lesson {number}"), "the others")
        }
        None => ("explained so far".to_owned(), "the others"),
    };
    let mut lines = Vec::new();
    for (title, terms) in [(here.as_str(), met), (there, others)] {
        if terms.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.push(vec![(title.to_owned(), Role::Title)]);
        for term in terms {
            let place = open.map_or(term.first(), |open| nearest(term, open));
            add(&mut lines, term, &setting.course.name(place), columns);
        }
    }
    if lines.is_empty() {
        lines.push(vec![("no lesson has a term yet".to_owned(), Role::Quiet)]);
    }
    lines
}

/// Whether the open lesson has explained it by now: on this step or on one that was seen before.
fn is_met_in(term: &CourseTerm, open: &OpenLesson, setting: &Setting<'_>) -> bool {
    term.step_of(open.lesson)
        .is_some_and(|step| step <= open.view.step || is_seen(Place { lesson: open.lesson, step }, setting))
}

fn is_seen(place: Place, setting: &Setting<'_>) -> bool {
    setting.progress.lesson(&setting.course.lessons[place.lesson].name).seen.contains(&place.step)
}

/// The place that explains it: in the open lesson, if that one does.
fn nearest(term: &CourseTerm, open: &OpenLesson) -> Place {
    term.step_of(open.lesson).map_or(term.first(), |step| Place { lesson: open.lesson, step })
}

fn add(lines: &mut Vec<Line>, term: &CourseTerm, place: &str, columns: u16) {
    let beside = columns >= SIDE_BY_SIDE_COLUMNS;
    let indent = if beside { WORD_COLUMNS } else { 2 };
    let mut label = term.word.clone();
    // A long word has the line for itself, as all have on a narrow screen.
    if !beside || width(&label) >= indent {
        lines.push(vec![(std::mem::take(&mut label), Role::Strong)]);
    }
    let room = columns.saturating_sub(indent);
    let mut means = wrap(&term.means, room);
    // The place ends the last line where it has room there.
    let last = means.last().map_or(0, |line| width(line));
    let fits = last.saturating_add(width(place)).saturating_add(2) <= room;
    let mut place = Some((place.to_owned(), Role::Quiet));
    if !fits {
        means.push(String::new());
    }
    let count = means.len();
    for (index, line) in means.into_iter().enumerate() {
        let first = std::mem::take(&mut label);
        let pad = usize::from(indent).saturating_sub(usize::from(width(&first)));
        let gap = if line.is_empty() { "" } else { "  " };
        let mut row = vec![(first, Role::Strong), (" ".repeat(pad), Role::Plain), (line, Role::Plain)];
        if index + 1 == count {
            row.push((gap.to_owned(), Role::Plain));
            row.extend(place.take());
        }
        lines.push(row);
    }
}
