//! A lesson as text: what a step says, and what its lab measured.

use std::fmt::Write;

use crate::lesson::{Block, Kind, Lab, Lesson, Prediction, Step, plain_prose, prose};
use crate::screen::{rounded, whose};
use crate::servers::Column;
use crate::trials;
use crate::world::{Measured, MetricId, World};

/// Lines are at most so wide.
const WIDTH: usize = 78;

/// The head of a lesson: title, length, what it runs.
pub fn opening(lesson: &Lesson) -> String {
    let head = format!(
        "Lesson {}: {}\n{} steps, about {} minutes; servers: {}\n",
        lesson.number,
        lesson.title,
        lesson.steps.len(),
        lesson.minutes,
        lesson.servers.join(", ")
    );
    head + &objectives(lesson)
}

/// What a learner can do in the end.
fn objectives(lesson: &Lesson) -> String {
    if lesson.objectives.is_empty() {
        return String::new();
    }
    let goals = lesson.objectives.iter().map(|goal| {
        let item = prose::Block::Paragraph(vec![prose::Span {
            text: goal.says.clone(),
            style: prose::Style::Plain,
        }]);
        vec![item]
    });
    let list = prose::Block::List { first: None, items: goals.collect() };
    format!("\nWhen you are through, you can\n{}", joined(plain_prose::lines(&[list], WIDTH)))
}

/// The head of a step, `index` from 0.
pub fn heading(lesson: &Lesson, index: usize) -> String {
    let title = lesson.steps.get(index).map(|step| step.title.as_str()).unwrap_or_default();
    format!("\nStep {} of {}: {title}\n", index + 1, lesson.steps.len())
}

/// The prose of a step.
pub fn prose(step: &Step) -> String {
    let blocks: Vec<_> = step
        .blocks
        .iter()
        .filter_map(|block| if let Block::Prose(prose) = block { Some(prose.clone()) } else { None })
        .collect();
    joined(plain_prose::lines(&blocks, WIDTH))
}

/// A question, before anything is measured.
pub fn question(prediction: &Prediction) -> String {
    let unit = prediction.unit.as_deref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    format!("\nPrediction.\n{}", sentence(&format!("{}{unit}", prediction.ask)))
}

/// What runs now, and why.
pub fn running(lab: &Lab, recorded: Option<&str>) -> String {
    let names = lab.servers.join(", ");
    let what = match (lab.kind, lab.servers.len()) {
        (Kind::Servers, _) => format!("Lab: {names}, {}.", super::lab::load(&lab.load)),
        (Kind::Processes, _) => "A program is observed.".to_owned(),
        (Kind::Trials, 1) => format!("Trial: {names}, one small program, watched."),
        (Kind::Trials, all) => format!("Trials: {names}, {all} small programs, one after another."),
    };
    let mut out = format!("\n{}{}", sentence(&what), sentence(&lab.why));
    out += &cast(lab);
    if let Some(why) = recorded {
        out += &sentence(&format!("What follows is a recorded run, because {why}."));
    }
    out
}

/// Who runs: what the screen says of each server or trial while the lab waits.
fn cast(lab: &Lab) -> String {
    let says = |name: &String| match lab.kind {
        Kind::Servers => Column::parse(name).map(|column| column.server.says),
        Kind::Trials => trials::by_name(name).map(|trial| trial.says),
        Kind::Processes => None,
    };
    let each = lab.servers.iter().filter_map(|name| Some(sentence(&format!("- {name}: {}", says(name)?))));
    each.collect::<String>() + &sentence(whose(lab.kind))
}

/// The answer to a question: the measured number, the prediction beside it if there was one, the reason.
pub fn answer(prediction: &Prediction, said: Option<&str>, world: &World<'_>) -> String {
    let measured = MetricId::by_key(&prediction.metric)
        .and_then(|id| world.server(&prediction.server)?.metric(id))
        .unwrap_or_else(|| Measured::unknown("it was not measured"));
    let mut out = String::from("\nMeasured.\n");
    match (&measured, said) {
        (Measured::Unknown { why, .. }, _) => out += &sentence(&format!("Not known: {why}.")),
        (Measured::Known { value, .. }, Some(said)) => {
            out += &sentence(&prediction.judge(said, Some(*value)).to_string());
        }
        (Measured::Known { value, rung, .. }, None) => {
            let metric = MetricId::by_key(&prediction.metric).map(MetricId::row);
            let (label, unit) = metric.map_or(("", ""), |metric| (metric.label, metric.unit));
            let number = rounded(*value);
            let _ = writeln!(out, "{}: {number} {label} {unit} ({}).", prediction.server, rung.word());
        }
    }
    out + &sentence(&prediction.because)
}

/// What there is to write once a lesson is read: its exercises, and how far the learner is in each.
pub fn exercises(says: &str) -> String {
    let line = sentence(&format!("exercises of this lesson: {says}"));
    format!("\n{line}what one is about: iolab exercise list NAME; to work at it: iolab exercise watch NAME\n")
}

/// A lab that could not run.
pub fn failed(why: &str) -> String {
    sentence(&format!("This lab could not run: {why}."))
}

fn sentence(text: &str) -> String {
    joined(plain_prose::sentence(text, WIDTH))
}

fn joined(lines: Vec<String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}
