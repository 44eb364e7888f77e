//! Ending a program that iolab started: asked first, killed if it does not go, and everything that came of it too.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::tree;

/// How long a program that was asked to end may take for it, nanoseconds.
pub const GRACE_NS: u64 = 5_000_000_000;

/// Rounds in which what comes of a program is killed: one that forks while it dies needs more than one.
const ROUNDS: u32 = 1000;

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

/// Collects a child that has ended; `None` while it lives.
pub fn collect(pid: u32) -> Option<Ended> {
    match waitpid(Pid::from_raw(pid as i32), Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, status)) => Some(Ended::Status(status)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Ended::Signal(signal as i32)),
        Ok(_) => None,
        Err(_) => Some(Ended::Unknown),
    }
}

/// Kills all children of this process and what comes of them: who loses its parent comes to us and is next.
pub fn kill_all() {
    let own = std::process::id();
    for _ in 0..ROUNDS {
        let mut tree = tree::Tree::new(own, None);
        let descendants = tree.search();
        if descendants.is_empty() {
            return;
        }
        for found in &descendants {
            ask(found.pid, Signal::SIGKILL);
        }
        for found in descendants.iter().filter(|found| tree::parent(found.pid) == Some(own)) {
            // It was killed, so this does not take long.
            let _ = waitpid(Pid::from_raw(found.pid as i32), None);
        }
    }
}
