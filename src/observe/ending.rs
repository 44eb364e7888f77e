//! Ending a program that iolab started: asked first, killed if it does not go, and everything that came of it too.

use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::tree;
use crate::probe::{clock, pidfd};

/// How long a program that was asked to end may take for it, nanoseconds.
pub const GRACE_NS: u64 = 5_000_000_000;

/// How long what comes of a program is killed, round by round, nanoseconds: one that forks while it dies needs more
/// than one round, and one that waits for a disk ends when it has it.
const KILLING_NS: u64 = 5_000_000_000;

/// How long a round waits for the end of one that it has killed, milliseconds.
const ROUND_MS: u8 = 100;

/// How a process ended, as far as its end was ours to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// Only its parent knows.
    Unknown,
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// Where an ending stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nobody asked for it.
    None,
    /// The program was asked, and is given until then, CLOCK_MONOTONIC nanoseconds.
    Asked(u64),
    /// It is being killed.
    Killed,
}

/// Asks a process to end.
pub fn ask(pid: u32, signal: Signal) {
    // Fails for one that has ended already.
    let _ = kill(Pid::from_raw(pid as i32), signal);
}

/// Kills a process; whether that is allowed: not where it has taken the rights of another user (EPERM).
pub fn end(pid: u32) -> bool {
    kill(Pid::from_raw(pid as i32), Signal::SIGKILL) != Err(Errno::EPERM)
}

/// Collects a child that has ended; `None` while it lives.
pub fn collect(pid: u32) -> Option<Ended> {
    match waitpid(Pid::from_raw(pid as i32), Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, status)) => Some(Ended::Status(status)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Ended::Signal(signal as i32)),
        Ok(_) => None,
        Err(_) => Some(Ended::Unknown),
    }
}

/// Whether this process has no children, be they ended ones.
pub fn has_no_children() -> bool {
    let only_look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, only_look) == Err(Errno::ECHILD)
}

/// Kills all children of this process and what comes of them: who loses its parent comes to us and is next. How the
/// children ended that were collected here. Who may not be killed goes on.
pub fn kill_all() -> Vec<(u32, Ended)> {
    let until_ns = clock::monotonic_ns() + KILLING_NS;
    let mut ended = Vec::new();
    while let Some(killed) = kill_round(&mut ended)
        && clock::monotonic_ns() < until_ns
    {
        let Ok(process) = pidfd::open(killed) else { continue };
        let mut process = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        // Interrupted or not: then it is time for the next round.
        let _ = poll(&mut process, PollTimeout::from(ROUND_MS));
    }
    ended
}

/// Kills everybody once, and collects children that have ended. One of those that were killed, if there was any.
fn kill_round(ended: &mut Vec<(u32, Ended)>) -> Option<u32> {
    let own = std::process::id();
    let mut killed = None;
    for found in tree::Tree::new(own, None).search() {
        if !tree::is_zombie(found.pid) {
            killed = Some(found.pid).filter(|&pid| end(pid)).or(killed);
        } else if found.parent == own
            && let Some(how) = collect(found.pid)
        {
            ended.push((found.pid, how));
        }
    }
    killed
}
