//! Which processes come of a program: found by looking through `/proc`, as not every kernel lists the children of
//! a process (CONFIG_PROC_CHILDREN).
//!
//! Children whose parent has ended come to iolab when it started the program (PR_SET_CHILD_SUBREAPER of prctl(2)),
//! daemons among them. Those of a foreign process go to somebody else, and are followed if they were seen before.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::probe::proc::tids;
use crate::probe::text::text;

/// A process that belongs to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
}

/// The processes of a program.
#[derive(Debug)]
pub struct Tree {
    /// Processes that belong to it, ended ones too, as long as their children may still have to be told from strangers.
    members: HashSet<u32>,
    /// Processes of it that have ended and that their parents have not collected, each with its start: as long as the
    /// number is taken it stands in the list.
    over: HashMap<u32, u64>,
    /// Processes that were looked at and do not.
    strangers: HashSet<u32>,
    /// What `/proc/loadavg` last said was the latest process.
    latest: Option<u64>,
}

impl Tree {
    /// A tree of one process. Orphans of it become children of `adopter`, if that is given.
    pub fn new(root: u32, adopter: Option<u32>) -> Self {
        let members = adopter.into_iter().chain([root]).collect();
        Self { members, over: HashMap::new(), strangers: HashSet::new(), latest: None }
    }

    /// Processes that are new since the last look. Some microseconds while nothing on the machine starts any; else
    /// 1 µs for each process of the machine, and 5 for a new one.
    pub fn look(&mut self) -> Vec<Found> {
        let latest = latest();
        if latest.is_some() && latest == self.latest {
            return Vec::new();
        }
        // Before the list is read: what starts meanwhile moves it on.
        self.latest = latest;
        self.search()
    }

    /// The next look searches, whatever happened since the last one.
    pub fn look_anew(&mut self) {
        self.latest = None;
    }

    /// The same, whatever happened since the last look.
    pub fn search(&mut self) -> Vec<Found> {
        let listed = pids();
        self.over.retain(|&pid, started| started_at(pid) == Some(*started));
        let mut parents: HashMap<u32, u32> = HashMap::new();
        let is_known = |pid: &&u32| {
            self.members.contains(pid) || self.strangers.contains(pid) || self.over.contains_key(pid)
        };
        for &pid in listed.iter().filter(|pid| !is_known(pid)) {
            // Ended since it was listed: nobody's business any more.
            if let Some(parent) = parent(pid) {
                parents.insert(pid, parent);
            }
        }
        let mut found = Vec::new();
        // A child may stand before its parent in the list.
        loop {
            let next: Vec<Found> = parents
                .iter()
                .filter(|(_, parent)| self.members.contains(parent))
                .map(|(&pid, &parent)| Found { pid, parent })
                .collect();
            if next.is_empty() {
                break;
            }
            for child in next {
                parents.remove(&child.pid);
                self.members.insert(child.pid);
                found.push(child);
            }
        }
        let is_ours = |pid: &u32| self.members.contains(pid) || self.over.contains_key(pid);
        self.strangers = listed.into_iter().filter(|pid| !is_ours(pid)).collect();
        found.sort_unstable_by_key(|found| found.pid);
        found
    }

    /// A process has ended. When it is collected its number may be given out again.
    pub fn forget(&mut self, pid: u32) {
        self.members.remove(&pid);
        if let Some(started) = started_at(pid) {
            self.over.insert(pid, started);
        }
    }

    /// Processes that have ended and were not collected when that was last looked at.
    pub fn over(&self) -> impl Iterator<Item = u32> {
        self.over.keys().copied()
    }
}

/// The parent of process `pid`; field 4 of proc_pid_stat(5).
pub fn parent(pid: u32) -> Option<u32> {
    stat(pid, 4)?.parse().ok()
}

/// When process `pid` began, in ticks since the machine did; field 22. It tells processes apart that had the same
/// number one after the other.
fn started_at(pid: u32) -> Option<u64> {
    stat(pid, 22)?.parse().ok()
}

/// Whether a process has ended and was not collected yet. One whose first thread alone has ended lives.
pub fn is_zombie(pid: u32) -> bool {
    let others = || tids(&format!("/proc/{pid}/task")).is_ok_and(|tids| tids.len() > 1);
    stat(pid, 3).is_some_and(|state| state == "Z") && !others()
}

/// Whether a process has ended: a descriptor of it is readable then.
pub fn has_ended(pid: u32, process: Option<&OwnedFd>) -> bool {
    match process {
        Some(process) => {
            let mut process = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
            matches!(poll(&mut process, PollTimeout::ZERO), Ok(1..))
        }
        None => parent(pid).is_none() || is_zombie(pid),
    }
}

/// A field of proc_pid_stat(5) after the second, which is the name and may hold anything.
fn stat(pid: u32, field: usize) -> Option<String> {
    let stat = text(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(field - 3).map(str::to_owned)
}

/// The processes of the machine, as far as `/proc` shows them.
fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The number that was given to a process or thread last: the last field of proc_loadavg(5).
fn latest() -> Option<u64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_ascii_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_and_its_child_are_found_once() {
        let mut child = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let mut tree = Tree::new(child.id(), None);
        let mut found = Vec::new();
        // The shell starts its child when it gets to it.
        for _ in 0..10_000 {
            found.extend(tree.search());
            if !found.is_empty() {
                break;
            }
            std::thread::yield_now();
        }
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].parent, child.id());
        assert!(tree.search().is_empty(), "told once");
        let grandchild = nix::unistd::Pid::from_raw(found[0].pid as i32);
        nix::sys::signal::kill(grandchild, nix::sys::signal::Signal::SIGKILL).unwrap();
        child.wait().unwrap();
    }

    /// It keeps its number until then, and stands in every list.
    #[test]
    fn one_that_has_ended_and_was_not_collected_is_not_found_again() {
        let own = std::process::id();
        let mut tree = Tree::new(own, None);
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        let is_it = |found: &Found| found.pid == pid;
        assert!(tree.search().iter().any(is_it));
        while !is_zombie(pid) {
            std::thread::yield_now();
        }
        tree.forget(pid);
        assert!(!tree.search().iter().any(is_it) && !tree.search().iter().any(is_it));
        assert!(tree.over().any(|over| over == pid));
        child.wait().unwrap();
        tree.search();
        assert!(!tree.over().any(|over| over == pid));
    }

    #[test]
    fn what_others_start_is_none_of_it() {
        let mut tree = Tree::new(u32::MAX / 2, None);
        assert!(tree.search().is_empty());
    }
}
