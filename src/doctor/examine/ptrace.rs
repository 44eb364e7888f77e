//! ptrace(2), tried on an own child.

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, waitpid};

use super::child::Child;
use super::facts::Facts;
use super::refused::{self, Tried};
use crate::trace::Allowed;

/// Whether an own child can be seized, stopped and asked which system call it is in.
pub fn examine(child: Result<&Child, &Errno>, facts: &Facts) -> Allowed {
    let tried = child.map_err(|errno| Tried { call: "fork", errno: *errno }).and_then(stop);
    match tried {
        Ok(()) => Allowed::Yes,
        Err(tried) => Allowed::No(refused::ptrace(tried, facts)),
    }
}

/// Seizes the child, stops it, looks at it and lets it go.
fn stop(child: &Child) -> Result<(), Tried> {
    let tried = |call| move |errno| Tried { call, errno };
    ptrace::seize(child.pid(), Options::PTRACE_O_TRACESYSGOOD).map_err(tried("ptrace"))?;
    ptrace::interrupt(child.pid()).map_err(tried("ptrace"))?;
    while let Err(errno) = waitpid(child.pid(), Some(WaitPidFlag::__WALL)) {
        if errno != Errno::EINTR {
            return Err(Tried { call: "waitpid", errno });
        }
    }
    let looked = ptrace::syscall_info(child.pid()).map_err(tried("ptrace(PTRACE_GET_SYSCALL_INFO)"));
    ptrace::detach(child.pid(), None).map_err(tried("ptrace"))?;
    looked.map(|_| ())
}
