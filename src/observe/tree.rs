//! Which processes come of a program: found by looking through `/proc`, as not every kernel lists the children of
//! a process (CONFIG_PROC_CHILDREN).
//!
//! Children whose parent has ended come to iolab when it started the program (PR_SET_CHILD_SUBREAPER of prctl(2)),
//! daemons among them. Those of a foreign process go to somebody else, and are followed if they were seen before.

use std::collections::{HashMap, HashSet};
use std::fs;

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
    /// Processes that were looked at and do not.
    strangers: HashSet<u32>,
    /// What `/proc/loadavg` last said was the latest process.
    latest: Option<u64>,
}

impl Tree {
    /// A tree of one process. Orphans of it become children of `adopter`, if that is given.
    pub fn new(root: u32, adopter: Option<u32>) -> Self {
        let members = adopter.into_iter().chain([root]).collect();
        Self { members, strangers: HashSet::new(), latest: None }
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

    /// The same, whatever happened since the last look.
    pub fn search(&mut self) -> Vec<Found> {
        let listed = pids();
        let mut parents: HashMap<u32, u32> = HashMap::new();
        for &pid in listed.iter().filter(|pid| !self.members.contains(pid) && !self.strangers.contains(pid)) {
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
        self.strangers = listed.into_iter().filter(|pid| !self.members.contains(pid)).collect();
        found.sort_unstable_by_key(|found| found.pid);
        found
    }

    /// A process has ended and was collected: its number may be given out again.
    pub fn forget(&mut self, pid: u32) {
        self.members.remove(&pid);
    }
}

/// The parent of process `pid`; field 4 of proc_pid_stat(5).
pub fn parent(pid: u32) -> Option<u32> {
    let stat = text(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Whether a process has ended and was not collected yet.
pub fn is_zombie(pid: u32) -> bool {
    let stat = text(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
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

    #[test]
    fn what_others_start_is_none_of_it() {
        let mut tree = Tree::new(u32::MAX / 2, None);
        assert!(tree.search().is_empty());
    }
}
