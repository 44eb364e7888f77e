//! One process of an observed program, and the probes that look at it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use super::counting::Counting;
use super::ending;
use crate::probe::epoll_set::EpollSets;
use crate::probe::proc::{Threads, tids};
use crate::probe::refuse::status_field;
use crate::probe::ring::Rings;
use crate::probe::sock::Sockets;
use crate::probe::text::{is_gone, text};
use crate::probe::{descriptors, pidfd};
use crate::trace::{
    End, Note, Probing, ProcessTotals, Program, Record, Refusal, RunId, Rung, SyscallTotals, Unread,
};

/// How a process came into sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// Seen from its first instruction on.
    Seen,
    /// It ran already when iolab came.
    Before,
}

/// A process that is looked at.
pub struct Member {
    /// Its id.
    pub pid: u32,
    /// It, whatever becomes of its number; `None` where the kernel gives no such descriptor.
    pub process: Option<OwnedFd>,
    /// Its run in the trace.
    pub run: RunId,
    /// What it is, as last told.
    pub program: Program,
    /// Its own counters of system calls, and those of all that it starts.
    pub counters: Option<Counting>,
    /// Its system calls, where one tracer counts those of all processes.
    pub counted: Option<SyscallTotals>,
    /// Whether it has ended.
    pub is_over: bool,
    /// Whether it may not be ended, and is not waited for.
    pub goes_on: bool,
    /// How it ended, while that was not told: its counters go on for those that it started.
    pub end: Option<End>,
    /// Its totals as last read.
    last: ProcessTotals,
    threads: Option<Threads>,
    rings: Option<Rings>,
    rings_found: u64,
    epoll_sets: Option<EpollSets>,
    sockets: Option<Sockets>,
    /// Rungs whose refusal was told.
    refused: BTreeSet<Rung>,
    untold: Vec<(Rung, Refusal)>,
    /// What has to be known of it and was not told yet.
    remarks: Vec<String>,
    /// How many descriptors it had open at the last look.
    descriptors: Option<u64>,
}

impl Member {
    /// Begins to look at a process.
    pub fn new(pid: u32, parent: Option<u32>, birth: Birth, probing: Probing, run: RunId) -> Self {
        let mut member = Self {
            pid,
            process: pidfd::open(pid).ok(),
            run,
            program: Program { pid, parent, from_birth: birth == Birth::Seen, ..Program::default() },
            counters: None,
            counted: None,
            is_over: false,
            goes_on: false,
            end: None,
            last: ProcessTotals::default(),
            threads: None,
            rings: None,
            rings_found: 0,
            epoll_sets: None,
            sockets: None,
            refused: BTreeSet::new(),
            untold: Vec::new(),
            remarks: Vec::new(),
            descriptors: None,
        };
        member.threads = member.keep(Rung::Proc, Threads::open(pid));
        member.epoll_sets = member.keep(Rung::EpollSet, EpollSets::open(pid));
        member.sockets = member.keep(Rung::Sock, Sockets::open(pid));
        if probing.allows(Rung::Ring) {
            member.rings = member.keep(Rung::Ring, Rings::watching(pid));
        } else {
            let refusal = Refusal {
                layer: crate::trace::Layer::Limit,
                says: "--probe leaves the rings out".into(),
                try_this: "--probe auto".into(),
            };
            member.refuse(Rung::Ring, refusal);
        }
        member
    }

    /// Has something to say that is needed to read its numbers right.
    pub fn remark(&mut self, says: &str) {
        self.remarks.push(says.to_owned());
    }

    /// Notes that a rung is refused; told once.
    pub fn refuse(&mut self, rung: Rung, refusal: Refusal) {
        if self.refused.insert(rung) {
            self.untold.push((rung, refusal));
        }
    }

    fn keep<T>(&mut self, rung: Rung, tried: Result<T, Refusal>) -> Option<T> {
        tried.map_err(|refusal| self.refuse(rung, refusal)).ok()
    }

    /// Refusals and remarks that were not told yet.
    pub fn untold(&mut self) -> Vec<Record> {
        let refused = self.untold.drain(..).map(|(rung, refusal)| Record::Refused { rung, refusal });
        let remarks = self.remarks.drain(..).map(|says| Record::Note(Note::Remark { says }));
        refused.chain(remarks).collect()
    }

    /// What it is now, if that was not told yet: a program changes by execve(2), and its rights by setuid(2).
    pub fn what_it_is(&mut self) -> Option<Program> {
        let mut now = self.program.clone();
        now.comm = Some(name_of(self.pid)).filter(|name| !name.is_empty())?;
        match executable(self.pid) {
            Ok(exe) => (now.exe, now.exe_unread) = (Some(exe.to_string_lossy().into_owned()), None),
            Err(error) if now.exe.is_none() => {
                let is_gone = is_gone(&error);
                now.exe_unread = Some(if is_gone { Unread::Ended } else { Unread::Refused });
            }
            // What it was before it ended.
            Err(_) => {}
        }
        now.user = effective_user(self.pid).or(now.user);
        if now == self.program {
            return None;
        }
        if let (Some(from), Some(to)) = (self.program.user, now.user)
            && from != to
        {
            self.remarks.push(of_other_rights(now.pid, from, to));
        }
        self.program = now.clone();
        Some(now)
    }

    /// A look: what came and went among its descriptors, and its rings as they stand.
    pub fn look(&mut self, thoroughly: bool) {
        let count = descriptors::count(self.pid);
        let changed = count.is_none_or(|_| count != self.descriptors);
        self.descriptors = count;
        let Some(rings) = &mut self.rings else { return };
        rings.let_go();
        if thoroughly || (changed && count.is_some()) {
            // Fails when the process has ended, which is heard of elsewhere.
            let _ = rings.rescan();
        }
        rings.sample();
    }

    /// Whether it has a ring now.
    pub fn has_ring(&self) -> bool {
        self.rings.as_ref().is_some_and(|rings| !rings.is_empty())
    }

    /// How many rings of it were found so far.
    pub fn rings_found(&self) -> u64 {
        self.rings.as_ref().map_or(self.rings_found, Rings::found)
    }

    /// How often it and those that are counted with it called io_uring_setup(2), as last read.
    pub fn ring_setups(&self) -> u64 {
        let names = self.last.syscalls.as_ref().map(|syscalls| &syscalls.by_name);
        names.and_then(|names| names.get("io_uring_setup")).copied().unwrap_or(0)
    }

    /// Its totals, as cheaply as it goes, or `exactly`, whatever it costs.
    pub fn totals(&mut self, exactly: bool, probe_cpu_ns: u64) -> ProcessTotals {
        if let Some(threads) = &mut self.threads {
            let _ = if exactly { threads.sample_all().map(drop) } else { threads.sample().map(drop) };
        }
        let (user_ns, kernel_ns) = self.threads.as_mut().map(Threads::times_ns).unwrap_or_default();
        let told = self.rings.as_ref().and_then(|rings| {
            let unreadable = rings.unreadable().first().map(|(_, refusal)| refusal);
            rings.told_because().or(unreadable).cloned()
        });
        if let Some(refusal) = told {
            self.refuse(Rung::Ring, refusal);
        }
        if let Some(refusal) = self.counters.as_ref().and_then(Counting::failure).cloned() {
            self.refuse(Rung::Ptrace, refusal);
        }
        self.last = ProcessTotals {
            user_ns,
            kernel_ns,
            threads: self.threads.as_ref().map(|threads| threads.totals().to_vec()).unwrap_or_default(),
            rings: self.rings.as_mut().map(Rings::totals).unwrap_or_default(),
            syscalls: self.syscalls(),
            probe_cpu_ns,
        };
        self.last.clone()
    }

    /// The totals of one that has ended, with what those have called meanwhile that it had started; `None` where
    /// nothing of it counts any more.
    pub fn totals_after_end(&mut self) -> Option<ProcessTotals> {
        self.counters.as_ref()?;
        self.last.syscalls = self.syscalls();
        // Depths are told once.
        for ring in &mut self.last.rings {
            (ring.sq_depth, ring.cq_depth) = Default::default();
        }
        Some(self.last.clone())
    }

    /// Its system calls, as its own counters have them.
    fn syscalls(&mut self) -> Option<SyscallTotals> {
        match &mut self.counters {
            Some(counters) => counters.totals(),
            None => self.counted.clone(),
        }
    }

    /// Its interest lists and the queues of its connections, where it has any.
    pub fn state(&mut self) -> Vec<Record> {
        let sets = self.epoll_sets.as_mut().and_then(|sets| sets.read().ok()).unwrap_or_default();
        let sockets = self.sockets.as_mut().and_then(|sockets| sockets.read().ok()).unwrap_or_default();
        let sets = (!sets.is_empty()).then_some(Record::EpollSets { sets });
        let sockets = (!sockets.is_empty()).then_some(Record::Sockets { sockets });
        sets.into_iter().chain(sockets).collect()
    }

    /// Kills it. Who has taken another user's rights may not be killed, and goes on.
    pub fn kill(&mut self) {
        if !self.goes_on && !ending::end(self.pid) {
            self.goes_on = true;
            let user =
                effective_user(self.pid).map_or("another user".to_owned(), |user| format!("user {user}"));
            self.remarks.push(format!(
                "process {} has the rights of {user} and could not be ended; it goes on",
                self.pid
            ));
        }
    }

    /// Ends the looking: nothing of it is held any more.
    pub fn end(&mut self) {
        self.is_over = true;
        self.rings_found = self.rings_found();
        (self.process, self.threads, self.rings) = (None, None, None);
        (self.epoll_sets, self.sockets, self.counters) = (None, None, None);
    }
}

/// The file that a process runs. One whose first thread has ended has it still, and shows it by the others only.
fn executable(pid: u32) -> io::Result<PathBuf> {
    let of_first = fs::read_link(format!("/proc/{pid}/exe"));
    if !of_first.as_ref().is_err_and(is_gone) {
        return of_first;
    }
    let tids = tids(&format!("/proc/{pid}/task")).unwrap_or_default();
    let of_others = tids.into_iter().map(|tid| fs::read_link(format!("/proc/{pid}/task/{tid}/exe")));
    of_others.filter_map(Result::ok).next().map_or(of_first, Ok)
}

/// The user whose rights a process has: the second of the four in the line `Uid:` of proc_pid_status(5).
fn effective_user(pid: u32) -> Option<u32> {
    // All four are the same but for programs that change theirs.
    let status = text(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// What a change of rights means for the numbers. The kernel ends the counters of a user without privileges at the
/// exec that gives a program more rights than theirs, and lets them look into it no more.
fn of_other_rights(pid: u32, from: u32, to: u32) -> String {
    let says = format!("process {pid} changed its user from {from} to {to}");
    let own = nix::unistd::geteuid();
    if own.is_root() || own.as_raw() == to {
        return says;
    }
    format!(
        "{says}: user {own} may neither count its system calls nor read its rings and descriptors from then on, so \
         these numbers end there; as root they would go on"
    )
}

/// The process that traces process `pid`, if one does that is not iolab.
pub fn tracer(pid: u32) -> Option<u32> {
    let tracer = status_field(&format!("/proc/{pid}/status"), "TracerPid:")?;
    // What is named is the thread that attached.
    let own = fs::exists(format!("/proc/self/task/{tracer}")).unwrap_or(false);
    u32::try_from(tracer).ok().filter(|&tracer| tracer != 0 && !own)
}

/// The name of a process; empty where it may not be known.
pub fn name_of(pid: u32) -> String {
    text(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end_matches('\n').to_owned()
}
