//! The bell: how a tracer that sleeps in waitid(2) hears that it should stop.
//!
//! waitid waits for processes only, never for descriptors, and a signal that arrives just before it is
//! lost on it. So a process is made whose whole life is to wait for the descriptor and end: its end is
//! what waitid then reports, whenever it happened.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use nix::unistd::Pid;

/// A child of the calling thread that ends when a descriptor becomes readable, or when it is dropped.
#[derive(Debug)]
pub(super) struct Bell {
    pid: Pid,
    /// Ends the child when nobody rang.
    dismiss: EventFd,
}

impl Bell {
    /// Hangs a bell on two ropes: it rings when either becomes readable, is hung up or fails.
    ///
    /// # Errors
    /// EAGAIN or ENOMEM (a limit on processes), EMFILE.
    pub(super) fn hang(ropes: [BorrowedFd<'_>; 2]) -> Result<Self, Errno> {
        let dismiss = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        let [one, other] = ropes;
        let mut wait = [one, other, dismiss.as_fd()].map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
        // The child inherits the mask: a Ctrl-C for the whole group must neither end it nor run our handlers.
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
        let tracer = std::process::id() as libc::pid_t;
        // The table of descriptors is shared, not copied: a copy would hold every connection of this process
        // open. No signal is sent when the child ends (the lowest byte of the flags is 0); only __WALL sees it.
        let flags = libc::CLONE_FILES as libc::c_ulong;
        // SAFETY: like fork(2) with a memory of its own. This process has several threads, so the child makes
        // system calls only: no allocation, no lock, no destructor, and it leaves by _exit.
        let made = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        if made == 0 {
            // SAFETY: see above; `wait` is the child's own copy.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                if libc::getppid() == tracer {
                    libc::poll(wait.as_mut_ptr(), wait.len() as libc::nfds_t, -1);
                }
                libc::_exit(0);
            }
        }
        let made = Errno::result(made);
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
        Ok(Self { pid: Pid::from_raw(made? as libc::pid_t), dismiss })
    }

    /// The process whose end is the ringing.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // It ends at once now, if it has not rung before, and is collected.
        let _ = self.dismiss.write(1);
        loop {
            // SAFETY: waits for our own child and asks for no status.
            let waited = unsafe { libc::waitpid(self.pid.as_raw(), std::ptr::null_mut(), libc::__WALL) };
            if Errno::result(waited) != Err(Errno::EINTR) {
                break;
            }
        }
    }
}
