//! The lessons together: one glossary, in which each word means one thing and is explained before it is used.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/course.rs"]
mod course;

use iolab::lesson::{Course, Lesson, Place};

/// A lesson with these terms (as in the front matter) and these steps (as in the text).
fn lesson(folder: &'static str, terms: &str, steps: &[&str]) -> Lesson {
    let (number, name) = folder.split_once('-').unwrap();
    let number: u8 = number.parse().unwrap();
    let mut text = format!(
        "+++\nnumber = {number}\nname = \"{name}\"\ntitle = \"T\"\nminutes = 20\nservers = []\n[glossary]\n{terms}\n+++\n"
    );
    for (index, step) in steps.iter().enumerate() {
        text += &format!("\n## Step {}\n\n{step}\n", index + 1);
    }
    course::lesson(folder, text)
}

fn place(lesson: usize, step: usize) -> Place {
    Place { lesson, step }
}

#[test]
fn no_term_is_used_before_the_course_has_explained_it() {
    let course = Course::read().unwrap();
    let early: Vec<String> = course
        .glossary
        .early_uses(&course.lessons)
        .iter()
        .map(|early| {
            let [used, explained] = [early.used_in, early.explained_in].map(|place| course.name(place));
            format!("{:?} is used in {used} and explained first in {explained}", early.word)
        })
        .collect();
    assert!(early.is_empty(), "{}", early.join("\n"));
}

#[test]
fn a_term_means_the_same_in_every_lesson() {
    let course = Course::read().unwrap();
    let mut differing = Vec::new();
    for term in &course.glossary.terms {
        for (place, means) in &term.differing {
            let [first, later] = [term.first(), *place].map(|place| course.name(place));
            differing.push(format!("{:?}\n  {first}: {}\n  {later}: {means}", term.word, term.means));
        }
    }
    assert!(differing.is_empty(), "one text for each word, please:\n{}", differing.join("\n"));
}

#[test]
fn what_an_earlier_lesson_explained_may_be_used_and_not_the_other_way_round() {
    let first = lesson("00-a", "ring = \"R.\"", &["A head.", "A **ring**."]);
    let second =
        lesson("01-b", "head = \"H.\"\nring = \"R.\"", &["Each ring.", "A **ring** has a **head**."]);
    let course = Course::of(vec![first, second]);
    let early = course.glossary.early_uses(&course.lessons);
    assert_eq!(early.len(), 1, "{early:?}");
    assert_eq!(
        (early[0].word.as_str(), early[0].used_in, early[0].explained_in),
        ("head", place(0, 0), place(1, 1))
    );
}

#[test]
fn a_longer_term_of_another_lesson_is_no_use_of_the_shorter_one() {
    let first = lesson("00-a", "\"ring road\" = \"R.\"", &["A **ring road**."]);
    let second = lesson("01-b", "ring = \"R.\"", &["A **ring**."]);
    let course = Course::of(vec![first, second]);
    assert!(course.glossary.early_uses(&course.lessons).is_empty());
}

#[test]
fn a_word_of_several_lessons_is_one_term_with_all_its_places() {
    let first = lesson("00-a", "ring = { also = [\"rings of it\"], means = \"One.\" }", &["A **ring**."]);
    let second = lesson("02-b", "Ring = { also = [\"loop\"], means = \"Two.\" }", &["x", "A **loop**."]);
    let course = Course::of(vec![first, second]);
    let [term] = course.glossary.terms.as_slice() else { panic!("{:?}", course.glossary) };
    assert_eq!((term.means.as_str(), term.places.as_slice()), ("One.", &[place(0, 0), place(1, 1)][..]));
    assert_eq!(term.also, ["rings of it", "loop"]);
    assert_eq!(term.differing, [(place(1, 1), "Two.".to_owned())]);
    assert_eq!(course.name(term.places[1]), "lesson 2, step 2");
}

#[test]
fn every_lesson_says_what_it_is_for_and_every_exercise_is_for_something() {
    let course = Course::read().unwrap();
    for lesson in &course.lessons {
        assert!(
            (3..=5).contains(&lesson.objectives.len()),
            "lesson {}: {:?}",
            lesson.number,
            lesson.objectives
        );
        let asked = lesson.steps.iter().flat_map(|step| step.predictions());
        for id in asked.map(|asked| &asked.id) {
            let serves = lesson.objectives.iter().any(|goal| goal.predictions.contains(id));
            assert!(serves, "lesson {}: the prediction {id} serves no objective", lesson.number);
        }
        let here = |name: &String| {
            course.exercises.iter().any(|one| one.name == *name && one.manifest.lesson == lesson.number)
        };
        let named: Vec<_> = lesson.objectives.iter().flat_map(|goal| &goal.exercises).collect();
        assert!(named.iter().all(|name| here(name)), "lesson {}: {named:?}", lesson.number);
        for exercise in course.exercises.iter().filter(|exercise| exercise.manifest.lesson == lesson.number) {
            let serves = named.contains(&&exercise.name);
            assert!(serves, "lesson {}: the exercise {} serves no objective", lesson.number, exercise.name);
        }
    }
}
