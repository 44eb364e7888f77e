//! `iolab replay FILE`: goes through a recorded run, or says what it came to.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use clap::{Args, ValueEnum};

use super::face::{self, Face};
use super::look::LookArguments;
use super::trouble::trouble;
use super::{Exit, screen};
use crate::lesson::{self, Go, Lab, LabEvent, Lesson, Runner};
use crate::plain;
use crate::trace::file::Unreadable;
use crate::trace::{Entry, Load, Note, Record, Run, Trace, file};
use crate::tui;
use crate::world::METRICS;

/// Goes through a recorded run on a terminal: back and forward in time, closer, request by request. What it prints
/// elsewhere equals what the live run printed, machine included.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The recorded run.
    file: PathBuf,
    /// Seconds from the beginning of each run; the end when left out. The rounds of servers that took turns
    /// stand side by side at the same time.
    #[arg(long, value_name = "TIME", value_parser = seconds_ns)]
    at: Option<u64>,
    /// The face: tui on a terminal, plain elsewhere, or json.
    #[arg(long, value_enum)]
    format: Option<ReplayFace>,
    #[command(flatten)]
    look: LookArguments,
}

/// How a recorded run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReplayFace {
    /// A screen.
    Tui,
    /// Lines for people and screen readers.
    Plain,
    /// One JSON document for scripts.
    Json,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let path = arguments.file.display();
    let cannot = || format!("cannot replay {path}");
    let opened = file::open(&arguments.file).map_err(|unreadable| match unreadable {
        Unreadable::File(error) => trouble(cannot(), &error),
        other => anyhow::Error::new(other).context(cannot()),
    })?;
    if let Some(damage) = &opened.damage {
        face::warn(&format!("{path} is damaged at {damage}; what comes before it is shown"));
    }
    let is_whole = opened.damage.is_none() && opened.trace.runs().iter().all(ended);
    if opened.damage.is_none() && !is_whole {
        face::warn(&format!("{path} has a run without an end: it was cut off, or is still being recorded"));
    }
    let at_ns = arguments.at.unwrap_or(u64::MAX);
    match arguments.format {
        Some(ReplayFace::Json) => face::show_lab(&opened.trace, at_ns, Face::Json),
        Some(ReplayFace::Tui) => show(&arguments, opened.trace, at_ns, is_whole),
        None if tui::is_possible() => show(&arguments, opened.trace, at_ns, is_whole),
        Some(ReplayFace::Plain) | None => match plain::slow::story(&opened.trace, at_ns) {
            Some(told) => face::print(&face::without_control(&told)).map(|()| Exit::Done),
            None => face::show_lab(&opened.trace, at_ns, Face::Plain),
        },
    }
}

/// On the screen, at rest at a time.
fn show(arguments: &Arguments, trace: Trace, at_ns: u64, is_whole: bool) -> anyhow::Result<Exit> {
    let name =
        arguments.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let metrics = METRICS.iter().map(|metric| metric.key.to_owned()).collect();
    let lesson = lesson::recording(&name, trace.header(), metrics);
    let runner = |_: &Lesson| -> Box<dyn Runner> {
        Box::new(Replayed { path: arguments.file.clone(), trace: trace.clone(), is_whole })
    };
    screen::recording(lesson, &arguments.look, at_ns, &runner)
}

/// A recorded run as what a screen runs.
struct Replayed {
    path: PathBuf,
    trace: Trace,
    /// Whether the file ends as it should, so that something may be added to it.
    is_whole: bool,
}

impl Runner for Replayed {
    fn start(&mut self, _lab: &Lab, events: Sender<LabEvent>) {
        let why = format!("it comes from {}", self.path.display());
        let recording = LabEvent::Recording { trace: Box::new(self.trace.clone()), why };
        // Nobody listens any more when the screen is gone.
        let _ = events.send(recording).and_then(|()| events.send(LabEvent::Over));
    }

    /// What was recorded was recorded under one load.
    fn change(&mut self, _load: &Load) {}

    fn replay(&mut self, lab: &Lab, events: Sender<LabEvent>) {
        self.start(lab, events);
    }

    /// What was recorded does not stop anew.
    fn slow(&mut self, _lab: &Lab, events: Sender<LabEvent>) {
        let why =
            "a recorded run cannot be stopped at its calls; a live one can: iolab lab SERVER".to_owned();
        let _ = events.send(LabEvent::Failed(why));
    }

    fn go(&mut self, _go: Go, _server: Option<usize>) {}

    fn freeze(&mut self, _frozen: bool) {}

    fn note(&mut self, t_ns: u64, note: &Note) -> Option<String> {
        let entry = Entry { run: None, t_ns, record: Record::Note(note.clone()) };
        // It is in the trace of this session, too, should it be shown from its beginning again.
        let _ = self.trace.push(entry.clone());
        Some(self.keep(&self.path, &entry))
    }

    fn finish(&mut self) {}

    fn stop(&mut self) {}
}

impl Replayed {
    fn keep(&self, path: &Path, entry: &Entry) -> String {
        let shown = path.display();
        if !self.is_whole {
            return format!("the mark is not kept: {shown} does not end as it should");
        }
        match file::append(path, entry) {
            Ok(()) => format!("the mark is kept in {shown}"),
            Err(error) => trouble(format_args!("the mark is not kept in {shown}"), &error).to_string(),
        }
    }
}

fn ended(run: &Run) -> bool {
    matches!(run.records.last(), Some((_, Record::End { .. })))
}

/// A time on the command line: seconds, as nanoseconds.
pub fn seconds_ns(text: &str) -> Result<u64, String> {
    match text.trim_end_matches('s').parse::<f64>() {
        Ok(seconds) if (0.0..=1e9).contains(&seconds) => Ok((seconds * 1e9) as u64),
        _ => Err("seconds since the beginning, such as 1.5".into()),
    }
}
