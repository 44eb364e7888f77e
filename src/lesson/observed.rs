//! An observed program in the form of a lesson, so that every screen that shows a lesson shows it too.

use super::lab::{Kind, Lab, Show};
use super::model::{Block, Form, Lesson, Step};
use super::prose;
use crate::trace::{Load, Probing};

/// What is shown, as far as there is something to show.
const SHOW: &[Show] =
    &[Show::Metrics, Show::Names, Show::Rings, Show::Insights, Show::Interest, Show::Switches, Show::Poller];

/// The numbers of its table, by their ids in the catalogue.
const METRICS: &[&str] = &[
    "syscalls",
    "syscalls_per_second",
    "voluntary_switches_per_second",
    "involuntary_switches_per_second",
    "cpu_share",
    "sqes",
    "cqes",
];

const SAYS: &str = "One column a process, as they are found. Numbers are totals since it was found and means a second: \
                    nobody knows what a request of this program is. A program that iolab started ends with this \
                    screen; a process that ran before goes on.";

/// The screen of an observed program of that name.
pub fn observed(name: &str, probing: Probing) -> Lesson {
    let load = Load::default();
    let lab = Lab {
        kind: Kind::Processes,
        servers: Vec::new(),
        load: load.clone(),
        idle_then: Vec::new(),
        probing,
        show: SHOW.to_vec(),
        metrics: METRICS.iter().map(ToString::to_string).collect(),
        recording: None,
        why: "Everything is seen from outside.".into(),
    };
    let says = prose::Span { text: SAYS.to_owned(), style: prose::Style::Plain };
    let step = Step {
        title: name.to_owned(),
        blocks: vec![Block::Prose(prose::Block::Paragraph(vec![says])), Block::Lab(lab)],
    };
    Lesson {
        form: Form::Observe,
        number: 0,
        name: "observe".into(),
        title: format!("observe {name}"),
        minutes: 0,
        servers: Vec::new(),
        load,
        steps: vec![step],
        glossary: Vec::new(),
        objectives: Vec::new(),
    }
}
