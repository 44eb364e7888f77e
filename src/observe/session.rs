//! An observation from the first look to the last.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;

use super::counting::counters;
use super::ending::{self, Ended, Ending, GRACE_NS};
use super::launch::launch;
use super::member::{Birth, Member, tracer};
use super::plan::{Plan, Subject};
use super::tree::{self, Tree};
use crate::lab::Recorder;
use crate::lab::spawn::Held;
use crate::probe::clock;
use crate::trace::{Capabilities, End, Layer, Note, ProcessTotals, Purpose, Record, Refusal, Rung, Start};

/// Between two looks at the rings, while there are any, milliseconds. Waking costs more than looking.
const LOOK_MS: u16 = 4;

/// Between two looks otherwise.
const LOOK_CALM_MS: u16 = 10;

/// And at first: programs open their files and rings when they begin.
const LOOK_EARLY_MS: u16 = 1;
const EARLY_NS: u64 = 200_000_000;

/// Between two totals, nanoseconds: reading a counter interrupts the processor that it is on.
const TOTALS_NS: u64 = 100_000_000;

/// Between two readings of interest lists and queues, nanoseconds; sock_diag walks all sockets of the machine.
const STATE_NS: u64 = 500_000_000;
const STATE_EARLY_NS: u64 = 20_000_000;

/// Looks between two searches of all descriptors for rings.
const THOROUGH: u64 = 50;

/// Processes that are looked at one by one; the others are counted only.
const MEMBERS_MAX: usize = 64;

/// What became of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the program ended that iolab started; `None` for a process that ran already.
    pub program: Option<Ended>,
}

/// What a person may ask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// End it: the program too, if iolab started it. It gets this signal.
    Stop(Signal),
}

/// What a person asks of an observation, from before it begins: nothing that was asked is lost.
pub struct Asks {
    sender: Sender<Ask>,
    asked: Receiver<Ask>,
    bell: Arc<EventFd>,
}

/// A handle that ends an observation from another thread.
pub type Remote = Box<dyn Fn(Signal) + Send + Sync>;

impl Asks {
    /// Nothing was asked yet.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> anyhow::Result<Self> {
        let bell =
            EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).context("eventfd(2)")?;
        let (sender, asked) = channel();
        Ok(Self { sender, asked, bell: Arc::new(bell) })
    }

    /// A handle that ends the observation: the program that iolab started gets a signal, and is killed if it does not
    /// go or is asked again; a process that ran before goes on.
    pub fn remote(&self) -> Remote {
        remote(&self.sender, &self.bell)
    }
}

fn remote(sender: &Sender<Ask>, bell: &Arc<EventFd>) -> Remote {
    let (sender, bell) = (sender.clone(), Arc::clone(bell));
    Box::new(move |signal| {
        let _ = sender.send(Ask::Stop(signal));
        let _ = bell.write(1);
    })
}

/// An observation under way. Dropping it ends it.
pub struct Observation {
    remote: Remote,
    thread: Option<JoinHandle<Outcome>>,
}

impl Observation {
    /// Begins.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(
        plan: Plan,
        capabilities: &Capabilities,
        recorder: Recorder,
        asks: Asks,
    ) -> anyhow::Result<Self> {
        let remote = asks.remote();
        let session = Session::begin(plan, capabilities, recorder, asks)?;
        let thread = std::thread::spawn(move || session.run());
        Ok(Self { remote, thread: Some(thread) })
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Outcome {
        self.join()
    }

    fn join(&mut self) -> Outcome {
        let outcome = self.thread.take().and_then(|thread| thread.join().ok());
        outcome.unwrap_or(Outcome { program: None })
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if self.thread.is_some() {
            (self.remote)(Signal::SIGTERM);
            self.join();
        }
    }
}

/// What the observing thread has.
struct Session {
    plan: Plan,
    recorder: Recorder,
    asks: Asks,
    rung: Result<Rung, Refusal>,
    zero_ns: u64,
    tree: Tree,
    members: Vec<Member>,
    /// Columns that were given out.
    columns: u32,
    /// The program that iolab started.
    child: Option<Child>,
    ended: Option<Ended>,
    ending: Ending,
    /// Processes that were too many to be looked at.
    unseen: u64,
    looks: u64,
    totals_ns: u64,
    state_ns: u64,
    /// Whether it is over for iolab, though the process goes on.
    is_left: bool,
}

impl Session {
    fn begin(
        plan: Plan,
        capabilities: &Capabilities,
        recorder: Recorder,
        asks: Asks,
    ) -> anyhow::Result<Self> {
        let rung = plan.syscall_rung(capabilities);
        let (held, root) = match &plan.subject {
            Subject::Command { .. } => {
                let held = launch(&plan.subject)?;
                let pid = held.pid;
                (Some(held), pid)
            }
            Subject::Process(pid) => (None, *pid),
        };
        let adopter = held.as_ref().map(|_| std::process::id());
        let mut session = Self {
            tree: Tree::new(root, adopter),
            plan,
            recorder,
            asks,
            rung,
            zero_ns: clock::monotonic_ns(),
            members: Vec::new(),
            columns: 0,
            child: None,
            ended: None,
            ending: Ending::None,
            unseen: 0,
            looks: 0,
            totals_ns: 0,
            state_ns: 0,
            is_left: false,
        };
        match held {
            Some(held) => session.take_held(held)?,
            None => session.take_running(root),
        }
        Ok(session)
    }

    /// The program that iolab starts: attached to before its exec.
    fn take_held(&mut self, held: Held) -> anyhow::Result<()> {
        let pid = held.pid;
        let counted = self.rung.as_ref().ok().and_then(|rung| Some((*rung, counters(pid, *rung)?)));
        let mut threads = crate::probe::proc::Threads::open(pid).ok();
        let first = threads.as_mut().map(|threads| threads.totals().to_vec()).unwrap_or_default();
        self.child = Some(held.release()?);
        self.zero_ns = clock::monotonic_ns();
        let mut member = self.member(pid, None, Birth::Seen);
        if let Subject::Command { file, .. } = &self.plan.subject {
            // It may be over before its link can be read.
            let file = file.canonicalize().unwrap_or_else(|_| file.clone());
            member.program.exe = Some(file.to_string_lossy().into_owned());
        }
        self.count(&mut member, counted);
        self.introduce(&mut member, ProcessTotals { threads: first, ..ProcessTotals::default() });
        self.members.push(member);
        Ok(())
    }

    /// A process that runs, and what it has started so far: each is counted by itself.
    fn take_running(&mut self, root: u32) {
        let mut members = vec![self.member(root, None, Birth::Before)];
        let others = self.tree.search();
        for found in others {
            members.push(self.member(found.pid, Some(found.parent), Birth::Before));
        }
        for mut member in members {
            let counted =
                self.rung.as_ref().ok().and_then(|rung| Some((*rung, counters(member.pid, *rung)?)));
            self.count(&mut member, counted);
            let first = member.totals(true, 0);
            self.introduce(&mut member, first);
            self.members.push(member);
        }
    }

    fn member(&mut self, pid: u32, parent: Option<u32>, birth: Birth) -> Member {
        // Processes begin one after another, each with its own column.
        let start = Start { server: self.columns, round: 0, purpose: Purpose::Observe, pid, load: None };
        self.columns += 1;
        Member::new(pid, parent, birth, self.plan.probing, self.recorder.begin(start))
    }

    /// Gives a process its own counters, or says why it has none.
    fn count(
        &self,
        member: &mut Member,
        counted: Option<(Rung, Result<crate::probe::perf::Counters, Refusal>)>,
    ) {
        match counted {
            Some((_, Ok(counters))) => member.counters = Some(counters),
            Some((rung, Err(refusal))) => member.refuse(rung, refusal),
            None => {
                if let Err(refusal) = &self.rung {
                    member.refuse(Rung::PerfUser, refusal.clone());
                }
            }
        }
        if let Some(tracer) = tracer(member.pid) {
            let refusal = Refusal {
                layer: Layer::Process,
                says: format!("process {} is traced by process {tracer} already", member.pid),
                try_this: format!("end process {tracer} first (a debugger, strace)"),
            };
            member.refuse(Rung::Ptrace, refusal);
        }
    }

    /// The first records of a process: what it is, and what its totals are counted from.
    fn introduce(&mut self, member: &mut Member, first: ProcessTotals) {
        let t_ns = self.t_ns();
        let program = member.what_it_is().unwrap_or_else(|| member.program.clone());
        let mut records = vec![Record::Program(program), Record::Process(first)];
        records.extend(member.refusals());
        self.recorder.push(member.run, records.into_iter().map(|record| (t_ns, record)));
    }

    fn t_ns(&self) -> u64 {
        clock::monotonic_ns().saturating_sub(self.zero_ns)
    }

    /// Until all have ended, or iolab is to leave.
    fn run(mut self) -> Outcome {
        while !self.is_left && self.members.iter().any(|member| !member.is_over) {
            self.wait_a_little();
            self.hear();
            self.look();
        }
        self.leave();
        self.recorder.close();
        Outcome { program: self.ended.or(self.child.is_some().then_some(Ended::Unknown)) }
    }

    /// Until the next look is due, a process has ended, or somebody asks for something.
    fn wait_a_little(&self) {
        let ms = match () {
            () if self.t_ns() < EARLY_NS => LOOK_EARLY_MS,
            () if self.members.iter().any(Member::has_ring) => LOOK_MS,
            () => LOOK_CALM_MS,
        };
        let living = self.members.iter().filter(|member| !member.is_over);
        let processes = living.filter_map(|member| member.process.as_ref()).map(OwnedFd::as_fd);
        let mut ears: Vec<_> = std::iter::once(self.asks.bell.as_fd())
            .chain(processes)
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
            .collect();
        // Interrupted or not: then it is time for a look.
        let _ = poll(&mut ears, PollTimeout::from(ms));
    }

    fn hear(&mut self) {
        let _ = self.asks.bell.read();
        while let Ok(Ask::Stop(signal)) = self.asks.asked.try_recv() {
            self.stop(signal);
        }
        let now_ns = clock::monotonic_ns();
        let is_due =
            self.plan.duration.is_some_and(|duration| u128::from(self.t_ns()) >= duration.as_nanos());
        match self.ending {
            Ending::None if is_due => self.stop(Signal::SIGTERM),
            Ending::Asked(until_ns) if now_ns >= until_ns => self.stop(Signal::SIGKILL),
            _ => {}
        }
    }

    /// Asks the program to end, or kills it where it was asked before; a process that ran before is left alone.
    fn stop(&mut self, signal: Signal) {
        if self.child.is_none() {
            self.is_left = true;
            return;
        }
        match self.ending {
            Ending::None => {
                // Whoever is left of a program that has ended is asked in its place.
                let root_is_over = self.members.first().is_some_and(|member| member.is_over);
                let all = self.members.iter().filter(|member| !member.is_over);
                let asked = all.take(if root_is_over { usize::MAX } else { 1 });
                asked.for_each(|member| ending::ask(member.pid, signal));
                self.ending = Ending::Asked(clock::monotonic_ns() + GRACE_NS);
            }
            Ending::Asked(_) => {
                self.ending = Ending::Killed;
                for member in self.members.iter().filter(|member| !member.is_over) {
                    ending::ask(member.pid, Signal::SIGKILL);
                }
            }
            Ending::Killed => {}
        }
    }

    /// One look at everything.
    fn look(&mut self) {
        self.looks += 1;
        self.welcome();
        let now_ns = self.t_ns();
        let totals_are_due = now_ns >= self.totals_ns + TOTALS_NS;
        let state_is_due =
            now_ns >= self.state_ns + if now_ns < EARLY_NS { STATE_EARLY_NS } else { STATE_NS };
        let thoroughly = self.looks.is_multiple_of(THOROUGH);
        let mut ended = Vec::new();
        for (at, member) in self.members.iter_mut().enumerate().filter(|(_, member)| !member.is_over) {
            member.look(thoroughly);
            let is_over = has_ended(member);
            let mut records = Vec::new();
            if state_is_due && !is_over {
                records.extend(member.state());
            }
            if totals_are_due || is_over {
                records.extend(member.what_it_is().map(Record::Program));
                records.push(Record::Process(member.totals(is_over, clock::thread_cpu_ns())));
                records.extend(member.refusals());
            }
            self.recorder.push(member.run, records.into_iter().map(|record| (now_ns, record)));
            if is_over {
                ended.push(at);
            }
        }
        if totals_are_due {
            self.totals_ns = now_ns;
            for member in self.members.iter_mut().filter(|member| member.is_over) {
                let totals = member.totals_after_end().map(|totals| (now_ns, Record::Process(totals)));
                self.recorder.push(member.run, totals);
            }
        }
        if state_is_due {
            self.state_ns = now_ns;
        }
        ended.into_iter().for_each(|at| self.part(at));
    }

    /// Takes up processes that are new.
    fn welcome(&mut self) {
        for found in self.tree.look() {
            if found.parent == std::process::id() && tree::is_zombie(found.pid) {
                // An orphan that nobody saw alive.
                let _ = ending::collect(found.pid);
                self.tree.forget(found.pid);
                self.unseen += 1;
                continue;
            }
            if self.members.len() >= MEMBERS_MAX {
                self.unseen += 1;
                continue;
            }
            let mut member = self.member(found.pid, Some(found.parent), Birth::Seen);
            let counting = self.members.iter_mut().find(|member| member.counters.is_some());
            if let Some(counting) = counting {
                member.program.counted_with = Some(counting.pid);
                counting.program.counts_others += 1;
            } else if let Err(refusal) = &self.rung {
                member.refuse(Rung::PerfUser, refusal.clone());
            }
            self.introduce(&mut member, ProcessTotals::default());
            self.members.push(member);
        }
    }

    /// A process has ended; its last totals were read.
    fn part(&mut self, at: usize) {
        let t_ns = self.t_ns();
        let is_child = at == 0 && self.child.is_some();
        let member = &mut self.members[at];
        let is_ours = self.child.is_some() && tree::parent(member.pid) == Some(std::process::id());
        let ended = match is_child || is_ours {
            true => ending::collect(member.pid).unwrap_or(Ended::Unknown),
            false => Ended::Unknown,
        };
        if is_child {
            self.ended = Some(ended);
        }
        // Counters of the first one hold those of all others: they are read to the end.
        let keeps_counting = member.program.counts_others > 0;
        let counters = member.counters.take().filter(|_| keeps_counting);
        let (run, pid) = (member.run, member.pid);
        member.end();
        member.counters = counters;
        self.tree.forget(pid);
        let end = match ended {
            Ended::Status(status) => End::Exited { status: Some(status), signal: None },
            Ended::Signal(signal) => End::Exited { status: None, signal: Some(signal) },
            Ended::Unknown => End::Exited { status: None, signal: None },
        };
        match &member.counters {
            Some(_) => member.end = Some(end),
            None => self.recorder.push(run, [(t_ns, Record::End { end })]),
        }
    }

    /// The last totals of all that go on, and the end of whatever iolab started.
    fn leave(&mut self) {
        let t_ns = self.t_ns();
        for member in self.members.iter_mut().filter(|member| member.end.is_some()) {
            let totals = member.totals_after_end().map(Record::Process);
            let end = member.end.take().map(|end| Record::End { end });
            self.recorder.push(member.run, totals.into_iter().chain(end).map(|record| (t_ns, record)));
        }
        for member in self.members.iter_mut().filter(|member| !member.is_over) {
            member.look(true);
            let totals = member.totals(true, clock::thread_cpu_ns());
            let mut records = member.state();
            records.extend(member.what_it_is().map(Record::Program));
            records.push(Record::Process(totals));
            records.extend(member.refusals());
            records.push(Record::End { end: End::Stopped });
            self.recorder.push(member.run, records.into_iter().map(|record| (t_ns, record)));
            member.end();
        }
        self.remark(t_ns);
        if self.child.is_some() {
            ending::kill_all();
        }
    }
}

impl Session {
    /// Says what the numbers leave out.
    fn remark(&self, t_ns: u64) {
        let Some(first) = self.members.first() else { return };
        let mut remarks = Vec::new();
        if self.unseen > 0 {
            remarks.push(format!(
                "{} more processes were too many or too short-lived to be looked at one by one; their system calls \
                 are counted",
                self.unseen
            ));
        }
        let found = self.members.iter().map(Member::rings_found).sum::<u64>();
        let made = self.members.iter().map(Member::ring_setups).sum::<u64>();
        if self.child.is_some() && made > found {
            remarks.push(format!(
                "io_uring_setup was called {made} times and {found} rings were seen: the others were refused, or closed \
                 between two looks, and what went through them is not in these numbers"
            ));
        }
        let remarks = remarks.into_iter().map(|says| (t_ns, Record::Note(Note::Remark { says })));
        self.recorder.push(first.run, remarks);
    }
}

impl Drop for Session {
    /// Whatever happened: what iolab started does not outlive it.
    fn drop(&mut self) {
        if self.child.is_some() {
            ending::kill_all();
        }
    }
}

/// Whether a process has ended: its descriptor is readable then.
fn has_ended(member: &Member) -> bool {
    match &member.process {
        Some(process) => {
            let mut process = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
            matches!(poll(&mut process, PollTimeout::ZERO), Ok(1..))
        }
        None => tree::parent(member.pid).is_none() || tree::is_zombie(member.pid),
    }
}
