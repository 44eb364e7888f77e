//! The verdicts as pages to walk through: in the form of a lesson, so that the screen of lessons shows them.

use super::{Judged, Number, Verdict};
use crate::lesson::prose::{self, Span, Style, Tone};
use crate::lesson::{Block, Form, Lesson, Step};
use crate::plain;
use crate::trace::{Load, Machine, Rung};

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
    let row = |judged: &Judged| vec![vec![verdict(judged, unicode)], vec![plain(judged.claim.says)]];
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
        Block::Prose(prose::Block::Quote(vec![prose::Block::Paragraph(vec![strong(judged.claim.says)])])),
        paragraph(vec![verdict(judged, unicode)]),
        paragraph(vec![plain(&ruling.says)]),
    ];
    if !ruling.numbers.is_empty() {
        blocks.push(Block::Prose(evidence(&ruling.numbers, unicode)));
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

/// Columns of the longest bar.
const BAR: f64 = 24.0;

/// The numbers as a table: with bars, where there are several of one unit to compare.
fn evidence(numbers: &[Number], unicode: bool) -> prose::Block {
    let row = |number: &Number| {
        let like: Vec<f64> =
            numbers.iter().filter(|other| other.unit == number.unit).map(Number::value).collect();
        let most = like.iter().copied().fold(0.0, f64::max);
        let is_alone = like.len() < 2 || most == 0.0;
        let bar = if is_alone { String::new() } else { bar(number.value() / most, unicode) };
        let rung = number.measured.rung().map_or("", Rung::word);
        let amount = plain::amount(number);
        vec![
            vec![plain(&number.name)],
            vec![strong(&amount)],
            vec![plain(rung)],
            vec![judged(&bar, Tone::Open)],
        ]
    };
    let head = ["seen", "", "by", ""].map(|head| vec![plain(head)]).into();
    prose::Block::Table { head, rows: numbers.iter().map(row).collect() }
}

/// A share of the longest bar; what is there at all can be seen.
fn bar(share: f64, unicode: bool) -> String {
    let cells = (share * BAR).round() as usize;
    match (unicode, cells) {
        (true, 0) if share > 0.0 => "▏".to_owned(),
        (true, cells) => "█".repeat(cells),
        (false, 0) if share > 0.0 => ".".to_owned(),
        (false, cells) => "#".repeat(cells),
    }
}

fn verdict(of: &Judged, unicode: bool) -> Span {
    let tone = match of.ruling.verdict {
        Verdict::Holds => Tone::Good,
        Verdict::Partly => Tone::Mixed,
        Verdict::Fails => Tone::Bad,
        Verdict::Untestable => Tone::Open,
    };
    judged(&plain::verdict_of_claim(of.ruling.verdict, unicode), tone)
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

fn judged(text: &str, tone: Tone) -> Span {
    Span { text: text.to_owned(), style: Style::Judged(tone) }
}
