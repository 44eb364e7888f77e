//! A child that sleeps: something of our own to look into.

// fork(2) is unsafe by nature; the child does nothing but wait.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid};

/// A forked copy of this process that waits to be killed; dropping it ends and reaps it.
#[derive(Debug)]
pub struct Child(Pid);

impl Child {
    /// Forks one. The child has every descriptor of this process, and blocks all signals, so that a handler
    /// of ours (which may write to a pipe that we read) never runs there.
    pub fn fork() -> Result<Self, Errno> {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let parent = getpid();
        // SAFETY: until it dies the child makes system calls only, all of them async-signal-safe, so it does
        // not matter which locks other threads held at the fork.
        let forked = match unsafe { fork() } {
            Ok(ForkResult::Child) => sleep_until_killed(parent),
            Ok(ForkResult::Parent { child }) => Ok(Self(child)),
            Err(errno) => Err(errno),
        };
        before.thread_set_mask()?;
        forked
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.0
    }
}

/// The child's whole life. It dies with the thread that forked it.
fn sleep_until_killed(parent: Pid) -> ! {
    let killed = libc::SIGKILL as libc::c_ulong;
    // SAFETY: all of these take integers only. Should the parent have ended before prctl was made, its signal
    // will never come, so the child ends by itself.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, killed);
        if libc::getppid() != parent.as_raw() {
            libc::_exit(0);
        }
        loop {
            libc::pause();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Neither can fail in a way that leaves something to do: it is our child and not yet reaped.
        let _ = kill(self.0, Signal::SIGKILL);
        while waitpid(self.0, Some(WaitPidFlag::__WALL)) == Err(Errno::EINTR) {}
    }
}
