//! The free playground: a lab without a lesson around it, in the form of one, so that every screen that shows a
//! lesson shows it too.

use super::lab::{Kind, Lab, Show};
use super::model::{Block, Form, Lesson, Step};
use super::prose;
use crate::trace::{Load, Probing};

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
