//! Home as text: the lessons and exercises, how far the learner has come in each, how to go on.

use std::fmt::Write;

use super::Table;
use crate::lesson::{Course, Lesson};
use crate::progress::{GoesOn, LessonProgress, Progress};

/// All lessons and exercises, what was done in each, and what this machine allows; `has_workspace`: whether exercises
/// can be worked at where iolab was started.
pub fn home(course: &Course, progress: &Progress, machine: &str, has_workspace: bool) -> String {
    let mut table = Table::new();
    table.row(["lesson", "minutes", "steps seen", "predictions", ""]);
    for lesson in &course.lessons {
        let known = progress.lesson(&lesson.name);
        let seen = format!("{} of {}", known.steps_seen(lesson), lesson.steps.len());
        let [made, close] = predictions(lesson, known);
        table.row([
            format!("{} {}", lesson.number, lesson.title),
            lesson.minutes.to_string(),
            seen,
            made,
            close,
        ]);
    }
    let mut out = String::from("iolab: Linux I/O, the kernel is the teacher\n\n");
    table.lines().iter().for_each(|line| {
        let _ = writeln!(out, "{line}");
    });
    out.push('\n');
    for line in exercises(course, progress) {
        let _ = writeln!(out, "{line}");
    }
    match progress.goes_on(course) {
        Some(GoesOn::Lesson(place)) => {
            let lesson = &course.lessons[place.lesson];
            let title = &lesson.steps[place.step].title;
            let _ =
                writeln!(out, "continue: iolab lesson {} ({}: {title})", lesson.number, course.name(place));
        }
        Some(GoesOn::Exercise(index)) => {
            let exercise = &course.exercises[index];
            let standing = progress.exercise(&exercise.name).standing(exercise.manifest.points).says();
            let (command, number) = (exercise.command(has_workspace), exercise.number);
            let title = &exercise.manifest.title;
            let _ = writeln!(out, "continue: {command} (exercise {number}, {title}: {standing})");
        }
        None => {}
    }
    if let Some(first) = course.lessons.first() {
        let _ = writeln!(out, "open a lesson: iolab lesson {}", first.number);
    }
    if !course.exercises.is_empty() {
        let command = if has_workspace { "iolab exercise watch NAME" } else { "iolab exercise init" };
        let _ = writeln!(out, "work at an exercise: {command}");
        let _ = writeln!(out, "what an exercise is about: iolab exercise list NAME");
    }
    let _ = writeln!(out, "all commands: iolab --help");
    let _ = writeln!(out, "this machine: {machine}");
    let all = course.exercises.len();
    if all > 0 {
        let _ = writeln!(out, "exercises: {} of {all} passed", progress.exercises_passed(course));
    }
    out
}

/// The table of exercises, with an empty line behind it; nothing where there are none.
fn exercises(course: &Course, progress: &Progress) -> Vec<String> {
    if course.exercises.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new();
    table.row(["exercise", "lesson", "minutes", "state", ""]);
    for exercise in &course.exercises {
        let (known, manifest) = (progress.exercise(&exercise.name), &exercise.manifest);
        table.row([
            format!("{} {}: {}", exercise.number, exercise.name, manifest.title),
            manifest.lesson.to_string(),
            manifest.minutes.to_string(),
            known.standing(manifest.points).says(),
            known.says_hints().unwrap_or_default(),
        ]);
    }
    let mut lines = table.lines();
    lines.push(String::new());
    lines
}

/// What became of a lesson's predictions: those made, and those judged and close.
fn predictions(lesson: &Lesson, known: &LessonProgress) -> [String; 2] {
    let score = known.score(lesson);
    let close = if score.judged > 0 { format!("{} close", score.close) } else { String::new() };
    [format!("{} of {} made", score.made, score.asked), close]
}
