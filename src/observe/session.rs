//! An observation from the first look to the last.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::arrivals::Ready;
use super::aside::Aside;
use super::ending::{self, Ended, Ending, GRACE_NS};
use super::member::Member;
use super::observation::{Ask, Asks, Outcome};
use super::plan::{Plan, Subject};
use super::tree::{self, Tree};
use super::unseen::Unseen;
use crate::lab::Recorder;
use crate::probe::clock;
use crate::probe::ptrace::count::Count;
use crate::trace::{Capabilities, Note, Record, Refusal, Rung};

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

/// Searches for processes that nobody has met: one that starts another and ends may slip through a few.
const SEARCHES: u32 = 100;

/// Lines of the program's that a trace holds at most.
const LINES_MAX: usize = 2000;

/// What the observing thread has.
pub(super) struct Session {
    pub(super) plan: Plan,
    pub(super) recorder: Recorder,
    pub(super) asks: Asks,
    /// What the program prints beside the screen, and how many lines of it were told.
    pub(super) aside: Aside,
    pub(super) lines: usize,
    pub(super) rung: Result<Rung, Refusal>,
    pub(super) zero_ns: u64,
    pub(super) tree: Tree,
    pub(super) members: Vec<Member>,
    /// Who counts the calls of all processes, where no counter is allowed. It takes their ends, too.
    pub(super) count: Option<Count>,
    /// Columns that were given out.
    pub(super) columns: u32,
    /// The program that iolab started.
    pub(super) child: Option<Child>,
    pub(super) ended: Option<Ended>,
    pub(super) ending: Ending,
    /// Processes that were too many to be looked at.
    pub(super) unseen: Unseen,
    pub(super) looks: u64,
    pub(super) totals_ns: u64,
    pub(super) state_ns: u64,
    /// Whether it is over for iolab, though the process goes on.
    pub(super) is_left: bool,
}

impl Session {
    pub(super) fn begin(
        plan: Plan,
        capabilities: &Capabilities,
        recorder: Recorder,
        asks: Asks,
    ) -> anyhow::Result<Self> {
        let rung = plan.syscall_rung(capabilities);
        let aside = Aside::default();
        let (ready, root) = match &plan.subject {
            Subject::Command { .. } => {
                let by_ptrace = rung.as_ref().is_ok_and(|rung| *rung == Rung::Ptrace);
                let ready = Ready::new(&plan.subject, &aside, by_ptrace)?;
                let pid = ready.held.pid;
                (Some(ready), pid)
            }
            Subject::Process(pid) => (None, *pid),
        };
        let adopter = ready.as_ref().map(|_| std::process::id());
        let mut session = Self {
            tree: Tree::new(root, adopter),
            plan,
            recorder,
            asks,
            aside,
            lines: 0,
            rung,
            zero_ns: clock::monotonic_ns(),
            members: Vec::new(),
            count: None,
            columns: 0,
            child: None,
            ended: None,
            ending: Ending::None,
            unseen: Unseen::default(),
            looks: 0,
            totals_ns: 0,
            state_ns: 0,
            is_left: false,
        };
        match ready {
            Some(ready) => session.take_held(ready)?,
            None => session.take_running(root),
        }
        Ok(session)
    }

    pub(super) fn t_ns(&self) -> u64 {
        clock::monotonic_ns().saturating_sub(self.zero_ns)
    }

    /// Until all have ended, or iolab is to leave.
    pub(super) fn run(mut self) -> Outcome {
        while !self.is_left && (self.goes_on() || self.finds_more()) {
            self.wait_a_little();
            self.hear();
            self.look();
        }
        self.leave();
        self.recorder.close();
        let program = self.ended.or(self.child.is_some().then_some(Ended::Unknown));
        Outcome { program, was_asked: self.is_left || self.ending != Ending::None, has_failed: false }
    }

    /// Whether there is somebody to wait for.
    fn goes_on(&self) -> bool {
        self.members.iter().any(|member| !member.is_over && !member.goes_on) || self.unseen.goes_on()
    }

    /// Whether somebody is left whom no look has met: one that was started while its parent, seen last, ended.
    fn finds_more(&mut self) -> bool {
        // Who loses its parent comes to iolab: as long as one lives, iolab has a child.
        for _ in 0..SEARCHES {
            if self.child.is_none() || ending::has_no_children() {
                return false;
            }
            self.tree.look_anew();
            self.welcome();
            if self.goes_on() {
                return true;
            }
        }
        false
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
                // As a terminal asks all of a group: who is left alone would only be waited for.
                let all = self.members.iter().filter(|member| !member.is_over).map(|member| member.pid);
                all.chain(self.unseen.pids()).for_each(|pid| ending::ask(pid, signal));
                self.ending = Ending::Asked(clock::monotonic_ns() + GRACE_NS);
            }
            Ending::Asked(_) => {
                self.ending = Ending::Killed;
                self.kill();
            }
            // Who asks once more does not want to wait.
            Ending::Killed => self.is_left = true,
        }
    }

    /// Kills all that is left.
    fn kill(&mut self) {
        self.members.iter_mut().filter(|member| !member.is_over).for_each(Member::kill);
        self.unseen.kill();
    }

    /// One look at everything.
    fn look(&mut self) {
        self.looks += 1;
        self.welcome();
        if self.ending == Ending::Killed {
            // What was started while the others were killed.
            self.kill();
        }
        let now_ns = self.t_ns();
        let totals_are_due = now_ns >= self.totals_ns + TOTALS_NS;
        let state_is_due =
            now_ns >= self.state_ns + if now_ns < EARLY_NS { STATE_EARLY_NS } else { STATE_NS };
        let thoroughly = self.looks.is_multiple_of(THOROUGH);
        if totals_are_due || self.members.iter().any(|member| !member.is_over && has_ended(member)) {
            self.read_count();
        }
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
                records.extend(member.untold());
            }
            self.recorder.push(member.run, records.into_iter().map(|record| (now_ns, record)));
            if is_over {
                ended.push(at);
            }
        }
        if totals_are_due {
            self.totals_ns = now_ns;
            self.say(now_ns);
            for member in self.members.iter_mut().filter(|member| member.is_over) {
                let totals = member.totals_after_end().map(|totals| (now_ns, Record::Process(totals)));
                self.recorder.push(member.run, totals);
            }
        }
        if state_is_due {
            self.state_ns = now_ns;
        }
        ended.into_iter().for_each(|at| self.part(at));
        self.part_with_unseen();
        if thoroughly {
            self.collect_orphans();
        }
    }

    /// What a tracer has counted of each process so far.
    pub(super) fn read_count(&mut self) {
        let Some(count) = &self.count else { return };
        for row in count.totals() {
            if let Some(member) = self.members.iter_mut().rfind(|member| member.pid == row.pid) {
                member.counted = Some(row.syscalls);
            }
        }
    }

    /// Tells what the program has printed beside the screen, up to a bound.
    pub(super) fn say(&mut self, t_ns: u64) {
        let lines = self.aside.drain();
        let room = LINES_MAX.saturating_sub(self.lines);
        self.lines += lines.len().min(room);
        if let Some(first) = self.members.first() {
            let said = lines.into_iter().take(room).map(|line| (t_ns, Record::Note(Note::Said { line })));
            self.recorder.push(first.run, said);
        }
    }
}

impl Drop for Session {
    /// Whatever happened: what iolab started does not outlive it.
    fn drop(&mut self) {
        self.count = None;
        if self.child.is_some() {
            ending::kill_all();
        }
    }
}

fn has_ended(member: &Member) -> bool {
    tree::has_ended(member.pid, member.process.as_ref())
}
