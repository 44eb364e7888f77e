//! The verdicts as pages to walk through: in the form of a lesson, so that the screen of lessons shows them.

use super::{Judged, Verdict};
use crate::lesson::prose::{self, Span, Style};
use crate::lesson::{Block, Form, Lesson, Step};
use crate::plain;
use crate::trace::{Load, Machine};

/// A page with all verdicts, then one for each claim; `unicode`: whether more than ASCII can be shown.
pub fn pages(machine: &Machine, judged: &[Judged], unicode: bool) -> Lesson {
    let steps = std::iter::once(overview(machine, judged, unicode))
        .chain(judged.iter().map(|judged| page(judged, unicode)))
        .collect();
    Lesson {
        form: Form::Playground,
        number: 0,
        name: "claims".into(),
        title: "the claims court".into(),
        minutes: 0,
        objectives: Vec::new(),
        servers: Vec::new(),
        load: Load::default(),
        steps,
        glossary: Vec::new(),
    }
}

fn overview(machine: &Machine, judged: &[Judged], unicode: bool) -> Step {
    let head = vec![vec![plain("verdict")], vec![plain("claim")]];
    let row = |judged: &Judged| {
        let verdict = plain::verdict_of_claim(judged.ruling.verdict, unicode);
        vec![vec![strong(&verdict)], vec![plain(judged.claim.says)]]
    };
    let rows = judged.iter().map(row).collect();
    let says = format!(
        "On {}: {}. Each verdict was computed from what the kernel said about runs on this machine; the pages that \
         follow say how.",
        plain::place(machine),
        plain::sum(judged)
    );
    Step {
        title: "all verdicts".into(),
        blocks: vec![paragraph(vec![plain(&says)]), Block::Prose(prose::Block::Table { head, rows })],
    }
}

fn page(judged: &Judged, unicode: bool) -> Step {
    let ruling = &judged.ruling;
    let mut blocks = vec![
        Block::Prose(prose::Block::Quote(vec![prose::Block::Paragraph(vec![plain(judged.claim.says)])])),
        paragraph(vec![
            strong(&plain::verdict_of_claim(ruling.verdict, unicode)),
            plain(". "),
            plain(&ruling.says),
        ]),
    ];
    if !ruling.numbers.is_empty() {
        let item = |number| vec![prose::Block::Paragraph(vec![plain(&plain::evidence(number))])];
        let items = ruling.numbers.iter().map(item).collect();
        blocks.push(Block::Prose(prose::Block::List { first: None, items }));
    }
    if let Some(refusal) = judged.refusal.as_ref().filter(|refusal| !refusal.try_this.is_empty()) {
        blocks.push(labelled("What to try", &refusal.try_this));
    }
    if ruling.verdict != Verdict::Untestable {
        blocks.push(labelled("Confidence", judged.claim.rests_on.says()));
    }
    blocks.push(labelled("Authority", judged.claim.authority));
    blocks.push(labelled("Another verdict would come of", judged.claim.would_change));
    Step { title: judged.claim.id.into(), blocks }
}

fn labelled(label: &str, text: &str) -> Block {
    paragraph(vec![strong(label), plain(": "), plain(text)])
}

fn paragraph(text: Vec<Span>) -> Block {
    Block::Prose(prose::Block::Paragraph(text))
}

fn plain(text: &str) -> Span {
    Span { text: text.to_owned(), style: Style::Plain }
}

fn strong(text: &str) -> Span {
    Span { text: text.to_owned(), style: Style::Strong }
}
