//! `iolab claims [ID...]`: popular statements about epoll and io_uring, put to the test on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};

use super::exercise::Look;
use super::look::LookArguments;
use super::{Exit, face, one_line, signals};
use crate::claims::{self, CLAIMS, Claim, Hearing, Judged, Verdict, facts};
use crate::export;
use crate::lesson::{Lesson, Runner};
use crate::plain::{self, verdict::Style};
use crate::servers::Options;
use crate::tui;

/// Puts popular claims about epoll and io_uring to the test on this machine: each with verdict, evidence, how far to
/// trust it, who says so, and what would change it.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit status: 0 at least one was judged, 1 ended early, 2 wrong usage, 3 none can be tested here."
)]
pub struct Arguments {
    /// The claims; all of them when left out.
    #[arg(value_name = "ID", value_parser = claim_named)]
    ids: Vec<&'static Claim>,
    /// Say what the claims are, and test none.
    #[arg(long, conflicts_with_all = ["ids", "format"])]
    list: bool,
    /// Try small statements about flags, errno values and behaviour on this kernel, in place of the claims.
    #[arg(long, conflicts_with_all = ["ids", "list"])]
    facts: bool,
    /// The face: tui on a terminal, a page a claim; plain elsewhere; or json.
    #[arg(long, value_enum)]
    format: Option<Face>,
    #[command(flatten)]
    look: LookArguments,
}

/// How verdicts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Face {
    /// Pages to walk through.
    Tui,
    /// Lines for people and screen readers.
    Plain,
    /// The document iolab.claims/1.
    Json,
}

fn claim_named(name: &str) -> Result<&'static Claim, String> {
    claims::by_id(name).ok_or_else(|| {
        let nearest = super::nearest::nearest(name, CLAIMS.iter().map(|claim| claim.id));
        let meant = nearest.map_or(String::new(), |near| format!("; did you mean {near}?"));
        format!("there is no claim of that name{meant}\n`iolab claims --list` names them all")
    })
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.list {
        return list();
    }
    let style = Look::of_stdout().style;
    let style = Style { unicode: style.unicode && !arguments.look.ascii, ..style };
    if arguments.facts {
        return facts(arguments.format, style);
    }
    let face = arguments.format.unwrap_or(if tui::is_possible() { Face::Tui } else { Face::Plain });
    if face == Face::Tui {
        // What would keep the verdicts from being shown is said before they are looked for.
        anyhow::ensure!(tui::is_possible(), "the pages need a terminal; --format plain needs none");
        arguments.look.theme()?;
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    signals::on_interrupt(move || asked.store(true, Ordering::Release))?;
    let capabilities = crate::lab::capabilities().clone();
    let judged = claims::hear(&wanted(&arguments.ids), capabilities.clone(), &stopped, progress);
    one_line::clear();
    if stopped.load(Ordering::Acquire) {
        face::warn("ended before all was run; nothing is judged on half of its evidence");
        return Ok(Exit::Failed);
    }
    let machine = &capabilities.machine;
    match face {
        Face::Json => {
            let document = export::claims::document(machine, &judged);
            face::print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        }
        Face::Plain => face::print(&plain::claims(machine, &judged, style))?,
        Face::Tui => {
            show(claims::pages(machine, &judged, style.unicode), &arguments.look)?;
        }
    }
    Ok(exit(&judged))
}

/// The claims that were asked for, each once.
fn wanted(ids: &[&'static Claim]) -> Vec<&'static Claim> {
    let mut wanted: Vec<&'static Claim> = Vec::new();
    for claim in ids {
        if !wanted.iter().any(|other| other.id == claim.id) {
            wanted.push(claim);
        }
    }
    if wanted.is_empty() { CLAIMS.iter().collect() } else { wanted }
}

/// Names the claims.
fn list() -> anyhow::Result<Exit> {
    let width = CLAIMS.iter().map(|claim| claim.id.len()).max().unwrap_or(0);
    let lines: String = CLAIMS.iter().map(|claim| format!("{:width$}  {}\n", claim.id, claim.says)).collect();
    face::print(&lines)?;
    Ok(Exit::Done)
}

/// Tries the kernel facts. They are short: lines do for them everywhere.
fn facts(format: Option<Face>, style: Style) -> anyhow::Result<Exit> {
    anyhow::ensure!(format != Some(Face::Tui), "facts have no pages: --format plain or json");
    let capabilities = crate::lab::capabilities();
    let machine = &capabilities.machine;
    let tried = facts::try_all(capabilities, |fact| one_line::say(fact.id));
    one_line::clear();
    match format {
        Some(Face::Json) => {
            let document = export::claims::facts(machine, &tried);
            face::print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        }
        _ => face::print(&plain::facts(machine, &tried, style))?,
    }
    let untestable = |tried: &facts::Tried| tried.observed.standing == facts::Standing::Untestable;
    Ok(if tried.iter().all(untestable) { Exit::Refused } else { Exit::Done })
}

fn show(pages: Lesson, look: &LookArguments) -> anyhow::Result<Exit> {
    let runner =
        |_: &Lesson| -> Box<dyn Runner> { Box::new(crate::lab::Live::playground(Options::default())) };
    super::screen::playground(pages, look, false, &runner)
}

fn exit(judged: &[Judged]) -> Exit {
    let untestable = |judged: &Judged| judged.ruling.verdict == Verdict::Untestable;
    if judged.iter().all(untestable) { Exit::Refused } else { Exit::Done }
}

/// Says which experiment begins.
fn progress(hearing: Hearing) {
    let Hearing { experiment, number, of } = hearing;
    one_line::say(&format!("{number} of {of}: {}", experiment.says));
}
