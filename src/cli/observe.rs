//! `iolab observe -- COMMAND` and `iolab observe -p PID`: any program, watched from outside.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, ValueEnum};
use nix::sys::signal::Signal;

use super::Exit;
use super::face::{self, Face};
use super::kept::Beside;
use super::look::LookArguments;
use super::recording::Recording;
use crate::lab::Recorder;
use crate::lesson::{Lesson, Runner, observed};
use crate::observe::{
    Asks, Became, Ended, Heard, Listener, Observation, Outcome, Output, Plan, Remote, Subject, Unstarted,
    Unusable, Watching, find, usable,
};
use crate::trace::{Entry, Probing, Thinner, Trace};
use crate::tui;
use crate::world::World;

/// Watches any program from outside: its rings, epoll sets, threads, children and system calls.
///
/// Its processes, rings and interest lists are found by themselves, those that come later too. A program that iolab
/// starts needs no privileges and ends with iolab; what it prints to standard output goes to standard error, unless
/// --output names a file for the result. A process that runs already goes on as it was.
#[derive(Args, Debug)]
pub struct Arguments {
    /// A process that runs already; it, and all that it starts, goes on afterwards.
    #[arg(short, long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..=i64::from(i32::MAX)))]
    pid: Option<u32>,
    /// A program to start, with its arguments.
    #[arg(value_name = "COMMAND", last = true, required_unless_present = "pid", conflicts_with = "pid")]
    command: Vec<OsString>,
    /// Seconds after which it is over; a program that iolab started is ended then.
    #[arg(long, value_name = "S", value_parser = seconds)]
    duration: Option<Duration>,
    /// Which probes may watch.
    #[arg(long, value_enum, default_value = "auto")]
    probe: Probing,
    /// With --pid and --probe ptrace: attach without asking, though that interrupts calls that wait.
    #[arg(long)]
    yes: bool,
    /// How the result is shown.
    #[arg(long, value_enum)]
    format: Option<ObserveFace>,
    /// Write the result to this file; the program's standard output is then left as it is.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Append what the program prints, standard output and standard error, to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "pid")]
    keep_output: Option<PathBuf>,
    #[command(flatten)]
    look: LookArguments,
    /// Keep the run in a file, for iolab replay; compressed when its name ends in .gz.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// How an observation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ObserveFace {
    /// A screen.
    Tui,
    /// Lines for people and screen readers.
    Plain,
    /// One JSON document for scripts.
    Json,
}

/// Answers the command.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let subject = match subject(&arguments) {
        Ok(subject) => subject,
        Err((says, exit)) => {
            super::complain(&says);
            return Ok(exit);
        }
    };
    if !may_attach(&arguments)? {
        return Ok(Exit::Usage);
    }
    let plan = Plan { subject, probing: arguments.probe, duration: arguments.duration };
    let header = plan.header(crate::lab::capabilities());
    let recording = arguments.record.as_deref().map(|path| Recording::create(path, header)).transpose()?;
    let exit = match arguments.is_on_screen() {
        true => on_screen(&arguments, plan, recording.clone())?,
        false => in_lines(&arguments, plan, recording.as_ref())?,
    };
    match recording.map_or(Ok(()), |recording| recording.finish()) {
        Ok(()) => Ok(exit),
        Err(error) => {
            super::complain(&error);
            // What the program says of itself goes first.
            Ok(if matches!(exit, Exit::Done | Exit::Status(0)) { Exit::Failed } else { exit })
        }
    }
}

/// Watches until the end, and shows the result.
fn in_lines(arguments: &Arguments, plan: Plan, recording: Option<&Recording>) -> anyhow::Result<Exit> {
    let capabilities = crate::lab::capabilities();
    let header = plan.header(capabilities);
    // Before anything starts: a result that has no place is not worth a run.
    let place = arguments.output.as_deref().map(Beside::create).transpose()?;
    let (sender, entries) = channel::<Vec<Entry>>();
    let recorder = Recorder::new(move |batch| {
        let _ = sender.send(batch);
    });
    // Likewise: whatever comes, it is ended.
    let asks = Asks::new()?;
    listen(asks.remote(), arguments.pid.is_none())?;
    let name = plan.subject.name().to_owned();
    let observation = match Observation::start(plan, capabilities, recorder, asks) {
        Ok(observation) => observation,
        Err(error) => return Ok(not_started(Unstarted::new(&name, &error))),
    };
    let (mut trace, mut thinner) = (Trace::new(header), Thinner::default());
    for entries in entries {
        if let Some(recording) = recording {
            recording.append(&entries);
        }
        entries.into_iter().try_for_each(|entry| trace.push(entry)).map_err(anyhow::Error::msg)?;
        thinner.thin(&mut trace);
    }
    let outcome = observation.wait();
    show(&trace, arguments, place)?;
    Ok(exit(outcome))
}

/// The same on the full screen.
fn on_screen(arguments: &Arguments, plan: Plan, recording: Option<Recording>) -> anyhow::Result<Exit> {
    let name = match arguments.pid {
        None => plan.subject.name().to_string_lossy().into_owned(),
        Some(pid) => format!("process {pid}"),
    };
    let lesson = observed(&name, plan.probing);
    let became = Became::default();
    let listener: Listener = Arc::new(Mutex::new(move |heard: Heard<'_>| match (&recording, heard) {
        (Some(recording), Heard::Begins) => recording.begin_anew(),
        (Some(recording), Heard::Entries(entries)) => recording.append(entries),
        (None, _) => {}
    }));
    let told = Arc::clone(&became);
    let runner = move |_: &Lesson| -> Box<dyn Runner> {
        Box::new(Watching::new(plan.clone(), Arc::clone(&listener), Arc::clone(&told)))
    };
    let shown = super::screen::playground(lesson, &arguments.look, false, &runner)?;
    let became = became.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Whoever leaves the screen has ended the program: only an end of its own is its status.
    Ok(match became {
        Some(Ok(outcome)) if shown == Exit::Done && !outcome.was_asked => exit(outcome),
        Some(Err(unstarted)) if shown == Exit::Done => not_started(unstarted),
        _ => shown,
    })
}

impl Arguments {
    /// Whether the full screen is what is wanted: on a terminal, where nothing else was asked for.
    fn is_on_screen(&self) -> bool {
        match self.format {
            Some(face) => face == ObserveFace::Tui,
            None => self.output.is_none() && self.duration.is_none() && tui::is_possible(),
        }
    }
}

/// What attaching does, said before it is done.
const WARNING: &str = "ptrace stops the process at each system call and slows it down; attaching interrupts calls that \
                       wait, so a waiting epoll_wait answers EINTR, and programs exist that end on that";

/// Whether ptrace may attach to a process that runs: asked on a terminal, elsewhere said by --yes.
fn may_attach(arguments: &Arguments) -> anyhow::Result<bool> {
    let Some(pid) = arguments.pid.filter(|_| arguments.probe == Probing::Ptrace && !arguments.yes) else {
        return Ok(true);
    };
    if !std::io::stdin().is_terminal() {
        super::complain(&anyhow::anyhow!("{WARNING}; with --yes process {pid} is attached to all the same"));
        return Ok(false);
    }
    face::warn(&format!("{WARNING}. Attach to process {pid}? [y/N]"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

/// Whom to observe; what is wrong with it is said with its exit code.
fn subject(arguments: &Arguments) -> Result<Subject, (anyhow::Error, Exit)> {
    if let Some(pid) = arguments.pid {
        return match usable(pid) {
            Ok(()) => Ok(Subject::Process(pid)),
            Err(unusable) => {
                let exit = match unusable {
                    Unusable::Gone(_) | Unusable::Zombie(_) => Exit::Failed,
                    Unusable::Oneself(_) | Unusable::Thread(..) => Exit::Usage,
                    Unusable::Kernel(..) | Unusable::Unreadable(..) => Exit::Refused,
                };
                Err((unusable.into(), exit))
            }
        };
    }
    let name = arguments.command.first().cloned().unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let file = find(&name, &path).map_err(|unfound| {
        let exit = Exit::Status(unfound.status());
        (unfound.into(), exit)
    })?;
    let output = match (&arguments.keep_output, &arguments.output) {
        (path, _) if arguments.is_on_screen() => Output::Aside(path.clone()),
        (Some(path), _) => Output::File(path.clone()),
        (None, Some(_)) => Output::AsItIs,
        (None, None) => Output::ToStderr,
    };
    Ok(Subject::Command { file, line: arguments.command.clone(), output })
}

/// Says why nothing was started.
fn not_started(unstarted: Unstarted) -> Exit {
    let exit = unstarted.status().map_or(Exit::Failed, Exit::Status);
    super::complain(&unstarted.into());
    exit
}

/// The result. Where its place is lost meanwhile it is printed beside: the run cannot be made again.
fn show(trace: &Trace, arguments: &Arguments, place: Option<Beside>) -> anyhow::Result<()> {
    let world = World::at(trace, u64::MAX);
    let face = if arguments.format == Some(ObserveFace::Json) { Face::Json } else { Face::Plain };
    let text = face::observed(&world, face)?;
    let Some(place) = place else { return face::print(&text) };
    place.put(|out| out.write_all(text.as_bytes())).inspect_err(|_| face::print_beside(&text))
}

/// The program's own exit status; that of a signal is 128 and its number, as in shells.
fn exit(outcome: Outcome) -> Exit {
    if outcome.has_failed {
        super::complain(&anyhow::anyhow!(
            "the observing thread failed: what is shown ends there; please report it"
        ));
    }
    match outcome.program {
        None => Exit::Done,
        Some(Ended::Status(status)) => Exit::Status(u8::try_from(status & 0xff).unwrap_or(1)),
        Some(Ended::Signal(signal)) => Exit::Status(u8::try_from(128 + signal).unwrap_or(128)),
        Some(Ended::Unknown) => Exit::Failed,
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.trim_end_matches('s').parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 1e9 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("seconds, such as 2.5".into()),
    }
}

/// Two Ctrl-C within this time mean that the program is to end, nanoseconds. One is the program's own business:
/// it has had it from the terminal, and an interpreter may only give up what was typed.
const AGAIN_NS: u64 = 3_000_000_000;

/// Passes signals on to the program, or ends the observation of a process.
fn listen(stop: Remote, is_ours: bool) -> anyhow::Result<()> {
    let last_ns = std::sync::Mutex::new(None::<u64>);
    super::signals::on_each(move |number| {
        let signal = Signal::try_from(number).unwrap_or(Signal::SIGTERM);
        if !is_ours || signal != Signal::SIGINT || !in_foreground() {
            return stop(signal);
        }
        let now_ns = crate::probe::clock::monotonic_ns();
        let mut last_ns = last_ns.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match last_ns.replace(now_ns) {
            Some(before_ns) if now_ns.saturating_sub(before_ns) < AGAIN_NS => stop(Signal::SIGTERM),
            _ => {}
        }
    })
}

/// Whether the terminal sends its signals to this process and to what it started.
fn in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    let group = terminal.ok().and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    group.is_some_and(|group| group.as_raw_nonzero().get() == nix::unistd::getpgrp().as_raw())
}
