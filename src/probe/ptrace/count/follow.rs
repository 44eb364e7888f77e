//! The thread that traces: from stop to stop, as few system calls as it takes. For a system call of the program
//! it makes three: it waits, reads the number that the event carries, and lets the thread go on.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::super::call::Call;
use super::super::request::{self, Of, Report, Taken, Why};
use super::filter::ASK;
use super::ledger::Ledger;
use crate::probe::refuse::status_field;
use crate::probe::text::text;

/// Between two looks at a process whose exec has failed and whose stops another may have been handed.
const FAILED_LOOK_MS: u8 = 1;

/// Traces process `root` and all that it starts until none of them is left. Whatever still lives when the calling
/// thread ends is killed by the kernel.
///
/// # Errors
/// wait(2) or a request of ptrace(2) failed, which a working kernel does not do.
pub(super) fn follow(root: i32, process: &OwnedFd, ledger: &Mutex<Ledger>) -> Result<(), Errno> {
    let tracer = Tracer { root, ledger };
    if tracer.to_first_exec(process)? { tracer.to_the_end() } else { Ok(()) }
}

struct Tracer<'l> {
    root: i32,
    ledger: &'l Mutex<Ledger>,
}

impl Tracer<'_> {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the first program begins; whether it did. Up to here reports are only looked at: whoever made the
    /// process waits for it by himself if its exec fails, as the standard library does.
    fn to_first_exec(&self, process: &OwnedFd) -> Result<bool, Errno> {
        loop {
            let why = match request::wait(Of::One(self.root)) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno),
                Ok(Report::Ended { .. }) => return Ok(false),
                Ok(Report::Stop { why, .. }) => why,
            };
            match why {
                Why::Exec => {
                    request::collect(self.root);
                    self.executed(self.root)?;
                    return Ok(true);
                }
                Why::Filtered => {
                    let call = number(self.root)?;
                    self.lock().call(self.root, call);
                    if !is_exec(call) {
                        return self.exec_failed(process).map(|()| false);
                    }
                    gone_is_fine(request::run_on(self.root, 0))?;
                }
                other => self.go_on(self.root, other)?,
            }
        }
    }

    /// The process reports what failed and ends. Whoever made it hears of that and waits for it, and may be
    /// handed its stops in our place: so it is let go on whether a stop was seen or not.
    fn exec_failed(&self, process: &OwnedFd) -> Result<(), Errno> {
        let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        loop {
            gone_is_fine(request::run_on(self.root, 0))?;
            match poll(&mut ended, PollTimeout::from(FAILED_LOOK_MS)) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Until nobody is left. Reports are taken, ends too: a first process that has ended would else be reported
    /// again and again while its children go on.
    fn to_the_end(&self) -> Result<(), Errno> {
        loop {
            match request::take() {
                Ok(Taken::Filtered { tid }) => self.entered(tid)?,
                Ok(Taken::Stop { tid, why }) => self.stopped(tid, why)?,
                Ok(Taken::Ended { tid, status }) => self.lock().ended(tid, status),
                Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => return Ok(()),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// A thread stands at the entry of a system call.
    fn entered(&self, tid: i32) -> Result<(), Errno> {
        match number(tid) {
            Ok(call) => self.lock().call(tid, call),
            // Killed while it stood still.
            Err(Errno::ESRCH) => return Ok(()),
            Err(errno) => return Err(errno),
        }
        gone_is_fine(request::run_on(tid, 0))
    }

    fn stopped(&self, tid: i32, why: Why) -> Result<(), Errno> {
        if why == Why::Exec {
            return self.executed(tid);
        }
        let known = self.lock().knows(tid);
        if !known {
            self.meet(tid);
        }
        self.go_on(tid, why)
    }

    /// A thread or a process that is new stands still for the first time.
    fn meet(&self, tid: i32) {
        let status = format!("/proc/{tid}/status");
        let field = |name| status_field(&status, name).map(|number| number as i32);
        // It cannot vanish before its end is taken; should it be unreadable it is a process of its own.
        let pid = field("Tgid:").unwrap_or(tid);
        let mut ledger = self.lock();
        ledger.born(tid, pid, field("PPid:").unwrap_or(0));
        if ledger.ending {
            request::kill(pid);
        }
    }

    fn executed(&self, tid: i32) -> Result<(), Errno> {
        let caller = request::event_message(tid).map_or(tid, |caller| caller as i32);
        let program = text(format!("/proc/{tid}/comm")).unwrap_or_default();
        self.lock().executed(tid, caller, program.trim_end().to_owned());
        gone_is_fine(request::run_on(tid, 0))
    }

    fn go_on(&self, tid: i32, why: Why) -> Result<(), Errno> {
        gone_is_fine(match why {
            Why::Signal(signal) => request::run_on(tid, signal),
            Why::Group => request::listen(tid),
            _ => request::run_on(tid, 0),
        })
    }
}

/// Which call a thread is about to make, from the event by which it stopped.
fn number(tid: i32) -> Result<Call, Errno> {
    match request::event_message(tid)? {
        ASK => request::filtered_call(tid),
        number => Ok(Call::native(number)),
    }
}

fn is_exec(call: Call) -> bool {
    [libc::SYS_execve, libc::SYS_execveat].map(|number| Call::native(number as u64)).contains(&call)
}

/// ESRCH: killed while it stood still, and its end is reported next.
fn gone_is_fine(resumed: Result<(), Errno>) -> Result<(), Errno> {
    if resumed == Err(Errno::ESRCH) { Ok(()) } else { resumed }
}
