//! Processes that are too many to be looked at one by one: they are waited for, and ended with the others.

use std::os::fd::OwnedFd;

use super::ending;
use super::tree;
use crate::probe::pidfd;

/// Those that nobody looks at.
#[derive(Debug, Default)]
pub struct Unseen {
    counted: u64,
    uncounted: u64,
    living: Vec<One>,
}

#[derive(Debug)]
struct One {
    pid: u32,
    /// It, whatever becomes of its number; `None` where no descriptor is left.
    process: Option<OwnedFd>,
    /// It may not be ended.
    goes_on: bool,
}

impl Unseen {
    /// One that had ended before anybody looked; whether its system calls are in the numbers of another.
    pub fn missed(&mut self, is_counted: bool) {
        let of_its_kind = if is_counted { &mut self.counted } else { &mut self.uncounted };
        *of_its_kind += 1;
    }

    /// One that lives.
    pub fn take(&mut self, pid: u32, is_counted: bool) {
        self.missed(is_counted);
        self.living.push(One { pid, process: pidfd::open(pid).ok(), goes_on: false });
    }

    /// Whether one of them is to be waited for.
    pub fn goes_on(&self) -> bool {
        self.living.iter().any(|one| !one.goes_on)
    }

    /// Those that live.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.living.iter().map(|one| one.pid)
    }

    /// Kills all; who may not be killed is waited for no longer.
    pub fn kill(&mut self) {
        self.living.iter_mut().for_each(|one| one.goes_on |= !ending::end(one.pid));
    }

    /// Those that have ended since the last time.
    pub fn part(&mut self) -> Vec<u32> {
        let ended = |one: &mut One| tree::has_ended(one.pid, one.process.as_ref());
        self.living.extract_if(.., ended).map(|one| one.pid).collect()
    }

    /// What the numbers leave out because of them.
    pub fn remark(&self) -> Option<String> {
        let all = self.counted + self.uncounted;
        let calls = if self.uncounted == 0 { "; their system calls are counted" } else { "" };
        (all > 0).then(|| {
            format!("{all} more processes were too many or too short-lived to be looked at one by one{calls}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_calls_are_said_to_be_counted_only_where_they_are() {
        let mut unseen = Unseen::default();
        assert_eq!(unseen.remark(), None);
        unseen.missed(true);
        assert!(unseen.remark().unwrap().ends_with("one by one; their system calls are counted"));
        unseen.missed(false);
        assert!(unseen.remark().unwrap().starts_with("2 more processes"));
        assert!(!unseen.remark().unwrap().contains("counted"));
    }

    #[test]
    fn one_that_ends_is_told_once() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let mut unseen = Unseen::default();
        unseen.take(child.id(), true);
        assert!(unseen.goes_on() && unseen.part().is_empty());
        unseen.kill();
        let process = pidfd::open(child.id()).unwrap();
        let mut ended =
            [nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(&process), nix::poll::PollFlags::POLLIN)];
        assert_eq!(nix::poll::poll(&mut ended, nix::poll::PollTimeout::NONE), Ok(1));
        assert_eq!(unseen.part(), [child.id()]);
        assert!(!unseen.goes_on() && unseen.part().is_empty());
        child.wait().unwrap();
    }
}
