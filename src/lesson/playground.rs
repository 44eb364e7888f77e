//! The free playground: a lab without a lesson around it, in the form of one, so that every screen that shows a
//! lesson shows it too.

use super::lab::{Kind, Lab, Show};
use super::model::{Block, Form, Lesson, Step};
use super::prose;
use crate::trace::{Header, Load, Probing};

/// What is shown, as far as there is something to show.
const SHOW: &[Show] = &[
    Show::Metrics,
    Show::Insights,
    Show::Rings,
    Show::Batches,
    Show::Cost,
    Show::Interest,
    Show::Names,
    Show::Switches,
    Show::Poller,
    Show::Receipt,
    Show::Lanes,
];

/// The numbers of its table, by their ids in the catalogue.
const METRICS: &[&str] = &[
    "syscalls_per_request",
    "sqes_per_enter",
    "voluntary_switches_per_request",
    "involuntary_switches_per_request",
    "cpu_ns_per_request",
    "requests_per_second",
    "latency_p50_ns",
    "latency_p99_ns",
];

/// Numbers that there are only if somebody asks for their probe.
fn of_probes(probing: Probing) -> &'static [&'static str] {
    match probing {
        Probing::Ring => &["sqes_per_request", "cqes_per_request", "cqe_contents_seen"],
        _ => &[],
    }
}

const SAYS: &str = "Any servers, side by side, under one load. Nothing is asked here; change what you like and see \
                    what it does to the numbers.";

fn plain(text: &str) -> prose::Span {
    prose::Span { text: text.to_owned(), style: prose::Style::Plain }
}

/// A recorded run to go through, in the form of a lesson: what it ran, under which load. `metrics` by their keys.
pub fn recording(name: &str, header: &Header, metrics: Vec<String>) -> Lesson {
    let mut lesson = playground(header.servers.clone(), header.load.clone(), Probing::Auto);
    lesson.title = name.to_owned();
    let is_trial = |name: &String| crate::trials::by_name(name).is_some();
    for step in &mut lesson.steps {
        step.title = "a recorded run".into();
        for block in &mut step.blocks {
            match block {
                Block::Lab(lab) => {
                    lab.why = "It was recorded; nothing of it runs here.".into();
                    if header.servers.iter().all(is_trial) {
                        (lab.kind, lab.metrics) = (Kind::Trials, metrics.clone());
                        lab.show.push(Show::Story);
                    }
                }
                Block::Prose(block) => *block = prose::Block::Paragraph(vec![plain(GOES)]),
                _ => {}
            }
        }
    }
    lesson
}

const GOES: &str = "The row below the lab is the whole run: click on it, or go through it with , and . and with < and >. \
                    u looks closer, ; follows one request, e finds an event, m sets a mark.";

/// A lab to play with: these columns under that load.
pub fn playground(servers: Vec<String>, load: Load, probing: Probing) -> Lesson {
    let lab = Lab {
        kind: Kind::Servers,
        servers: servers.clone(),
        load: load.clone(),
        idle_then: Vec::new(),
        probing,
        show: SHOW.to_vec(),
        metrics: METRICS.iter().chain(of_probes(probing)).map(ToString::to_string).collect(),
        recording: None,
        why: "Each server is a process of its own, seen from outside.".into(),
    };
    let step = Step {
        title: "the playground".into(),
        blocks: vec![Block::Prose(prose::Block::Paragraph(vec![plain(SAYS)])), Block::Lab(lab)],
    };
    Lesson {
        form: Form::Playground,
        number: 0,
        name: "lab".into(),
        title: "lab".into(),
        minutes: 0,
        objectives: Vec::new(),
        servers,
        load,
        steps: vec![step],
        glossary: Vec::new(),
    }
}
