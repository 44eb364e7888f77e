//! A lesson as lines or as a document: every step, every lab run for a few seconds, every prediction answered.
//! Where somebody is there to talk to, it is a conversation instead: see [`super::talk`].

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::Context as _;

use serde_json::{Value, json};

use super::Exit;
use super::face::print;
use super::trouble::trouble;
use super::watch::watch;
use crate::exercise::Posed;
use crate::lesson::{Go, Lab, LabEvent, Lesson, Runner, SLOW, Step};
use crate::plain;
use crate::progress::{Progress, exercises_of};
use crate::trace::{Thinner, Trace, file};
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

/// Keeps two requests of the lesson's slow motion, if it has a step for it: the step whose title says so.
fn record_slow(lesson: &Lesson, folder: &Path, runner: &mut dyn Runner) -> anyhow::Result<()> {
    /// A server that has said nothing for so long stands still.
    const STILL: Duration = Duration::from_millis(500);
    let step = lesson.steps.iter().find(|step| step.title == "Slow motion");
    let Some(lab) = step.and_then(Step::lab) else { return Ok(()) };
    let (send, events) = channel();
    runner.slow(&lab.in_slow_motion(None), send);
    let (mut trace, mut requests) = (None, 0);
    while requests <= 2 {
        match events.recv_timeout(STILL) {
            Ok(LabEvent::Begin(header)) => trace = Some(Trace::new(*header)),
            Ok(LabEvent::Entries(entries)) => {
                let trace = trace.as_mut().context("entries before their header")?;
                entries.into_iter().try_for_each(|entry| trace.push(entry)).map_err(anyhow::Error::msg)?;
            }
            Ok(LabEvent::Recording { why, .. } | LabEvent::Failed(why)) => {
                anyhow::bail!("nothing to record here: {why}")
            }
            Ok(LabEvent::Over) => anyhow::bail!("slow motion ended early"),
            Err(_) => {
                requests += 1;
                runner.go(Go::Request, None);
            }
        }
    }
    runner.stop();
    let mut trace = trace.context("slow motion did not begin")?;
    // How the runs ended comes last.
    for event in events.try_iter() {
        let LabEvent::Entries(entries) = event else { continue };
        entries.into_iter().try_for_each(|entry| trace.push(entry)).map_err(anyhow::Error::msg)?;
    }
    let path = folder.join(SLOW);
    file::save(&trace, &path)
        .map_err(|error| trouble(format_args!("cannot write {}", path.display()), &error))?;
    print(&format!("{}: {} records\n", path.display(), trace.len()))
}

/// Runs every lab that names a recording and keeps what was seen under that name.
pub fn record(lesson: &Lesson, folder: &Path, runner: &mut dyn Runner) -> anyhow::Result<Exit> {
    record_slow(lesson, folder, runner)?;
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
