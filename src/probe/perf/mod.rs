//! Exact counts of system calls at full speed: perf_event_open(2), counting only.
//!
//! Two rungs share this file. [`Kind::Perf`] counts `raw_syscalls:sys_enter`, every call of every thread, and
//! needs privileges. [`Kind::PerfUser`] has one counter a name and needs none at perf_event_paranoid 2, only
//! the numbers of the tracepoints, which root may share ([`tracepoint_ids`]).
//!
//! [`Kind::Perf`] leaves names out, as they would more than double what it costs: 31 ns a call for the total
//! alone, 65 ns with ten names beside it (of 82 to 100 ns that an empty call takes).

mod event;
pub mod names;
pub mod stream;
pub mod tracefs;
pub mod tracepoint_ids;

use std::collections::BTreeMap;
use std::fs;
use std::io;

use nix::errno::Errno;

use self::event::{From, Group};
use self::tracefs::Tracefs;
use self::tracepoint_ids::TracepointIds;
use super::proc::tids;
use super::refuse::{OUTSIDE_CONTAINER, errno, limit, looking_into, refusal, seccomp_filtered};
use crate::trace::{Layer, Refusal, Rung, SyscallTotals};

/// Which counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All calls together, with privileges.
    Perf,
    /// By name, without privileges.
    PerfUser,
    /// All calls together and by name, with privileges: for programs that nobody knows beforehand.
    PerfNames,
    /// As [`PerfUser`](Self::PerfUser), with more names.
    PerfUserNames,
}

impl Kind {
    /// Where its counters count.
    fn counts(self) -> From {
        match self {
            Self::Perf | Self::PerfNames => From::Everywhere,
            Self::PerfUser | Self::PerfUserNames => From::UserMode,
        }
    }

    /// The rung that its numbers carry.
    pub fn rung(self) -> Rung {
        match self {
            Self::Perf | Self::PerfNames => Rung::Perf,
            Self::PerfUser | Self::PerfUserNames => Rung::PerfUser,
        }
    }
}

/// How often the list of threads may change while counters are being opened before that is given up.
const ATTEMPTS: u32 = 20;

/// Counters of the system calls of one process and of all that it starts.
#[derive(Debug)]
pub struct Counters {
    kind: Kind,
    /// Names of the tracepoints of each group, in order; empty for [`Kind::Perf`]. The empty name stands for all
    /// calls together.
    names: Vec<String>,
    /// One for each thread that was there at the beginning; later ones inherit.
    groups: Vec<Group>,
}

impl Counters {
    /// Starts to count system calls of process `pid`: those of its threads, of all threads and processes that
    /// they start from now on, and of the kernel's helpers among them. What happened before does not count,
    /// so a process that is held before its exec is counted whole.
    ///
    /// # Errors
    /// The layer that refused: perf_event_paranoid, a capability, a seccomp filter, tracefs, or the limit on
    /// descriptors (one a thread and tracepoint).
    pub fn open(pid: u32, kind: Kind) -> Result<Self, Refusal> {
        // First the permission, which is what most machines lack, then the numbers.
        event::permitted(pid, kind.counts()).map_err(|errno| refused(pid, errno))?;
        match kind {
            Kind::Perf => Self::open_all(pid, kind, Vec::new(), &[raw_id(&Tracefs::open()?)?]),
            Kind::PerfUser => Self::open_by_name(pid, known_ids()?),
            Kind::PerfNames => {
                let raw = raw_id(&Tracefs::open()?)?;
                let known = all_known_ids()?.ids.into_iter();
                let (names, ids): (Vec<_>, Vec<_>) =
                    std::iter::once((String::new(), raw)).chain(known).unzip();
                Self::open_all(pid, kind, names, &ids)
            }
            Kind::PerfUserNames => Self::open_by_name(pid, all_known_ids()?),
        }
    }

    /// As [`open`](Self::open) with [`Kind::PerfUser`], for the tracepoints in `known` only.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_by_name(pid: u32, known: TracepointIds) -> Result<Self, Refusal> {
        let (names, ids): (Vec<_>, Vec<_>) = known.ids.into_iter().unzip();
        Self::open_all(pid, Kind::PerfUser, names, &ids)
    }

    /// Opens a group for each thread. A thread that starts meanwhile is either inherited or not, and nobody
    /// can tell which: so the list must be the same before and after, else all is done again.
    fn open_all(pid: u32, kind: Kind, names: Vec<String>, ids: &[u64]) -> Result<Self, Refusal> {
        let folder = format!("/proc/{pid}/task");
        let list = || tids(&folder).map_err(|error| looking_into(pid, &folder, errno(&error)));
        for _ in 0..ATTEMPTS {
            let before = list()?;
            let mut groups = Vec::with_capacity(before.len());
            for &tid in &before {
                match Group::open(tid, ids, kind.counts()) {
                    Ok(group) => groups.push(group),
                    // Ended since it was listed; the list will show it.
                    Err(Errno::ESRCH) if before.len() > 1 => {}
                    Err(errno) => return Err(refused(pid, errno)),
                }
            }
            if list()? == before {
                return Ok(Self { kind, names, groups });
            }
        }
        let says =
            format!("perf_event_open: threads of process {pid} come and go faster than they are counted");
        Err(refusal(Layer::Process, says, "let iolab start the program: iolab observe -- COMMAND"))
    }

    /// What was counted so far. Counts of threads that ended are in it. About 1 µs, and 2 µs more for each
    /// thread that is running at this moment.
    ///
    /// # Errors
    /// Reading a counter failed, which a working kernel does not do.
    pub fn totals(&mut self) -> io::Result<SyscallTotals> {
        let (mut total, mut together) = (0, None);
        let mut by_name = BTreeMap::new();
        for group in &mut self.groups {
            for (at, count) in group.read()?.enumerate() {
                match self.names.get(at).map(String::as_str) {
                    Some("") => *together.get_or_insert(0) += count,
                    Some(name) if count > 0 => {
                        total += count;
                        *by_name.entry(name.to_owned()).or_default() += count;
                    }
                    _ => total += count,
                }
            }
        }
        let total = together.unwrap_or(total);
        Ok(SyscallTotals { rung: self.rung(), total, by_name })
    }

    /// The rung that these counts carry.
    pub fn rung(&self) -> Rung {
        self.kind.rung()
    }
}

impl Drop for Counters {
    /// Closing the last counter of a tracepoint waits for all processors to have left it: 35 ms each, more
    /// than a second for all names. Nobody has to wait for that.
    fn drop(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        // Where no thread can be had, they are closed here and now.
        let _ = std::thread::Builder::new().name("perf-close".to_owned()).spawn(move || drop(groups));
    }
}

/// `kernel.perf_event_paranoid`; `None` where the kernel has no perf events.
pub fn paranoid() -> Option<i32> {
    fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?.trim().parse().ok()
}

/// The number of the tracepoint that every system call passes.
fn raw_id(tracefs: &Tracefs) -> Result<u64, Refusal> {
    tracefs.id("raw_syscalls/sys_enter").map_err(|error| no_tracepoint(errno(&error)))
}

/// The numbers of the tracepoints of the calls that servers make.
fn known_ids() -> Result<TracepointIds, Refusal> {
    let mut known = all_known_ids()?;
    known.ids.retain(|name, _| names::NAMES.iter().any(|call| call.name() == name));
    Ok(known)
}

/// The numbers of the tracepoints: from tracefs where it is readable, else as root has shared them.
fn all_known_ids() -> Result<TracepointIds, Refusal> {
    let share = "once per boot: sudo iolab doctor --share-ids";
    let from_tracefs = Tracefs::open();
    match from_tracefs {
        Ok(tracefs) => TracepointIds::from_tracefs(&tracefs).map_err(|error| {
            refusal(Layer::Kernel, format!("{error:#}"), "a kernel with CONFIG_FTRACE_SYSCALLS")
        }),
        Err(unreadable) => match tracepoint_ids::load() {
            Ok(Some(ids)) => Ok(ids),
            Ok(None) => Err(refusal(unreadable.layer, unreadable.says, share)),
            Err(error) => Err(refusal(Layer::Filesystem, format!("{error:#}"), share)),
        },
    }
}

fn no_tracepoint(errno: Errno) -> Refusal {
    refusal(
        Layer::Kernel,
        format!("raw_syscalls:sys_enter: {errno:?} (a kernel without CONFIG_HAVE_SYSCALL_TRACEPOINTS)"),
        "a kernel with CONFIG_FTRACE_SYSCALLS",
    )
}

/// Which layer refused perf_event_open(2).
fn refused(pid: u32, errno: Errno) -> Refusal {
    let level = paranoid().map_or_else(|| "unknown".to_owned(), |level| level.to_string());
    let says = format!("perf_event_open: {errno:?} (perf_event_paranoid {level})");
    match errno {
        Errno::EPERM | Errno::ENOSYS if seccomp_filtered() => {
            refusal(Layer::Seccomp, format!("{says} (a seccomp filter is at work)"), OUTSIDE_CONTAINER)
        }
        Errno::EACCES | Errno::EPERM => {
            refusal(Layer::Sysctl, says, "root (CAP_PERFMON), or: sudo sysctl kernel.perf_event_paranoid=-1")
        }
        Errno::EMFILE | Errno::ENFILE => limit(&says),
        Errno::ENOSYS => refusal(Layer::Kernel, says, "a kernel with CONFIG_PERF_EVENTS"),
        _ => looking_into(pid, "perf_event_open", errno),
    }
}
