//! `iolab claims [ID...]`: popular statements about epoll and io_uring, put to the test on this machine.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};

use super::look::LookArguments;
use super::{Exit, face, signals};
use crate::claims::{self, CLAIMS, Claim, Hearing, Judged, Verdict, facts};
use crate::export;
use crate::lesson::{Lesson, Runner};
use crate::plain;
use crate::servers::Options;
use crate::tui;

/// Puts popular claims about epoll and io_uring to the test on this machine: each with verdict, evidence, how far to
/// trust it, who says so, and what would change it.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit status: 0 all were judged, 1 ended early, 2 wrong usage, 3 none can be tested here."
)]
pub struct Arguments {
    /// The claims; all of them when left out.
    #[arg(value_name = "ID", value_parser = claim_named)]
    ids: Vec<&'static Claim>,
    /// Say what the claims are, and test none.
    #[arg(long, conflicts_with = "ids")]
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
        format!("there is no claim of that name{meant} `iolab claims --list` names them all")
    })
}

/// Answers the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.list {
        return list();
    }
    if arguments.facts {
        return facts(arguments.format);
    }
    let face = arguments.format.unwrap_or(if tui::is_possible() { Face::Tui } else { Face::Plain });
    if face == Face::Tui && !tui::is_possible() {
        anyhow::bail!("the pages need a terminal; --format plain needs none");
    }
    let wanted: Vec<&'static Claim> = match arguments.ids.is_empty() {
        true => CLAIMS.iter().collect(),
        false => arguments.ids.clone(),
    };
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    signals::on_interrupt(move || asked.store(true, Ordering::Release))?;
    let capabilities = crate::lab::capabilities().clone();
    let judged = claims::hear(&wanted, capabilities.clone(), &stopped, progress);
    clear();
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
        Face::Plain => face::print(&plain::claims(machine, &judged, plain::verdict::Style::default()))?,
        Face::Tui => {
            show(claims::pages(machine, &judged), &arguments.look)?;
        }
    }
    Ok(exit(&judged))
}

/// Names the claims.
fn list() -> anyhow::Result<Exit> {
    let width = CLAIMS.iter().map(|claim| claim.id.len()).max().unwrap_or(0);
    let lines: String = CLAIMS.iter().map(|claim| format!("{:width$}  {}\n", claim.id, claim.says)).collect();
    face::print(&lines)?;
    Ok(Exit::Done)
}

/// Tries the kernel facts. They are short: lines do for them everywhere.
fn facts(format: Option<Face>) -> anyhow::Result<Exit> {
    let capabilities = crate::lab::capabilities();
    let machine = &capabilities.machine;
    let tried = facts::try_all(capabilities, |fact| say(fact.id));
    clear();
    match format {
        Some(Face::Json) => {
            let document = export::claims::facts(machine, &tried);
            face::print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        }
        _ => face::print(&plain::facts(machine, &tried, plain::verdict::Style::default()))?,
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

/// One line on the terminal that says what is being run; silent elsewhere.
fn progress(hearing: Hearing) {
    let Hearing { experiment, number, of } = hearing;
    say(&format!("{number} of {of}: {}", experiment.says));
}

fn say(text: &str) {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
    }
}

fn clear() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
}
