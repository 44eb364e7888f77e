//! `iolab trial TRIAL`: one small program that provokes a mistake or shows a fact.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

use clap::Args;

use super::Exit;
use super::face::{self, Face};
use super::nearest::nearest;
use super::trouble::trouble;
use crate::lab::{Control, Recorder, TrialPlan, Trials};
use crate::refused::Refused;
use crate::trace::{Entry, Probing, Trace, file};
use crate::trials::{self, TRIALS, Trial, gate};

/// Runs a trial: a small program that provokes one mistake or shows one fact.
///
/// It prints nothing. What it shows is what the kernel says of it: run it under strace, or with --watch.
#[derive(Args, Debug)]
#[command(after_help = trial_list(), after_long_help = format!("{EXAMPLES}\n\n{}", trial_list()))]
pub struct Arguments {
    /// Which trial; the names are listed below.
    #[arg(value_parser = trial_named)]
    trial: &'static Trial,
    /// Run it in the lab, and show what the kernel says.
    #[arg(long)]
    watch: bool,
    /// With --watch: which probes may watch.
    #[arg(long, value_enum, default_value = "auto", requires = "watch")]
    probe: Probing,
    /// With --watch: how to show the result.
    #[arg(long, value_enum, default_value = "plain", requires = "watch")]
    format: Face,
    /// With --watch: keep the run in a file; compressed when its name ends in .gz.
    #[arg(long, value_name = "FILE", requires = "watch")]
    record: Option<PathBuf>,
    /// With --watch: seconds after which it is ended.
    #[arg(long, value_name = "S", requires = "watch", hide = true)]
    patience: Option<u64>,
    /// Descriptor 3 is the gate of the lab, which says when to begin and when to end.
    #[arg(long, hide = true, conflicts_with = "watch")]
    gate: bool,
}

/// What the long help shows.
const EXAMPLES: &str = "\
Examples:
  iolab trial ghost-event --watch            what the kernel says of it, in plain words
  strace -f iolab trial ghost-event          the same by another program
  strace -f -c iolab trial getppid           its system calls, counted";

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    if arguments.watch {
        return watch(arguments);
    }
    match gate::run(arguments.trial, arguments.gate) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.is::<Refused>() => {
            super::complain(&error);
            Ok(Exit::Refused)
        }
        Err(error) => Err(error),
    }
}

/// The trial in the lab.
fn watch(arguments: Arguments) -> anyhow::Result<Exit> {
    let mut plan = TrialPlan { probing: arguments.probe, ..TrialPlan::new(vec![arguments.trial]) };
    plan.patience = arguments.patience.map_or(plan.patience, Duration::from_secs);
    let capabilities = crate::lab::capabilities().clone();
    let header = plan.header(&capabilities);
    let (sender, entries) = channel::<Vec<Entry>>();
    let recorder = Recorder::new(move |batch| {
        let _ = sender.send(batch);
    });
    let trials = Trials::start(plan, capabilities, recorder);
    let remote = trials.remote();
    super::signals::on_interrupt(move || remote(Control::Stop))?;
    let mut trace = Trace::new(header);
    for entry in entries.into_iter().flatten() {
        trace.push(entry).map_err(anyhow::Error::msg)?;
    }
    trials.wait();
    if let Some(path) = &arguments.record {
        file::save(&trace, path)
            .map_err(|error| trouble(format_args!("cannot record to {}", path.display()), &error))?;
    }
    face::show_lab(&trace, u64::MAX, arguments.format)
}

/// The trial of that name; the error helps whoever mistyped it. clap ends the program with status 2 then.
fn trial_named(name: &str) -> Result<&'static Trial, String> {
    trials::by_name(name).ok_or_else(|| {
        let guess = nearest(name, TRIALS.iter().map(|trial| trial.name))
            .map(|guess| format!("did you mean {guess}? "))
            .unwrap_or_default();
        let names: Vec<&str> = TRIALS.iter().map(|trial| trial.name).collect();
        format!("there is no such trial; {guess}There are {}", names.join(", "))
    })
}

/// The trials of the table as the help prints them.
fn trial_list() -> String {
    let rows = TRIALS.iter().map(|trial| format!("\n  {:<18} {}", trial.name, trial.says));
    format!("Trials:{}", rows.collect::<String>())
}
