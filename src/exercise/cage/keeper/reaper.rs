//! The reaper: the first process of the namespace, whose end is the end of all. It starts the program, tells
//! the caller how it ended, and collects whoever was left an orphan.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pause};

use super::super::hold::Hold;
use super::super::order::Order;
use super::namespaces::Inside;
use super::{mounts, program};

/// What the reaper is given.
pub struct Cast<'o> {
    /// What was ordered.
    pub order: &'o Order,
    /// The namespaces it is in.
    pub inside: Inside,
    /// What is held so far.
    pub held: Vec<Hold>,
    /// For the program.
    pub listener: Option<OwnedFd>,
    /// Of the backends.
    pub addresses: Vec<SocketAddr>,
    /// The program's end of it.
    pub gate: OwnedFd,
    /// Where the end of the program is told.
    pub end: OwnedFd,
    /// At its end when the keeper is gone.
    pub pulse: OwnedFd,
}

/// The life of a reaper.
pub fn run(mut cast: Cast<'_>) -> ! {
    let _ = set_pdeathsig(Signal::SIGKILL);
    if !cast.inside.processes {
        let _ = set_child_subreaper(true);
    }
    if keeper_is_gone(&cast.pulse) {
        leave(1);
    }
    // Whoever runs out of memory on this machine: it is not the machine's fault.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    cast.held.push(mounts::enter(cast.order, cast.inside));
    // SAFETY: this process has one thread, so its child may do all that a program may.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            drop((cast.end, cast.pulse));
            program::run(program::Cast {
                order: cast.order,
                inside: cast.inside,
                held: cast.held,
                listener: cast.listener,
                addresses: cast.addresses,
                gate: cast.gate,
            })
        }
        Ok(ForkResult::Parent { child }) => {
            drop((cast.gate, cast.listener, cast.pulse));
            let_go_of_standard_streams();
            collect(child, &cast.end)
        }
        Err(errno) => {
            program::fail(&cast.gate, &format!("cannot fork: {}", errno.desc()));
            leave(1)
        }
    }
}

/// Collects all children for ever; the program's end is told.
fn collect(program: Pid, end: &OwnedFd) -> ! {
    use std::os::fd::AsRawFd;
    loop {
        let report = match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == program => (0, status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => (1, signal as i32),
            // Nobody can come any more: all who come are children of those who are here.
            Err(Errno::ECHILD) => {
                pause();
                continue;
            }
            _ => continue,
        };
        let [how, number] = [i32::to_ne_bytes(report.0), i32::to_ne_bytes(report.1)];
        // A caller that is gone needs no report.
        let _ = send(end.as_raw_fd(), &[how, number].concat(), MsgFlags::MSG_NOSIGNAL);
    }
}

/// Whether the keeper ended before PR_SET_PDEATHSIG could tell: in a PID namespace getppid(2) is 0 anyway.
fn keeper_is_gone(pulse: &OwnedFd) -> bool {
    use std::os::fd::AsFd;
    let mut pulse = [PollFd::new(pulse.as_fd(), PollFlags::POLLIN)];
    poll(&mut pulse, PollTimeout::ZERO).is_ok_and(|ended| ended > 0)
}

/// The streams are the program's: as long as another holds them, their other ends see no end of file.
pub fn let_go_of_standard_streams() {
    if let Ok(null) = nix::fcntl::open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()) {
        let _ = nix::unistd::dup2_stdin(&null);
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
}

/// Ends a process that was forked, without running what its parent meant to run at its own end.
pub fn leave(status: i32) -> ! {
    // SAFETY: ends this process and touches no memory.
    unsafe { libc::_exit(status) }
}
