//! Home as text: the lessons, how far the learner has come in each, how to go on.

use std::fmt::Write;

use super::Table;
use crate::lesson::{Course, Lesson};
use crate::progress::{LessonProgress, Progress};

/// All lessons, what was done in each, and what this machine allows.
pub fn home(course: &Course, progress: &Progress, machine: &str) -> String {
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
    if let Some(place) = progress.resumes(course) {
        let lesson = &course.lessons[place.lesson];
        let title = &lesson.steps[place.step].title;
        let _ = writeln!(out, "continue: iolab lesson {} ({}: {title})", lesson.number, course.name(place));
    }
    if let Some(first) = course.lessons.first() {
        let _ = writeln!(out, "open a lesson: iolab lesson {}", first.number);
    }
    let _ = writeln!(out, "all commands: iolab --help");
    let _ = writeln!(out, "this machine: {machine}");
    let _ = writeln!(out, "exercises: none in this version");
    out
}

/// What became of a lesson's predictions: those made, and those judged and close.
fn predictions(lesson: &Lesson, known: &LessonProgress) -> [String; 2] {
    let score = known.score(lesson);
    let close = if score.judged > 0 { format!("{} close", score.close) } else { String::new() };
    [format!("{} of {} made", score.made, score.asked), close]
}
