//! `iolab lab SERVER...`: the same load on several servers, side by side.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::Exit;
use super::face::{self, Face};
use super::load_args::LoadArguments;
use super::look::LookArguments;
use super::progress::Progress;
use super::server_name::{column_named, server_list};
use super::server_options::ServerOptions;
use super::talk::ear::Ear;
use super::trouble::trouble;
use crate::lab::{Control, Live, OpenWindows, Plan, Recorder, Session, SlowPlan};
use crate::lesson::{Lesson, Runner, playground};
use crate::servers::{Column, Options, TracedFrom};
use crate::trace::{Entry, Load, Pace, Probing, Thinner, Trace, file};
use crate::tui;

/// Puts the same load on several servers, side by side, and shows what the kernel says about each.
///
/// At `--rate max` the servers run in alternation, each alone; paced servers run together, and whoever polls
/// takes turns.
#[derive(Args, Debug)]
#[command(after_help = server_list())]
pub struct Arguments {
    /// The servers; their names are listed below. NAME@N gives one N connections of its own: threads@1 threads@64.
    #[arg(required = true, value_name = "SERVER", value_parser = column_named)]
    servers: Vec<Column>,
    #[command(flatten)]
    load: LoadArguments,
    /// Which probes may watch.
    #[arg(long, value_enum, default_value = "auto")]
    probe: Probing,
    /// Have a tracer stop the servers at each system call, from the same processor or from another; several settings
    /// (none,same,other) stand side by side. SERVER+same is one traced column.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHERE", conflicts_with = "slow")]
    tracer: Vec<Tracing>,
    /// When the story is told at full speed.
    #[arg(long, value_enum, default_value = "auto", hide = true)]
    windows: OpenWindows,
    /// Alternate with rounds without any probe and show what the probes cost.
    #[arg(long)]
    probe_cost: bool,
    /// Slow motion: the servers stop at each system call, and what stands in their rings, lists and queues is shown.
    #[arg(long, conflicts_with = "probe_cost")]
    slow: bool,
    /// Keep the run in a file; compressed when its name ends in .gz.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// The face: tui on a terminal, where the load and the servers can be changed; plain elsewhere and for runs
    /// that --requests, --duration, --record or --probe-cost bound; or json.
    #[arg(long, value_enum)]
    format: Option<LabFace>,
    #[command(flatten)]
    look: LookArguments,
    #[command(flatten)]
    options: ServerOptions,
}

/// Who stops the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tracing {
    /// Nobody.
    None,
    /// A tracer on the server's own processor.
    Same,
    /// A tracer on another processor.
    Other,
}

impl Tracing {
    fn from(self) -> Option<TracedFrom> {
        match self {
            Self::None => None,
            Self::Same => Some(TracedFrom::Same),
            Self::Other => Some(TracedFrom::Other),
        }
    }
}

/// The columns, each under each of the tracers that were asked for.
fn traced(columns: &[Column], tracers: &[Tracing]) -> Vec<Column> {
    if tracers.is_empty() {
        return columns.to_vec();
    }
    let with = |column: &Column| {
        let column = *column;
        tracers.iter().map(move |tracing| Column { traced: tracing.from(), ..column })
    };
    columns.iter().flat_map(with).collect()
}

/// How a lab is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LabFace {
    /// A screen.
    Tui,
    /// Lines for people and screen readers.
    Plain,
    /// One JSON document for scripts.
    Json,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let plan = match plan(&arguments) {
        Ok(plan) => plan,
        Err(error) => {
            super::complain(&error);
            return Ok(Exit::Usage);
        }
    };
    if arguments.slow {
        return slow(arguments, plan);
    }
    let face = match arguments.format {
        Some(LabFace::Json) => Face::Json,
        Some(LabFace::Tui) => return screen(arguments, plan),
        None if tui::is_possible() && !arguments.is_bounded() => return screen(arguments, plan),
        Some(LabFace::Plain) | None => Face::Plain,
    };
    let capabilities = crate::lab::capabilities().clone();
    let header = Session::header(&plan, &capabilities);
    let mut writer = match &arguments.record {
        Some(path) => Some(
            file::Writer::create(path, &header)
                .map_err(|error| trouble(format_args!("cannot record to {}", path.display()), &error))?,
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
            writer.append(&entry).map_err(|error| trouble("cannot go on recording", &error))?;
        }
        progress.see(&entry);
        trace.push(entry).map_err(anyhow::Error::msg)?;
        // The file keeps everything; the result needs only what it adds up to.
        thinner.thin(&mut trace);
    }
    session.wait();
    progress.done();
    if let Some(writer) = writer {
        writer.finish().map_err(|error| trouble("cannot finish the recording", &error))?;
    }
    face::show_lab(&trace, u64::MAX, face)
}

/// Slow motion, on a screen or in lines.
fn slow(arguments: Arguments, plan: Plan) -> anyhow::Result<Exit> {
    let slow = match slow_plan(&arguments, &plan) {
        Ok(slow) => slow,
        Err(error) => {
            super::complain(&error);
            return Ok(Exit::Usage);
        }
    };
    match arguments.format {
        Some(LabFace::Json) => {
            super::complain(&anyhow::anyhow!("slow motion is for people: it has no --format json"));
            Ok(Exit::Usage)
        }
        Some(LabFace::Tui) => slow_screen(&arguments, plan, slow),
        None if tui::is_possible() && !arguments.is_bounded() => slow_screen(&arguments, plan, slow),
        _ if !arguments.is_bounded() && is_talked_to() => slow_talk(&arguments, plan, slow),
        _ => super::slow::pipe(&slow, arguments.load.requests().unwrap_or(1), arguments.record.as_deref()),
    }
}

/// Whether somebody types lines and reads them.
fn is_talked_to() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Slow motion as a conversation.
fn slow_talk(arguments: &Arguments, plan: Plan, slow: SlowPlan) -> anyhow::Result<Exit> {
    let columns = plan.columns.iter().map(|column| column.server.name.to_owned()).collect();
    let lesson = playground(columns, plan.load, arguments.probe);
    let lab = lesson.steps.first().and_then(|step| step.lab()).context("the playground has no lab")?;
    let mut runner = Live::playground(plan.options).with_slow(slow);
    super::slow::talk(lab, &mut runner, &mut Ear::new()?, 1)?;
    Ok(Exit::Done)
}

/// The playground with slow motion open.
fn slow_screen(arguments: &Arguments, plan: Plan, slow: SlowPlan) -> anyhow::Result<Exit> {
    let columns = plan.columns.iter().map(ToString::to_string).collect();
    let load =
        Load { connections: slow.connections, pace: Pace::PerSecond(100), duration_ns: None, ..plan.load };
    let lesson = playground(columns, load, plan.probing);
    let runner = |_: &Lesson| -> Box<dyn Runner> {
        Box::new(Live::playground(plan.options.clone()).with_slow(slow.clone()))
    };
    super::screen::playground(lesson, &arguments.look, true, &runner)
}

fn slow_plan(arguments: &Arguments, plan: &Plan) -> anyhow::Result<SlowPlan> {
    let servers = plan.columns.iter().map(|column| column.server).collect();
    let mut slow = SlowPlan::new(servers);
    slow.connections = arguments.load.connections_slow()?;
    slow.message_bytes = arguments.load.message_bytes();
    if plan.options != Options::default() {
        slow.options = plan.options.clone();
    }
    Ok(slow)
}

/// The playground: the screen of a lesson, without the lesson.
fn screen(arguments: Arguments, plan: Plan) -> anyhow::Result<Exit> {
    if arguments.is_bounded() {
        let says = "the screen runs until it is stopped: it takes no --requests, --duration, --record, --probe-cost; \
                    with --format plain they hold";
        super::complain(&anyhow::anyhow!(says));
        return Ok(Exit::Usage);
    }
    let columns = plan.columns.iter().map(ToString::to_string).collect();
    let lesson = playground(columns, Load { duration_ns: None, ..plan.load }, plan.probing);
    let runner = |_: &Lesson| -> Box<dyn Runner> { Box::new(Live::playground(plan.options.clone())) };
    super::screen::playground(lesson, &arguments.look, false, &runner)
}

impl Arguments {
    /// Whether the run is a measurement with an end of its own.
    fn is_bounded(&self) -> bool {
        self.load.is_bounded() || self.record.is_some() || self.probe_cost
    }
}

/// What was asked for, checked.
fn plan(arguments: &Arguments) -> anyhow::Result<Plan> {
    Ok(Plan {
        options: arguments.options.options()?,
        probing: arguments.probe,
        windows: arguments.windows,
        probe_cost: arguments.probe_cost,
        ..Plan::new(traced(&arguments.servers, &arguments.tracer), arguments.load.load()?)
    })
}
