//! One process of a program: driven step by step, watched from outside.
//!
//! ```text
//! Cage ── the program, held before its exec until probes are attached
//!   ├── Client   connections in groups, or lines to a task
//!   ├── Calls    every system call, where the run asks for them
//!   └── Look     threads, descriptors, interest lists and rings between two steps
//! ```

mod calls;
mod client;
mod look;
mod patience;
mod recording;
mod steps;
mod task;

use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use self::calls::Calls;
use self::client::Client;
use self::look::Look;
use self::patience::where_it_is;
use self::task::Task;
use super::cage::{Cage, Ended, Hold, Limits, Order, Stdout};
use super::check::Setting;
use super::manifest::{Action, Kind, Manifest, Run, Watch};
use super::seen::{RunSeen, StepSeen, Trouble};
use crate::probe::clock::monotonic_ns;

/// A moment between two looks at a program that is to come to rest.
const MOMENT: Duration = Duration::from_millis(1);

/// So long it gets from the last descriptor that it opened or closed; one that never rests is judged as it is.
const RESTLESS_NS: u64 = 60_000_000;

/// So long it gets in all, to close a crowd's connections for example.
const SETTLE_NS: u64 = 1_000_000_000;

/// How long a program may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);

/// Limits of a program: roomy for every right one.
const PROCESSES_MAX: u64 = 256;
const MEMORY_BYTES_MAX: u64 = 512 << 20;
const FILE_BYTES_MAX: u64 = 64 << 20;
const CPU_S_MAX: u64 = 60;

/// Why a run ends early.
enum Halt {
    Trouble(Trouble),
    /// Somebody does not want to know any more.
    Stopped,
}

impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Self {
        Self::Trouble(Trouble::Error(format!("{error:#}")))
    }
}

/// What a run came to.
pub(super) struct Ran {
    pub seen: RunSeen,
    pub stopped: bool,
    /// What this machine does not hold, in sentences.
    pub not_held: Vec<String>,
    /// Where it was recorded.
    pub evidence: Option<String>,
}

/// Runs a program as `run` says and tells what was seen; `told` hears it after each step, as far as it is.
pub(super) fn run(
    name: &str,
    manifest: &Manifest,
    run: &Run,
    program: &Path,
    setting: &Setting<'_>,
    told: &mut dyn FnMut(&RunSeen),
) -> Ran {
    let mut seen = RunSeen::default();
    let begun = Stage::begin(manifest, run, program, setting, &mut seen);
    let mut stage = match begun {
        Ok(stage) => stage,
        Err(error) => {
            seen.trouble = Some(Trouble::Error(format!("{error:#}")));
            return Ran { seen, stopped: false, not_held: Vec::new(), evidence: None };
        }
    };
    let mut stopped = false;
    for step in &run.steps {
        let (one, halt) = stage.step(&step.action);
        seen.steps.push(one);
        match halt {
            None => {}
            Some(Halt::Stopped) => stopped = true,
            Some(Halt::Trouble(trouble)) => seen.trouble = Some(trouble),
        }
        if halt_now(&seen, stopped) {
            break;
        }
        told(&seen);
    }
    let not_held = stage.cage.held().iter().filter_map(complaint).collect();
    let evidence = setting.evidence.and_then(|folder| stage.record(folder, name, run, &seen, setting));
    stage.cage.finish();
    Ran { seen, stopped, not_held, evidence }
}

fn halt_now(seen: &RunSeen, stopped: bool) -> bool {
    stopped || seen.trouble.is_some()
}

/// Everything around one process.
struct Stage<'s> {
    // Dropped in this order: the tracer lets go before the cage ends its program.
    calls: Option<Calls>,
    look: Look,
    client: Client,
    task: Option<Task>,
    cage: Cage,
    setting: &'s Setting<'s>,
    before: super::seen::Snapshot,
    zero_ns: u64,
}

impl<'s> Stage<'s> {
    fn begin(
        manifest: &Manifest,
        run: &Run,
        program: &Path,
        setting: &'s Setting<'s>,
        seen: &mut RunSeen,
    ) -> anyhow::Result<Self> {
        let mut cage = Cage::begin(&order(manifest, program, setting))?;
        let zero_ns = monotonic_ns();
        let calls = match run.watch {
            Watch::Freely => None,
            Watch::Calls => Calls::of(cage.pid()).map_err(|refusal| seen.untraced = Some(refusal)).ok(),
        };
        let task = match manifest.kind {
            Kind::Server => None,
            Kind::Task => Some(Task::new(cage.stdin(), cage.stdout())?),
        };
        cage.release()?;
        let look = Look::at(cage.pid());
        let (client, before) = (Client::default(), super::seen::Snapshot::default());
        let mut stage = Self { calls, look, client, task, cage, setting, before, zero_ns };
        stage.settle();
        let _ = stage.calls.as_ref().map(Calls::take);
        stage.before = stage.look.snapshot();
        seen.start = stage.before.clone();
        Ok(stage)
    }

    /// Does one step and says what was seen of it.
    fn step(&mut self, action: &Action) -> (StepSeen, Option<Halt>) {
        let mut step = StepSeen { before: self.before.clone(), ..StepSeen::default() };
        let begin_ns = monotonic_ns();
        self.client.forget();
        let result = self.act(action, &mut step);
        let mut halt = result.err();
        if halt.is_none() {
            self.settle();
        }
        step.ms = monotonic_ns().saturating_sub(begin_ns) / 1_000_000;
        self.look.note_overflow(self.calls.as_ref().is_some_and(Calls::overflow_seen));
        step.after = self.look.snapshot();
        // Its sockets are closed before its end is told.
        let is_gone = !step.after.alive && !matches!(action, Action::End);
        if halt.is_none()
            && is_gone
            && let Some(ended) = self.cage.wait(FAREWELL)
        {
            halt = Some(Halt::Trouble(self.crashed(ended)));
        }
        if let Some(told) = self.calls.as_ref().map(Calls::take) {
            (step.calls, step.answered, step.batches) = (Some(told.calls), told.answered, told.batches);
        }
        self.before = step.after.clone();
        (step, halt)
    }

    /// An end of the program, or of the learner's interest.
    fn interrupted(&mut self) -> Result<(), Halt> {
        if (self.setting.stop)() {
            return Err(Halt::Stopped);
        }
        match self.cage.ended() {
            Some(ended) => Err(Halt::Trouble(self.crashed(ended))),
            None => Ok(()),
        }
    }

    fn crashed(&self, ended: Ended) -> Trouble {
        let said = self.cage.said();
        let last = said.iter().rev().find(|line| !line.trim().is_empty() && !line.starts_with("note: "));
        // A panic tells where and why in two lines.
        let panic = said.iter().position(|line| line.contains("panicked at"));
        let last = match panic {
            Some(at) => Some(said[at..said.len().min(at + 2)].join(" ")),
            None => last.cloned(),
        };
        let said = last.map_or(String::new(), |line| format!("; it said: {line}"));
        Trouble::Crashed(format!("the program ended {}{said}", words(ended)))
    }

    fn hung(&self, waits: &str) -> Halt {
        let calls = self.calls.as_ref().map(Calls::so_far);
        Halt::Trouble(Trouble::Hung(format!("{waits}: {}", where_it_is(self.cage.pid(), calls.as_ref()))))
    }

    /// System calls entered so far, where they are watched.
    fn entered(&self) -> u64 {
        self.calls.as_ref().map_or(0, Calls::entered)
    }

    /// Waits until the program is at rest; whether it is. Who has no processor uses none, so that alone is no rest:
    /// all threads have to sleep, and to have slept a moment ago, with no call in between.
    fn settle(&mut self) -> bool {
        let begin_ns = monotonic_ns();
        let (mut before, mut descriptors, mut moved_ns) = (None, self.look.descriptors(), begin_ns);
        loop {
            let now = (self.look.pulse(), self.entered());
            let rests = before.is_some_and(|(pulse, calls)| now.0.rested_since(pulse) && calls == now.1);
            if rests || self.cage.ended().is_some() {
                return true;
            }
            before = Some(now);
            let now_ns = monotonic_ns();
            let open = self.look.descriptors();
            if open != descriptors {
                (descriptors, moved_ns) = (open, now_ns);
            }
            if now_ns.saturating_sub(moved_ns) > RESTLESS_NS || now_ns.saturating_sub(begin_ns) > SETTLE_NS {
                return false;
            }
            self.wait(MOMENT);
        }
    }

    /// A wait that the end of the program ends early.
    fn wait(&self, time: Duration) {
        let mut end = [PollFd::new(self.cage.end(), PollFlags::POLLIN)];
        let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO);
        match poll(&mut end, time) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Without a wait the loops around it are busy ones, and end by their own bounds.
            Err(_) => std::thread::yield_now(),
        }
    }
}

fn order(manifest: &Manifest, program: &Path, setting: &Setting<'_>) -> Order {
    let is_task = manifest.kind == Kind::Task;
    Order {
        environment: vec![("RUST_BACKTRACE".into(), "0".into())],
        listener: !is_task,
        stdin: is_task,
        stdout: if is_task { Stdout::Piped } else { Stdout::Dropped },
        limits: Limits {
            descriptors: manifest.descriptors,
            processes: PROCESSES_MAX,
            memory_bytes: MEMORY_BYTES_MAX,
            file_bytes: FILE_BYTES_MAX,
            cpu_s: CPU_S_MAX,
        },
        ..Order::new(program, setting.scratch)
    }
}

/// What is not held, in a sentence.
fn complaint(hold: &Hold) -> Option<String> {
    let refusal = hold.refused.as_ref()?;
    Some(format!("not held: {} ({refusal})", hold.what.sentence()))
}

/// How a program ended, in words.
fn words(ended: Ended) -> String {
    match ended {
        Ended::Exited(status) => format!("with status {status}"),
        Ended::Signalled(number) => match Signal::try_from(number) {
            Ok(signal) => format!("by {}", signal.as_str()),
            Err(_) => format!("by signal {number}"),
        },
    }
}
