//! A lesson as lines or as a document: every step, every lab run for a few seconds, every prediction answered.
//!
//! On a terminal it is a conversation: Enter goes on, predictions are typed. Elsewhere it goes through by
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::Exit;
use super::face::{print, warn};
use crate::lesson::{Lab, LabEvent, Lesson, Prediction, Runner, Step, Verdict};
use crate::plain;
use crate::progress::{Book, Said};
use crate::trace::{Thinner, Trace, file};
use crate::world::{MetricId, World};

/// How long a lab without an end of its own is watched.
const WATCH: Duration = Duration::from_secs(4);

/// What a lab gave.
struct Seen {
    trace: Trace,
    /// Why it is a recorded run, if it is one.
    recorded: Option<String>,
}

/// Whether somebody is there to talk to: to type answers and to read what becomes of them.
pub fn talks() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What the learner said in this lesson, now and earlier, and what was measured.
#[derive(Default)]
struct Memory {
    answers: BTreeMap<String, String>,
    passed_over: BTreeSet<String>,
    measured: BTreeMap<String, f64>,
}

/// The plain edition, from step `from` (0 is the first). With a book it is a conversation.
pub fn plain(
    lesson: &Lesson,
    from: usize,
    runner: &mut dyn Runner,
    mut book: Option<&mut Book>,
) -> anyhow::Result<Exit> {
    let mut memory = book.as_deref().map(|book| Memory::of(book, lesson)).unwrap_or_default();
    print(&plain::lesson::opening(lesson))?;
    for (index, step) in lesson.steps.iter().enumerate().skip(from) {
        print(&plain::lesson::heading(lesson, index))?;
        print(&plain::lesson::prose(step))?;
        memory.note(book.as_deref_mut(), lesson, index);
        for prediction in step.predictions() {
            print(&plain::lesson::question(prediction))?;
            if book.is_some() {
                memory.answer(prediction)?;
                memory.note(book.as_deref_mut(), lesson, index);
            }
        }
        if let Some(lab) = step.lab() {
            measure(lab, step, &mut memory, runner)?;
            memory.note(book.as_deref_mut(), lesson, index);
        }
        let more = index + 1 < lesson.steps.len();
        if book.is_some() && more && ask("\nEnter for the next step, q to leave: ")?.is_none() {
            break;
        }
    }
    Ok(Exit::Done)
}

impl Memory {
    fn of(book: &Book, lesson: &Lesson) -> Self {
        let known = book.progress().lesson(&lesson.name);
        let (answers, passed_over) = (known.answers.clone(), known.passed_over.clone());
        Self { answers, passed_over, measured: known.measured.clone() }
    }

    /// Writes down what is new.
    fn note(&self, book: Option<&mut Book>, lesson: &Lesson, step: usize) {
        let Some(book) = book else { return };
        let (answers, passed_over) = (&self.answers, &self.passed_over);
        let said = Said { step, answers, passed_over, measured: &self.measured };
        for event in book.progress().lesson(&lesson.name).news(lesson, &said) {
            book.note(&lesson.name, event);
        }
        if let Some(trouble) = book.trouble() {
            warn(&trouble);
        }
    }

    /// Asks for an answer, unless there is one from an earlier session.
    fn answer(&mut self, prediction: &Prediction) -> anyhow::Result<()> {
        if let Some(answer) = self.answers.get(&prediction.id) {
            return print(&format!("Your answer, from before: {answer}\n"));
        }
        while let Some(typed) = ask("Your answer (Enter passes): ")?.filter(|typed| !typed.is_empty()) {
            let verdict = prediction.judge(&typed, None);
            print(&format!("{verdict}\n"))?;
            if !matches!(verdict, Verdict::Unreadable(_)) {
                self.answers.insert(prediction.id.clone(), typed);
                return Ok(());
            }
        }
        self.passed_over.insert(prediction.id.clone());
        Ok(())
    }
}

fn measure(lab: &Lab, step: &Step, memory: &mut Memory, runner: &mut dyn Runner) -> anyhow::Result<()> {
    match watch(lab, runner, Some(Thinner::default())) {
        Ok(seen) => {
            let world = World::at(&seen.trace, u64::MAX);
            print(&plain::lesson::running(lab, seen.recorded.as_deref()))?;
            print(&plain::lab(&world))?;
            for prediction in step.predictions() {
                let said = memory.answers.get(&prediction.id).map(String::as_str);
                print(&plain::lesson::answer(prediction, said, &world))?;
                let id = MetricId::by_key(&prediction.metric);
                let server = world.server(&prediction.server).zip(id);
                if let Some(value) = server.and_then(|(server, id)| server.metric(id)?.value()) {
                    memory.measured.insert(prediction.id.clone(), value);
                }
            }
        }
        Err(why) => {
            print(&plain::lesson::running(lab, None))?;
            print(&plain::lesson::failed(&why))?;
        }
    }
    Ok(())
}

/// One line of input; `None` at its end or on `q`.
fn ask(prompt: &str) -> anyhow::Result<Option<String>> {
    print(prompt)?;
    std::io::stdout().flush()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line)?;
    let line = line.trim().to_owned();
    Ok((read > 0 && !matches!(line.as_str(), "q" | "quit")).then_some(line))
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
        file::save(&seen.trace, &path).with_context(|| format!("cannot write {}", path.display()))?;
        print(&format!("{}: {} records\n", path.display(), seen.trace.len()))?;
    }
    Ok(Exit::Done)
}

/// Runs a lab to its end, or for a while if it has none; without a thinner all that it gave is kept.
#[expect(clippy::disallowed_methods, reason = "the edge at which an endless run is ended")]
fn watch(lab: &Lab, runner: &mut dyn Runner, mut thinner: Option<Thinner>) -> Result<Seen, String> {
    let (sender, events) = channel();
    runner.start(lab, sender);
    let mut seen: Option<Seen> = None;
    let mut deadline: Option<Instant> = None;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let event = match left {
            Some(left) => events.recv_timeout(left),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(LabEvent::Begin(header)) => {
                seen = Some(Seen { trace: Trace::new(*header), recorded: None });
            }
            Ok(LabEvent::Entries(entries)) => {
                let paced = lab.load.pace != crate::trace::Pace::Max;
                if paced && deadline.is_none() {
                    deadline = Some(Instant::now() + WATCH);
                }
                if let Some(seen) = &mut seen {
                    entries.into_iter().try_for_each(|entry| seen.trace.push(entry))?;
                    if let Some(thinner) = &mut thinner {
                        thinner.thin(&mut seen.trace);
                    }
                }
            }
            Ok(LabEvent::Recording { trace, why }) => {
                seen = Some(Seen { trace: *trace, recorded: Some(why) });
            }
            Ok(LabEvent::Failed(why)) => return Err(why),
            Err(RecvTimeoutError::Timeout) => {
                // Ends it well: the last totals, read at rest, are still to come.
                deadline = None;
                runner.finish();
            }
            Ok(LabEvent::Over) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    runner.stop();
    seen.ok_or_else(|| "nothing was seen".to_owned())
}
