//! A lesson's terms. A term is explained where the text first sets it in **strong**; using it before that
//! step is a mistake that [`EarlyUse`] names. A [`Glossary`] holds the terms of a whole course: what an
//! earlier lesson explained may be used in a later one.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::course::Place;
use super::model::{Block, Lesson, Step};
use super::prose::{self, Style};

/// A term of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The word.
    pub word: String,
    /// Other forms of it: the long form, an irregular plural. A plural by `s` needs no entry.
    pub also: Vec<String>,
    /// What it means, in a sentence.
    pub means: String,
    /// Index of the step that explains it.
    pub step: usize,
}

/// A term that is used before it is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyUse {
    /// The word.
    pub word: String,
    /// Index of the step that uses it.
    pub used_in: usize,
    /// Index of the step that explains it.
    pub explained_in: usize,
}

/// A term as it is written in the front matter: `ring = "…"` or `SQE = { also = ["…"], means = "…" }`.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a term is `word = \"meaning\"` or `word = { also = [\"form\"], means = \"meaning\" }`"
)]
pub(super) enum TermText {
    Short(String),
    Long { also: Vec<String>, means: String },
}

/// The terms with their steps.
///
/// # Errors
/// The word that no step sets in strong.
pub(super) fn build(written: BTreeMap<String, TermText>, steps: &[Step]) -> Result<Vec<Term>, String> {
    let strong: Vec<Vec<String>> = steps.iter().map(strong_words).collect();
    written
        .into_iter()
        .map(|(word, text)| {
            let (also, means) = match text {
                TermText::Short(means) => (Vec::new(), means),
                TermText::Long { also, means } => (also, means),
            };
            let forms = forms(&word, &also);
            let explains =
                |words: &Vec<String>| words.iter().any(|strong| forms.iter().any(|form| same(strong, form)));
            match strong.iter().position(explains) {
                Some(step) => Ok(Term { word, also, means, step }),
                None => Err(word),
            }
        })
        .collect()
}

impl Lesson {
    /// Uses of terms in steps before the one that explains them. A longer term hides a shorter one inside
    /// it: "completion queue" is no use of "completion".
    pub fn early_uses(&self) -> Vec<EarlyUse> {
        let terms: Vec<Vec<String>> = self.glossary.iter().map(Term::forms).collect();
        let mut early = Vec::new();
        for (used_in, step) in self.steps.iter().enumerate() {
            let said = said(step);
            for (index, term) in self.glossary.iter().enumerate().filter(|(_, term)| term.step > used_in) {
                if uses(&said, index, &terms) {
                    early.push(EarlyUse { word: term.word.clone(), used_in, explained_in: term.step });
                }
            }
        }
        early
    }
}

impl Term {
    /// Whether a text uses it, in any of its forms, as a whole word.
    pub fn is_in(&self, text: &str) -> bool {
        self.forms().iter().any(|form| find(text, form).is_some())
    }

    fn forms(&self) -> Vec<String> {
        forms(&self.word, &self.also)
    }
}

/// The terms of several lessons, in order of the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glossary {
    /// One for each word, whichever lessons explain it.
    pub terms: Vec<CourseTerm>,
}

/// A term of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseTerm {
    /// The word.
    pub word: String,
    /// Other forms of it, from all lessons.
    pub also: Vec<String>,
    /// What it means, as the first lesson that explains it says.
    pub means: String,
    /// The steps that explain it, one for each lesson that does; the first is the earliest.
    pub places: Vec<Place>,
    /// Meanings in later lessons that differ from the first, with their places: a term has one meaning, so
    /// a course has none of these.
    pub differing: Vec<(Place, String)>,
}

/// A term that a course uses before any lesson has explained it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseEarlyUse {
    /// The word.
    pub word: String,
    /// The step that uses it.
    pub used_in: Place,
    /// The first step that explains it.
    pub explained_in: Place,
}

impl Glossary {
    /// The terms of these lessons, in the order in which they are read.
    pub fn of(lessons: &[Lesson]) -> Self {
        let mut terms: Vec<CourseTerm> = Vec::new();
        for (lesson, term) in lessons
            .iter()
            .enumerate()
            .flat_map(|(at, lesson)| lesson.glossary.iter().map(move |term| (at, term)))
        {
            let place = Place { lesson, step: term.step };
            match terms.iter_mut().find(|known| same(&term.word, &known.word)) {
                Some(known) => known.add(place, term),
                None => terms.push(CourseTerm {
                    word: term.word.clone(),
                    also: term.also.clone(),
                    means: term.means.clone(),
                    places: vec![place],
                    differing: Vec::new(),
                }),
            }
        }
        terms.sort_by_key(|term| term.word.to_ascii_lowercase());
        Self { terms }
    }

    /// Uses of terms before the step that explains them first, lesson after lesson.
    pub fn early_uses(&self, lessons: &[Lesson]) -> Vec<CourseEarlyUse> {
        let terms: Vec<Vec<String>> = self.terms.iter().map(|term| forms(&term.word, &term.also)).collect();
        let mut early = Vec::new();
        for (lesson, of) in lessons.iter().enumerate() {
            for (step, said) in of.steps.iter().map(said).enumerate() {
                let used_in = Place { lesson, step };
                for (index, term) in self.terms.iter().enumerate() {
                    let explained_in = term.places[0];
                    if explained_in > used_in && uses(&said, index, &terms) {
                        early.push(CourseEarlyUse { word: term.word.clone(), used_in, explained_in });
                    }
                }
            }
        }
        early
    }
}

impl CourseTerm {
    /// Where it was first explained.
    pub fn first(&self) -> Place {
        self.places[0]
    }

    /// The step of a lesson that explains it, if one does.
    pub fn step_of(&self, lesson: usize) -> Option<usize> {
        self.places.iter().find(|place| place.lesson == lesson).map(|place| place.step)
    }

    fn add(&mut self, place: Place, term: &Term) {
        self.places.push(place);
        let new = term.also.iter().filter(|form| !self.also.contains(form));
        self.also.extend(new.cloned().collect::<Vec<_>>());
        if self.means != term.means {
            self.differing.push((place, term.means.clone()));
        }
    }
}

/// Whether a text uses the term of that index, given the forms of all terms: not where it is only part of a
/// longer one.
fn uses(said: &str, index: usize, terms: &[Vec<String>]) -> bool {
    let wanted = &terms[index];
    let is_in = |text: &str| wanted.iter().any(|form| find(text, form).is_some());
    // Most steps use few of the terms: what is not there at all is the common case.
    if !is_in(said) {
        return false;
    }
    let others = terms.iter().enumerate().filter(|(other, _)| *other != index).flat_map(|(_, forms)| forms);
    let longer = others.filter(|form| is_in(form));
    is_in(&longer.fold(said.to_owned(), |text, form| without(&text, form)))
}

/// Everything that a step says in words: its title, prose, questions and reasons; not code.
fn said(step: &Step) -> String {
    let mut said = vec![step.title.clone()];
    for block in &step.blocks {
        match block {
            Block::Prose(block) => said.extend(prose::texts(block).into_iter().map(|text| {
                text.iter().filter(|span| span.style != Style::Code).map(|span| span.text.as_str()).collect()
            })),
            Block::Predict(asked) => said.extend([asked.ask.clone(), asked.because.clone()]),
            Block::Lab(lab) => said.push(lab.why.clone()),
            Block::Insight(_) => {}
        }
    }
    said.join("\n")
}

fn strong_words(step: &Step) -> Vec<String> {
    let prose = step
        .blocks
        .iter()
        .filter_map(|block| if let Block::Prose(block) = block { Some(block) } else { None });
    prose
        .flat_map(prose::texts)
        .flatten()
        .filter(|span| span.style == Style::Strong)
        .map(|span| span.text.clone())
        .collect()
}

fn forms(word: &str, also: &[String]) -> Vec<String> {
    let singular =
        std::iter::once(word).chain(also.iter().map(String::as_str)).filter(|form| !form.is_empty());
    let mut forms: Vec<String> = singular.flat_map(|form| [format!("{form}s"), form.to_owned()]).collect();
    // The longest first: it is what is cut out.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}

fn without(text: &str, form: &str) -> String {
    let mut text = text.to_owned();
    while let Some(at) = find(&text, form) {
        text.replace_range(at..at + form.len(), "");
    }
    text
}

fn same(text: &str, form: &str) -> bool {
    if is_abbreviation(form) { text == form } else { text.eq_ignore_ascii_case(form) }
}

/// `SQE` is a term, `sqe` is a name in code.
fn is_abbreviation(word: &str) -> bool {
    word.chars().take(2).all(|c| c.is_ascii_uppercase())
}

/// Where `form` stands as a whole word. `io_uring` holds no "ring": an underscore is part of a word.
fn find(text: &str, form: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.char_indices().map(|(at, _)| at).find(|&at| {
        let Some(here) = text.get(at..at + form.len()) else { return false };
        same(here, form)
            && !text[..at].chars().next_back().is_some_and(is_word)
            && !text[at + form.len()..].chars().next().is_some_and(is_word)
    })
}
