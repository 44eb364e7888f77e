//! All processes of the cage, found in /proc from the keeper down: whoever loses its parent is given to the
//! reaper or to the keeper, which are subreapers, so nobody leaves the tree.

use std::fs;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, SysconfVar, getpid, sysconf};

use crate::probe::clock::monotonic_ns;
use crate::probe::text::text;

/// The most that ending them may take.
const END_NS_MAX: u64 = 500_000_000;

/// The same where nobody waits for it: a bound against hunting for ever.
const END_AT_LAST_NS_MAX: u64 = 60_000_000_000;

/// The most that is waited for the dead to be collected.
const COLLECTED_NS_MAX: u64 = 100_000_000;

/// The most that ending the program alone may take, before everything is ended instead.
const PROGRAM_END_NS_MAX: u64 = 200_000_000;

/// A process of the cage.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its process id, as the keeper sees it.
    pub pid: Pid,
    /// Its threads, those of io_uring's workers among them.
    pub threads: u64,
    /// Memory that it has in use, with what it shares.
    pub resident_bytes: u64,
    ended: bool,
}

impl Member {
    /// Reads /proc/PID/stat; `None` when it is gone.
    fn read(pid: Pid) -> Option<Self> {
        let stat = text(format!("/proc/{pid}/stat")).ok()?;
        // "PID (NAME) STATE PPID …": the name may hold anything. Fields as proc_pid_stat(5) counts them.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
        Some(Self {
            pid,
            threads: number(20)?,
            resident_bytes: number(24)?.saturating_mul(page_bytes()),
            ended: matches!(fields.first(), Some(&("Z" | "X"))),
        })
    }

    /// Its memory with a fair share of what it shares (proportional set size); costs a walk over its pages.
    pub fn share_bytes(&self) -> Option<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    }
}

/// The processes below the keeper.
pub struct Family {
    /// `None` when it was collected.
    reaper: Option<Pid>,
    /// Whether its end is the end of all.
    first_of_namespace: bool,
    /// Tells the reaper that the keeper lives.
    _beat: OwnedFd,
}

impl Family {
    /// The family of a reaper.
    pub fn new(reaper: Pid, first_of_namespace: bool, beat: OwnedFd) -> Self {
        if !first_of_namespace {
            let _ = set_child_subreaper(true);
            // Killed together with its caller the keeper could hunt nobody down. It learns of the caller's
            // end at the control socket.
            let _ = set_pdeathsig(None);
        }
        Self { reaper: Some(reaper), first_of_namespace, _beat: beat }
    }

    /// Collects orphans that came here.
    pub fn reap(&mut self) {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) => {
                    if self.reaper == Some(pid) {
                        self.reaper = None;
                    }
                }
                Err(Errno::EINTR) => {}
                _ => return,
            }
        }
    }

    /// Everyone but the keeper and the reaper who has not ended.
    pub fn members(&self) -> Vec<Member> {
        let all = self.below(|_| {});
        all.into_iter().filter_map(Member::read).filter(|member| !member.ended).collect()
    }

    /// Everyone but the keeper and the reaper. Whoever is met is met before its children are.
    fn below(&self, meet: impl Fn(Pid)) -> Vec<Pid> {
        let parents = if lists_children() { None } else { Some(parents()) };
        let children = |parent| match &parents {
            None => children(parent),
            Some(all) => all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid).collect(),
        };
        let mut all = Vec::new();
        let mut open = vec![getpid()];
        while let Some(parent) = open.pop() {
            for child in children(parent) {
                open.push(child);
                if self.reaper != Some(child) {
                    meet(child);
                    all.push(child);
                }
            }
        }
        all
    }

    /// Ends the program and all its processes; the reaper stays, to tell how the program ended.
    pub fn end_program(&mut self) {
        if !self.hunt(PROGRAM_END_NS_MAX).is_empty() {
            self.end();
        }
    }

    /// Ends everyone, and returns who is left after half a second.
    pub fn end(&mut self) -> Vec<u32> {
        self.end_within(END_NS_MAX)
    }

    /// Ends everyone, however long it takes.
    pub fn end_at_last(&mut self) {
        self.end_within(END_AT_LAST_NS_MAX);
    }

    fn end_within(&mut self, ns_max: u64) -> Vec<u32> {
        if self.first_of_namespace
            && let Some(reaper) = self.reaper.take()
        {
            // The kernel kills all of the namespace, and the reaper is collected only after all of them.
            let _ = kill(reaper, Signal::SIGKILL);
            return self.collect_first(reaper);
        }
        let left = self.hunt(ns_max);
        if left.is_empty()
            && let Some(reaper) = self.reaper.take()
        {
            let _ = kill(reaper, Signal::SIGKILL);
            let _ = waitpid(reaper, Some(WaitPidFlag::__WALL));
        }
        left
    }

    fn collect_first(&mut self, reaper: Pid) -> Vec<u32> {
        let end_ns = monotonic_ns() + END_NS_MAX;
        let pidfd = crate::probe::pidfd::open(reaper.as_raw().unsigned_abs());
        if let Ok(pidfd) = pidfd {
            super::super::readable(
                std::os::fd::AsFd::as_fd(&pidfd),
                std::time::Duration::from_nanos(END_NS_MAX),
            );
        }
        loop {
            match waitpid(reaper, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) if monotonic_ns() < end_ns => {
                    std::thread::yield_now();
                }
                // Someone traces a process inside and does not let it go. All are dead then, and wait to be
                // collected by the tracer; the reaper waits for that, and the keeper need not.
                Ok(WaitStatus::StillAlive) => {
                    let living = self.members().into_iter().map(|member| member.pid);
                    return living
                        .filter(|pid| *pid != reaper)
                        .map(|pid| pid.as_raw().unsigned_abs())
                        .collect();
                }
                _ => return Vec::new(),
            }
        }
    }

    /// Stops and kills until nobody is left.
    fn hunt(&mut self, ns_max: u64) -> Vec<u32> {
        let end_ns = monotonic_ns().saturating_add(ns_max);
        loop {
            // Stopped from the top down, before its children are looked for, none of them bears another.
            let stopped = self.below(|pid| {
                let _ = kill(pid, Signal::SIGSTOP);
            });
            for pid in &stopped {
                let _ = kill(*pid, Signal::SIGKILL);
            }
            self.reap();
            let members = self.members();
            if members.is_empty() {
                self.see_them_collected();
            }
            if members.is_empty() || monotonic_ns() > end_ns {
                return members.iter().map(|member| member.pid.as_raw().unsigned_abs()).collect();
            }
            std::thread::yield_now();
        }
    }

    /// Waits until nobody is left to be collected, here or by the reaper. What a tracer holds is its own affair.
    fn see_them_collected(&mut self) {
        let end_ns = monotonic_ns() + COLLECTED_NS_MAX;
        while !self.below(|_| {}).is_empty() && monotonic_ns() < end_ns {
            self.reap();
            std::thread::yield_now();
        }
    }
}

/// The children of all threads of a process.
fn children(parent: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("children")));
    lists
        .flatten()
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect::<Vec<_>>()
        })
        .collect()
}

/// Threads of all processes of this user: RLIMIT_NPROC counts them together.
pub fn threads_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let own = nix::unistd::geteuid().as_raw();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let theirs = entries.filter(|entry| entry.metadata().is_ok_and(|of| of.uid() == own));
    let pids = theirs.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Member::read(Pid::from_raw(pid))).map(|member| member.threads).sum()
}

/// Whether this kernel lists children (CONFIG_PROC_CHILDREN).
fn lists_children() -> bool {
    fs::exists(format!("/proc/self/task/{}/children", getpid())).unwrap_or(false)
}

/// All processes of the machine, each with its parent: where the kernel lists no children.
fn parents() -> Vec<(Pid, Pid)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| {
        let stat = text(format!("/proc/{pid}/stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        Some((Pid::from_raw(pid), Pid::from_raw(parent)))
    })
    .collect()
}

fn page_bytes() -> u64 {
    sysconf(SysconfVar::PAGE_SIZE).ok().flatten().map_or(4096, |bytes| bytes.unsigned_abs())
}
