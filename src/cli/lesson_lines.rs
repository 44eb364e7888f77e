//! A lesson as lines or as a document: every step, every lab run for a few seconds, every prediction answered.
//! Where somebody is there to talk to, it is a conversation instead: see [`super::talk`].

use std::path::Path;

use serde_json::{Value, json};

use super::Exit;
use super::face::print;
use super::trouble::trouble;
use super::watch::watch;
use crate::exercise::Posed;
use crate::lesson::{Lab, Lesson, Runner, Step};
use crate::plain;
use crate::progress::{Progress, exercises_of};
use crate::trace::{Thinner, file};
use crate::world::World;

/// The plain edition for pipes and files, from step `from` (0 is the first): it goes through by itself.
pub fn plain(lesson: &Lesson, from: usize, runner: &mut dyn Runner) -> anyhow::Result<Exit> {
    print(&plain::lesson::opening(lesson))?;
    for (index, step) in lesson.steps.iter().enumerate().skip(from) {
        print(&plain::lesson::heading(lesson, index))?;
        print(&plain::lesson::prose(step))?;
        for prediction in step.predictions() {
            print(&plain::lesson::question(prediction))?;
        }
        if let Some(lab) = step.lab() {
            measure(step, lab, runner)?;
        }
    }
    // A pipe gets the same lines each time, whatever the journal says.
    if let Some(says) = exercises(lesson, &Progress::default())? {
        print(&plain::lesson::exercises(&says))?;
    }
    Ok(Exit::Done)
}

/// The exercises of a lesson in a line, if it has any.
pub fn exercises(lesson: &Lesson, progress: &Progress) -> anyhow::Result<Option<String>> {
    let all = Posed::all().map_err(|(folder, what)| anyhow::anyhow!("{folder}: {what}"))?;
    Ok(exercises_of(lesson.number, &all, progress))
}

fn measure(step: &Step, lab: &Lab, runner: &mut dyn Runner) -> anyhow::Result<()> {
    match watch(lab, runner, Some(Thinner::default())) {
        Ok(seen) => {
            let world = World::at(&seen.trace, u64::MAX);
            print(&plain::lesson::running(lab, seen.recorded.as_deref()))?;
            print(&plain::lab_of_step(lab, &world))?;
            for prediction in step.predictions() {
                print(&plain::lesson::answer(prediction, None, &world))?;
            }
        }
        Err(why) => {
            print(&plain::lesson::running(lab, None))?;
            print(&plain::lesson::failed(&why))?;
        }
    }
    Ok(())
}

/// The document: each step's title and, where it has a lab, the lab's own document.
pub fn json(lesson: &Lesson, from: usize, runner: &mut dyn Runner) -> anyhow::Result<Exit> {
    let mut steps = Vec::new();
    for step in lesson.steps.iter().skip(from) {
        let mut document = json!({ "title": step.title });
        if let Some(lab) = step.lab() {
            document["lab"] = lab_document(lab, runner)?;
        }
        steps.push(document);
    }
    let document = json!({
        "schema": "iolab.lesson/1", "lesson": lesson.number, "name": lesson.name, "title": lesson.title, "steps": steps,
    });
    print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
    Ok(Exit::Done)
}

fn lab_document(lab: &Lab, runner: &mut dyn Runner) -> anyhow::Result<Value> {
    Ok(match watch(lab, runner, Some(Thinner::default())) {
        Ok(seen) => {
            let world = World::at(&seen.trace, u64::MAX);
            let views = world.servers();
            let mut document = serde_json::to_value(crate::export::json::lab(&world, &views))?;
            if let Some(why) = seen.recorded {
                document["recorded_because"] = why.into();
            }
            document
        }
        Err(why) => json!({ "failed": why }),
    })
}

/// Runs every lab that names a recording and keeps what was seen under that name.
pub fn record(lesson: &Lesson, folder: &Path, runner: &mut dyn Runner) -> anyhow::Result<Exit> {
    for lab in lesson.steps.iter().filter_map(Step::lab) {
        let Some(name) = &lab.recording else { continue };
        let seen = watch(lab, runner, None).map_err(anyhow::Error::msg)?;
        if let Some(why) = seen.recorded {
            anyhow::bail!("nothing to record here: {why}");
        }
        let path = folder.join(name);
        file::save(&seen.trace, &path)
            .map_err(|error| trouble(format_args!("cannot write {}", path.display()), &error))?;
        print(&format!("{}: {} records\n", path.display(), seen.trace.len()))?;
    }
    Ok(Exit::Done)
}
