//! `iolab lab SERVER...`: the same load on several servers, side by side.

use std::path::PathBuf;
use std::sync::mpsc::channel;

use anyhow::Context;
use clap::Args;

use super::Exit;
use super::face::{self, Face};
use super::load_args::LoadArguments;
use super::progress::Progress;
use super::server_name::{column_named, server_list};
use super::server_options::ServerOptions;
use crate::lab::{Control, Plan, Recorder, Session};
use crate::servers::Column;
use crate::trace::{Entry, Probing, Thinner, Trace, file};

/// Puts the same load on several servers, side by side, and shows what the kernel says about each.
///
/// At `--rate max` the servers run in alternation, each alone; paced servers run together, and whoever polls
/// takes turns.
#[derive(Args, Debug)]
#[command(after_help = server_list(), after_long_help = format!("{EXAMPLES}\n\n{}", server_list()))]
pub struct Arguments {
    /// The servers; their names are listed below. NAME@N gives one N connections of its own: threads@1 threads@64.
    #[arg(required = true, value_name = "SERVER", value_parser = column_named)]
    servers: Vec<Column>,
    #[command(flatten)]
    load: LoadArguments,
    /// Which probes may watch.
    #[arg(long, value_enum, default_value = "auto")]
    probe: Probing,
    /// Alternate with rounds without any probe and show what the probes cost.
    #[arg(long)]
    probe_cost: bool,
    /// Keep the run in a file; compressed when its name ends in .gz.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How to show the result.
    #[arg(long, value_enum, default_value = "plain")]
    format: Face,
    #[command(flatten)]
    options: ServerOptions,
}

/// What the long help shows.
const EXAMPLES: &str = "\
Examples:
  iolab lab epoll uring                                  3 s each, as fast as it goes
  iolab lab epoll uring-naive uring --rate 2000 --burst 64 --duration 5
  iolab lab threads epoll --connections 1 --requests 20000 --format json
  iolab lab epoll uring --record a.trace.gz && iolab replay a.trace.gz";

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let plan = match plan(&arguments) {
        Ok(plan) => plan,
        Err(error) => {
            super::complain(&error);
            return Ok(Exit::Usage);
        }
    };
    let capabilities = crate::lab::capabilities().clone();
    let header = Session::header(&plan, &capabilities);
    let mut writer = match &arguments.record {
        Some(path) => Some(
            file::Writer::create(path, &header)
                .with_context(|| format!("cannot record to {}", path.display()))?,
        ),
        None => None,
    };
    let (sender, entries) = channel::<Vec<Entry>>();
    let recorder = Recorder::new(move |batch| {
        let _ = sender.send(batch);
    });
    let mut progress = Progress::new(&plan);
    let session = Session::start(plan, capabilities, recorder);
    let remote = session.remote();
    super::signals::on_interrupt(move || remote(Control::Stop))?;
    let (mut trace, mut thinner) = (Trace::new(header), Thinner::default());
    for entry in entries.into_iter().flatten() {
        if let Some(writer) = &mut writer {
            writer.append(&entry).context("cannot go on recording")?;
        }
        progress.see(&entry);
        trace.push(entry).map_err(anyhow::Error::msg)?;
        // The file keeps everything; the result needs only what it adds up to.
        thinner.thin(&mut trace);
    }
    session.wait();
    progress.done();
    if let Some(writer) = writer {
        writer.finish().context("cannot finish the recording")?;
    }
    face::show_lab(&trace, u64::MAX, arguments.format)
}

/// What was asked for, checked.
fn plan(arguments: &Arguments) -> anyhow::Result<Plan> {
    Ok(Plan {
        options: arguments.options.options()?,
        probing: arguments.probe,
        probe_cost: arguments.probe_cost,
        ..Plan::new(arguments.servers.clone(), arguments.load.load()?)
    })
}
