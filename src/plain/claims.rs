//! Verdicts of the claims court as lines.

use std::fmt::Write;

use super::number::{number, whole};
use super::verdict::{Style, wrapped};
use crate::claims::{Judged, Number, Verdict};
use crate::screen::number::span;
use crate::trace::Machine;

/// How far what belongs to a claim stands in.
const INDENT: usize = 4;

/// All verdicts, each with what it rests on, and their sum.
pub fn claims(machine: &Machine, judged: &[Judged], style: Style) -> String {
    let mut out = wrapped(&format!("The claims court, on {}", place(machine)), 0, 2, style);
    for judged in judged {
        out.push('\n');
        out += &claim(judged, style);
    }
    out.push('\n');
    out + &wrapped(&sum(judged), 0, 2, style)
}

/// The machine in a few words.
pub fn place(machine: &Machine) -> String {
    let cpus = match machine.cpus {
        1 => "one processor".to_owned(),
        cpus => format!("{cpus} processors"),
    };
    format!("Linux {}, {cpus}", machine.kernel)
}

/// A verdict's glyph and word; the word alone says all.
pub fn verdict(verdict: Verdict, unicode: bool) -> String {
    let glyph = match (verdict, unicode) {
        (Verdict::Holds, true) => "✓",
        (Verdict::Holds, false) => "+",
        (Verdict::Partly, true) => "◐",
        (Verdict::Partly, false) => "~",
        (Verdict::Fails, true) => "✗",
        (Verdict::Fails, false) => "x",
        (Verdict::Untestable, _) => "-",
    };
    format!("{glyph} {}", verdict.word())
}

/// One claim.
fn claim(judged: &Judged, style: Style) -> String {
    let ruling = &judged.ruling;
    let head = format!("{}: {}", verdict(ruling.verdict, style.unicode), judged.claim.id);
    let mut out = wrapped(&head, 0, INDENT, style);
    let mut line = |text: &str| out += &wrapped(text, INDENT, INDENT, style);
    line(&format!("\"{}\"", judged.claim.says));
    line(&ruling.says);
    for number in &ruling.numbers {
        line(&evidence(number));
    }
    if let Some(refusal) = judged.refusal.as_ref().filter(|refusal| !refusal.try_this.is_empty()) {
        line(&format!("try: {}", refusal.try_this));
    }
    if ruling.verdict != Verdict::Untestable {
        line(&format!("confidence: {}", judged.claim.rests_on.says()));
    }
    line(&format!("authority: {}", judged.claim.authority));
    line(&format!("another verdict: {}", judged.claim.would_change));
    out
}

/// A number with its unit and who measured it.
pub fn evidence(of: &Number) -> String {
    let rung = of.measured.rung().map_or(String::new(), |rung| format!(" ({})", rung.word()));
    format!("{}: {}{rung}", of.name, amount(of))
}

/// A number with its unit: a count with all its figures, times in the unit that suits them, everything else with
/// about three figures; and how far the rounds were apart.
pub fn amount(of: &Number) -> String {
    let shown = |value: f64| match value {
        value if of.unit.starts_with("ns") => span(value.round() as u64),
        value if value.fract() == 0.0 => whole(value),
        value => number(value),
    };
    let unit = of.unit.strip_prefix("ns").unwrap_or(&of.unit).trim_start();
    let spread = match of.measured.spread() {
        Some(spread) if spread > 0.0 => format!(" ± {}", shown(spread)),
        _ => String::new(),
    };
    format!("{}{spread} {unit}", shown(of.value())).trim_end().to_owned()
}

/// How many of each.
pub fn sum(judged: &[Judged]) -> String {
    let count = |wanted| judged.iter().filter(|judged| judged.ruling.verdict == wanted).count();
    let kinds = [Verdict::Holds, Verdict::Partly, Verdict::Fails, Verdict::Untestable];
    let mut out = match judged.len() {
        1 => "1 claim".to_owned(),
        n => format!("{n} claims"),
    };
    for (index, kind) in kinds.into_iter().filter(|kind| count(*kind) > 0).enumerate() {
        let words = match (kind, count(kind)) {
            (Verdict::Holds, 1) => "holds",
            (Verdict::Holds, _) => "hold",
            (Verdict::Partly, 1) => "holds in part",
            (Verdict::Partly, _) => "hold in part",
            (Verdict::Fails, 1) => "does not hold",
            (Verdict::Fails, _) => "do not hold",
            (Verdict::Untestable, _) => "cannot be tested here",
        };
        let _ = write!(out, "{}{} {words}", if index == 0 { ": " } else { ", " }, count(kind));
    }
    out
}
