//! Processes that come into sight: the one that is asked for, those that it had started, and those that it starts.

use super::aside::Aside;
use super::counting::Counting;
use super::ending;
use super::launch::{Filter, launch};
use super::member::{Birth, Member, name_of, tracer};
use super::plan::Subject;
use super::session::Session;
use super::tree;
use crate::lab::spawn::Held;
use crate::probe::proc::Threads;
use crate::probe::ptrace::count::{Count, Processors};
use crate::probe::{clock, rights};
use crate::trace::{Layer, ProcessTotals, Purpose, Record, Refusal, Rung, Start};

/// Processes that are looked at one by one at a time; the others are counted only.
const LIVING_MAX: usize = 64;

/// And in all: what is told has to stay something that can be read.
const MEMBERS_MAX: usize = 256;

/// What counting by ptrace does to the other numbers, and to the program.
const BY_PTRACE: &str = "its calls are counted by ptrace, which stops it at each of them: switches, times and rates are \
                         not what they would be, and it has one processor, that of the tracer";

/// What it does to the program besides, where the user has no privileges.
const WITHOUT_RIGHTS: &str = "meanwhile it gains no rights by set-uid files (sudo, ping) and can trace nothing (strace, \
                              gdb); --probe ring leaves it as it is";

/// What is missed of a process that a traced one has started.
const ATTACHED_LATE: &str = "ptrace attached to it when it was found: the system calls that it made before are not \
                             counted";

/// A program that is held before its exec, with whoever counts it where that has to be there by then.
pub(super) struct Ready {
    /// The program.
    pub held: Held,
    count: Option<Count>,
    /// Why it is not counted by ptrace, though it was to be.
    refused: Option<Refusal>,
}

impl Ready {
    /// Starts a program, and holds it.
    pub fn new(subject: &Subject, aside: &Aside, by_ptrace: bool) -> anyhow::Result<Self> {
        let refused = takes_rights(subject).filter(|_| by_ptrace);
        if !by_ptrace || refused.is_some() {
            let held = launch(subject, aside, Filter::None)?;
            return Ok(Self { held, count: None, refused });
        }
        let held = launch(subject, aside, Filter::StopAtEachCall)?;
        match Count::start(held.pid, Processors::Shared) {
            Ok(count) => Ok(Self { held, count: Some(count), refused: None }),
            // What stops at each call needs its tracer: it never begins, and another one does without.
            Err(refusal) => {
                drop(held);
                Ok(Self { refused: Some(refusal), ..Self::new(subject, aside, false)? })
            }
        }
    }
}

/// Why a program is not counted by ptrace though it could be: its file gives it rights, and the filter would take them.
fn takes_rights(subject: &Subject) -> Option<Refusal> {
    let Subject::Command { file, .. } = subject else { return None };
    let user = nix::unistd::geteuid();
    let by = rights::given_by(file, user.as_raw()).filter(|_| !user.is_root())?;
    Some(Refusal {
        layer: Layer::Process,
        says: format!(
            "{} gives rights ({by}), and a program that is counted by ptrace gains none",
            file.display()
        ),
        try_this: "as root, where its calls are counted another way".into(),
    })
}

impl Session {
    /// The program that iolab starts: attached to before its exec.
    pub(super) fn take_held(&mut self, ready: Ready) -> anyhow::Result<()> {
        let Ready { held, count, refused } = ready;
        let pid = held.pid;
        let counted = if count.is_some() || refused.is_some() { None } else { self.counting(pid) };
        self.count = count;
        let mut threads = Threads::open(pid).ok();
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
        if let Some(refusal) = refused {
            member.refuse(Rung::Ptrace, refusal);
        }
        if self.count.is_some() {
            member.remark(BY_PTRACE);
            if !nix::unistd::geteuid().is_root() {
                member.remark(WITHOUT_RIGHTS);
            }
        }
        self.introduce(&mut member, ProcessTotals { threads: first, ..ProcessTotals::default() });
        self.members.push(member);
        Ok(())
    }

    /// A process that runs, and what it has started so far: each is counted by itself.
    pub(super) fn take_running(&mut self, root: u32) {
        let mut members = vec![self.member(root, None, Birth::Before)];
        let others = self.tree.search();
        for found in others {
            members.push(self.member(found.pid, Some(found.parent), Birth::Before));
        }
        for mut member in members {
            let counted = self.counting(member.pid);
            self.count(&mut member, counted);
            let first = member.totals(true, 0);
            self.introduce(&mut member, first);
            self.members.push(member);
        }
    }

    pub(super) fn member(&mut self, pid: u32, parent: Option<u32>, birth: Birth) -> Member {
        // Processes begin one after another, each with its own column.
        let start = Start { server: self.columns, round: 0, purpose: Purpose::Observe, pid, load: None };
        self.columns += 1;
        Member::new(pid, parent, birth, self.plan.probing, self.recorder.begin(start))
    }

    /// Starts to count the calls of a process, if a rung may.
    pub(super) fn counting(&self, pid: u32) -> Option<(Rung, Result<Counting, Refusal>)> {
        let rung = self.rung.as_ref().ok()?;
        Some((*rung, Counting::start(pid, *rung)))
    }

    /// Gives a process its own counters, or says why it has none.
    pub(super) fn count(&self, member: &mut Member, counted: Option<(Rung, Result<Counting, Refusal>)>) {
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
                says: format!(
                    "process {} is traced by process {tracer} ({}) already, and a process has one tracer",
                    member.pid,
                    name_of(tracer)
                ),
                try_this: format!("end process {tracer} first"),
            };
            member.refuse(Rung::Ptrace, refusal);
        }
    }

    /// The first records of a process: what it is, and what its totals are counted from.
    pub(super) fn introduce(&mut self, member: &mut Member, first: ProcessTotals) {
        let t_ns = self.t_ns();
        let program = member.what_it_is().unwrap_or_else(|| member.program.clone());
        let mut records = vec![Record::Program(program), Record::Process(first)];
        records.extend(member.untold());
        self.recorder.push(member.run, records.into_iter().map(|record| (t_ns, record)));
    }

    /// Takes up processes that are new.
    pub(super) fn welcome(&mut self) {
        for found in self.tree.look() {
            if found.parent == std::process::id() && tree::is_zombie(found.pid) {
                // An orphan that nobody saw alive.
                if self.count.is_none() {
                    let _ = ending::collect(found.pid);
                }
                self.tree.forget(found.pid);
                self.unseen.missed(self.counts_children());
                continue;
            }
            if self.is_full() {
                self.unseen.take(found.pid, self.counts_children());
                continue;
            }
            let mut member = self.member(found.pid, Some(found.parent), Birth::Seen);
            let counts =
                |member: &&mut Member| member.counters.as_ref().is_some_and(Counting::counts_children);
            // Of several the parent's, or that of the parent's parent; they are found in that order.
            let line = self.line(found.parent);
            let counting = self.members.iter_mut().filter(counts).find(|member| line.contains(&member.pid));
            if let Some(counting) = counting {
                member.program.counted_with = Some(counting.pid);
                counting.program.counts_others += 1;
            } else if self.child.is_none() && self.rung == Ok(Rung::Ptrace) {
                let counted = self.counting(member.pid);
                self.count(&mut member, counted);
                if member.counters.is_some() {
                    member.remark(ATTACHED_LATE);
                }
            } else if let Err(refusal) = &self.rung {
                member.refuse(Rung::PerfUser, refusal.clone());
            }
            self.introduce(&mut member, ProcessTotals::default());
            self.members.push(member);
        }
    }

    fn is_full(&self) -> bool {
        let living = self.members.iter().filter(|member| !member.is_over).count();
        living >= LIVING_MAX || self.members.len() >= MEMBERS_MAX
    }

    /// Whether processes that are started are counted with another.
    fn counts_children(&self) -> bool {
        self.members.iter().filter_map(|member| member.counters.as_ref()).any(Counting::counts_children)
    }

    /// A process and those that it comes from.
    pub(super) fn line(&self, pid: u32) -> Vec<u32> {
        let mut line = vec![pid];
        while let Some(member) = line.last().and_then(|last| self.members.iter().find(|one| one.pid == *last))
            && let Some(parent) = member.program.parent.filter(|parent| !line.contains(parent))
        {
            line.push(parent);
        }
        // Orphans that iolab has taken in come from the program.
        if self.child.is_some() {
            line.extend(self.members.first().map(|member| member.pid));
        }
        line
    }
}
