//! Kernel facts as lines.

use super::claims::place;
use super::verdict::{Style, wrapped};
use crate::claims::facts::{Standing, Tried};
use crate::trace::Machine;

/// How far what belongs to a fact stands in.
const INDENT: usize = 4;

/// All statements, each with what the kernel did.
pub fn facts(machine: &Machine, tried: &[Tried], style: Style) -> String {
    let mut out = wrapped(&format!("Kernel facts, on {}", place(machine)), 0, 2, style);
    for Tried { fact, observed, refusal } in tried {
        let glyph = match (observed.standing, style.unicode) {
            (Standing::Holds, true) => "✓",
            (Standing::Holds, false) => "+",
            (Standing::Fails, true) => "✗",
            (Standing::Fails, false) => "x",
            (Standing::Untestable, _) => "-",
        };
        out.push('\n');
        let standing = observed.standing.says(&release(machine));
        out += &wrapped(&format!("{glyph} {standing}: {}", fact.id), 0, INDENT, style);
        let mut line = |text: &str| out += &wrapped(text, INDENT, INDENT, style);
        line(fact.says);
        line(&format!("seen: {}", observed.saw));
        line(&format!("source: {}", fact.source));
        if let Some(manual) = fact.manual {
            line(&format!("but: {manual}"));
        }
        if let Some(refusal) = refusal.as_ref().filter(|refusal| !refusal.try_this.is_empty()) {
            line(&format!("try: {}", refusal.try_this));
        }
    }
    let count = |wanted| tried.iter().filter(|tried| tried.observed.standing == wanted).count();
    let mut sum = format!("{} statements: {} hold here", tried.len(), count(Standing::Holds));
    let others = [(Standing::Fails, "do not"), (Standing::Untestable, "cannot be tried here")];
    for (standing, words) in others.into_iter().filter(|(standing, _)| count(*standing) > 0) {
        sum += &format!(", {} {words}", count(standing));
    }
    out.push('\n');
    out + &wrapped(&sum, 0, 2, style)
}

/// A kernel's version without what a distribution adds.
fn release(machine: &Machine) -> String {
    crate::doctor::Version::of(&machine.kernel).to_string()
}
