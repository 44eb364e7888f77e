//! The ladder of exercises as text: by lesson, with points, and how far the learner is.

use std::fmt::Write;

use super::Table;
use super::verdict::{Style, state, wrapped};
use crate::exercise::{Manifest, State};
use crate::lesson::Course;
use crate::progress::{ExerciseProgress, Progress};

/// One exercise, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// Its number on the ladder.
    pub number: u8,
    /// Its name.
    pub name: &'r str,
    /// What it asks for.
    pub manifest: &'r Manifest,
    /// How far the learner is.
    pub progress: &'r ExerciseProgress,
    /// Whether it is open in the workspace at hand.
    pub is_open: bool,
}

impl Row<'_> {
    /// How far the learner is, in a word or a few.
    pub fn standing(&self) -> &'static str {
        match self.progress {
            ExerciseProgress { passed: Some(_), solution_seen_first: true, .. } => {
                "passed after its solution"
            }
            ExerciseProgress { passed: Some(_), .. } => "passed",
            ExerciseProgress { last: Some(_), .. } => "not passed yet",
            _ if self.is_open => "open",
            _ => "",
        }
    }
}

/// All exercises. `next` says how to go on.
pub fn exercises(rows: &[Row<'_>], next: &str, style: Style) -> String {
    let mut out = String::new();
    let mut lessons: Vec<u8> = rows.iter().map(|row| row.manifest.lesson).collect();
    lessons.sort_unstable();
    lessons.dedup();
    // One table, so that columns of all lessons stand in line.
    let mut table = Table::new();
    let mut of_lesson = Vec::new();
    for lesson in lessons {
        for row in rows.iter().filter(|row| row.manifest.lesson == lesson) {
            let best = row.progress.points_best.min(row.manifest.points);
            let mark = match row.progress.passed {
                Some(_) => state(State::Pass, style).split(' ').next().unwrap_or_default().to_owned(),
                None => " ".to_owned(),
            };
            table.row([
                format!("{mark} {:02} {}", row.number, row.name),
                format!("{best} of {} points", row.manifest.points),
                format!("{} min", row.manifest.minutes),
                if row.is_open { "open".to_owned() } else { String::new() },
            ]);
            of_lesson.push((lesson, row));
        }
    }
    let mut last = None;
    for (line, (lesson, row)) in table.lines().iter().zip(&of_lesson) {
        if last != Some(*lesson) {
            let gap = if last.is_some() { "\n" } else { "" };
            let _ = writeln!(out, "{gap}lesson {lesson}");
            last = Some(*lesson);
        }
        let _ = writeln!(out, "{line}");
        let standing = row.standing();
        let told = if ["", "open"].contains(&standing) { String::new() } else { format!("; {standing}") };
        let _ = writeln!(out, "       {}{told}", row.manifest.title);
    }
    let earned: u32 = rows.iter().map(|row| row.progress.points_best.min(row.manifest.points)).sum();
    let all: u32 = rows.iter().map(|row| row.manifest.points).sum();
    let passed = rows.iter().filter(|row| row.progress.passed.is_some()).count();
    let _ = write!(out, "\n{passed} of {} exercises passed, {earned} of {all} points\n{next}", rows.len());
    out
}

/// What the exercise at `index` is about: what its window at home says. Nothing where there is none.
pub fn exercise(
    course: &Course,
    index: usize,
    progress: &Progress,
    has_workspace: bool,
    style: Style,
) -> String {
    const INDENT: usize = 10;
    let Some(exercise) = course.exercises.get(index) else { return String::new() };
    let (known, manifest) = (progress.exercise(&exercise.name), &exercise.manifest);
    let mut out = format!("exercise {}, {}: {}\n", exercise.number, exercise.name, manifest.title);
    for (label, text) in [
        ("teaches", manifest.teaches.clone()),
        ("lesson", course.lesson_of(exercise)),
        ("takes", exercise.takes()),
        ("state", known.says(manifest.points)),
        ("go on", exercise.command(has_workspace)),
        ("then", if has_workspace { String::new() } else { exercise.command(true) }),
    ] {
        if !text.is_empty() {
            out += &wrapped(&format!("{:<INDENT$}{text}", format!("{label}:")), 0, INDENT, style);
        }
    }
    out += "\nwhat is judged:\n";
    for criterion in &manifest.criteria {
        let kept = known.last.as_ref().and_then(|last| last.criterion(&criterion.id));
        let says = kept.map_or_else(|| "not checked".to_owned(), |kept| state(kept.state, style));
        out += &wrapped(&format!("{says}: {}", criterion.what), 2, 4, style);
    }
    out
}
