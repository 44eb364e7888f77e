//! What can be found, each from its one table, and which of it a query means.

use crate::lesson::{Course, Place};
use crate::screen::keys::BINDINGS;
use crate::servers::SERVERS;
use crate::world::METRICS;
use crate::world::insight::INSIGHTS;

/// What kind of thing an entry is; in the order in which equally good ones are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Lesson,
    Step,
    Exercise,
    Term,
    Key,
    Metric,
    Server,
    Insight,
}

/// Something that can be found.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Other names that it is found by.
    pub also: Vec<String>,
    /// What there is to read about it: labels and texts; nothing for places, which speak for themselves.
    pub says: Vec<(&'static str, String)>,
    /// Where it leads.
    pub goes: Option<Goes>,
}

/// Where an entry leads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goes {
    /// To a lesson, or to a step of it; both from 0.
    Lesson {
        lesson: usize,
        /// Where the learner left it when `None`.
        step: Option<usize>,
    },
    /// To what there is to read about an exercise: its index.
    Exercise(usize),
}

/// How well a name fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Prefix,
    WordStart,
    Inside,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Lesson => "lesson",
            Self::Step => "step",
            Self::Exercise => "exercise",
            Self::Term => "term",
            Self::Key => "key",
            Self::Metric => "number",
            Self::Server => "server",
            Self::Insight => "insight",
        }
    }
}

/// Everything that can be found.
pub(super) fn entries(course: &Course) -> Vec<Entry> {
    let mut entries = places(course);
    entries.extend(course.exercises.iter().enumerate().map(|(index, exercise)| {
        let (name, manifest) = (format!("{} {}", exercise.number, exercise.name), &exercise.manifest);
        let number = format!("exercise {}", exercise.number);
        let also = vec![exercise.name.clone(), manifest.title.clone(), manifest.teaches.clone(), number];
        Entry { kind: Kind::Exercise, name, also, says: Vec::new(), goes: Some(Goes::Exercise(index)) }
    }));
    entries.extend(course.glossary.terms.iter().map(|term| {
        let mut says = vec![("means", term.means.clone())];
        if !term.also.is_empty() {
            says.push(("also", term.also.join(", ")));
        }
        says.extend(term.places.iter().map(|place| ("explained", course.name(*place))));
        let Place { lesson, step } = term.first();
        let (name, also) = (term.word.clone(), term.also.clone());
        Entry { kind: Kind::Term, name, also, says, goes: Some(Goes::Lesson { lesson, step: Some(step) }) }
    }));
    entries.extend(BINDINGS.iter().map(|binding| {
        let names: Vec<_> = binding.keys.iter().map(|key| key.name()).collect();
        let wheres: Vec<_> = binding.contexts.iter().map(|context| context.says()).collect();
        let name = format!("{}: {}", names.join(" "), binding.says);
        let says = vec![("does", binding.says.to_owned()), ("works", wheres.join(", "))];
        let also = names.into_iter().chain([binding.says.to_owned()]).collect();
        Entry { kind: Kind::Key, name, also, says, goes: None }
    }));
    entries.extend(METRICS.iter().map(|row| {
        let check = if row.check.is_empty() { "only the client knows" } else { row.check };
        let says = [("means", row.meaning), ("measured", row.how), ("error", row.error), ("check it", check)];
        let name = format!("{}, {}", row.label, row.unit);
        entry(Kind::Metric, name, row.key, &says)
    }));
    entries.extend(SERVERS.iter().map(|row| {
        let run = format!("iolab serve {}", row.name);
        entry(Kind::Server, row.name.to_owned(), row.name, &[("is", row.says), ("run it", &run)])
    }));
    entries.extend(INSIGHTS.iter().map(|row| {
        entry(Kind::Insight, row.title.to_owned(), row.id, &[("is", row.general), ("mend it", row.fix)])
    }));
    entries
}

fn entry(kind: Kind, name: String, also: &str, says: &[(&'static str, &str)]) -> Entry {
    let says = says.iter().map(|(label, text)| (*label, (*text).to_owned())).collect();
    Entry { kind, name, also: vec![also.to_owned()], says, goes: None }
}

/// Lessons and their steps.
fn places(course: &Course) -> Vec<Entry> {
    let place = |kind, name, also, lesson, step| Entry {
        kind,
        name,
        also,
        says: Vec::new(),
        goes: Some(Goes::Lesson { lesson, step }),
    };
    let lessons = course.lessons.iter().enumerate().map(|(index, lesson)| {
        let also = vec![format!("lesson {}", lesson.number), lesson.title.clone(), lesson.name.clone()];
        place(Kind::Lesson, format!("{} {}", lesson.number, lesson.title), also, index, None)
    });
    let steps = course.lessons.iter().enumerate().flat_map(|(index, lesson)| {
        lesson
            .steps
            .iter()
            .enumerate()
            .map(move |(step, of)| place(Kind::Step, of.title.clone(), Vec::new(), index, Some(step)))
    });
    lessons.chain(steps).collect()
}

/// Indices of the entries that a query means, the best first. An empty query means all.
pub(super) fn found(entries: &[Entry], query: &str) -> Vec<usize> {
    let query = query.trim().to_ascii_lowercase();
    let mut found: Vec<_> = entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let names = std::iter::once(&entry.name).chain(&entry.also);
            Some((names.filter_map(|name| fit(name, &query)).min()?, entry.kind, index))
        })
        .collect();
    if !query.is_empty() {
        found.sort();
    }
    found.into_iter().map(|(.., index)| index).collect()
}

fn fit(name: &str, query: &str) -> Option<Fit> {
    let name = name.to_ascii_lowercase();
    if name.starts_with(query) {
        return Some(if name.len() == query.len() { Fit::Whole } else { Fit::Prefix });
    }
    let mut fits = name.match_indices(query).map(|(at, _)| {
        let before = name[..at].chars().next_back();
        if before.is_some_and(char::is_alphanumeric) { Fit::Inside } else { Fit::WordStart }
    });
    let first = fits.next()?;
    Some(fits.fold(first, Fit::min))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_fits_better_than_a_word_in_it_and_that_better_than_letters() {
        assert_eq!(fit("SQE", "sqe"), Some(Fit::Whole));
        assert_eq!(fit("io_uring rings", "io"), Some(Fit::Prefix));
        assert_eq!(fit("io_uring rings", "ring"), Some(Fit::WordStart));
        assert_eq!(fit("io_uring", "ring"), Some(Fit::Inside));
        assert_eq!(fit("io_uring", "uring"), Some(Fit::WordStart));
        assert_eq!(fit("epoll", "ring"), None);
        assert_eq!(fit("Überlauf", "lauf"), Some(Fit::Inside));
    }

    #[test]
    fn every_entry_is_found_by_its_own_name_and_has_something_to_give() {
        let course = Course::read().unwrap();
        let entries = entries(&course);
        for (index, entry) in entries.iter().enumerate() {
            assert!(found(&entries, &entry.name).contains(&index), "{entry:?}");
            assert!(entry.goes.is_some() || !entry.says.is_empty(), "{entry:?}");
        }
        assert_eq!(found(&entries, " "), (0..entries.len()).collect::<Vec<_>>());
        assert!(found(&entries, "no such thing").is_empty());
    }
}
