//! Every system call of a program that iolab starts, counted by name from its exec to its end, without privileges
//! and at one stop a call: ptrace(2) with a seccomp(2) filter that answers SECCOMP_RET_TRACE.
//!
//! It counts and does no more: no arguments, no results, no order. Processes and threads that the program starts
//! are counted with it, each by itself. Signals and job control reach the program as ever. Its context
//! switches and its times are not its own meanwhile: a switch to the tracer and back a call.
//!
//! A filter cannot be taken off, and without a tracer its calls answer ENOSYS. So whatever is counted so is traced
//! from before its exec to its end, is never detached from, and is killed with the thread that traces
//! (PTRACE_O_EXITKILL), however that ends.
//!
//! What the program notices: without CAP_SYS_ADMIN it cannot gain privileges (PR_SET_NO_NEW_PRIVS: sudo, ping with
//! file capabilities); it runs on one processor if it shares it ([`Processors::Shared`]); calls that a filter
//! of its own refuses are not made, and not counted. A process made with CLONE_UNTRACED gets ENOSYS.
//!
//! ```text
//! fork ─▶ child waits ─▶ Count::start(pid) ─▶ released: stop_at_each_call(), exec ─▶ … ─▶ end
//! ```
//!
//! Once the program has begun its end is taken here ([`Count::end_of_program`]): nobody else in this process may
//! wait for it, neither by `Child::wait` nor by waitid(2), or would be handed its stops. Ask [`Count`], or wait
//! for [`Count::process`] to become readable.

mod filter;
mod follow;
mod ledger;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitStatus;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};

pub use self::filter::stop_at_each_call;
pub use self::ledger::{ProcessCount, ThreadCount};

use self::ledger::Ledger;
use super::beside;
use super::refused::seize_refused;
use super::request;
use crate::probe::pidfd;
use crate::probe::refuse::{errno, looking_into, refusal};
use crate::trace::{Layer, Refusal, Rung, SyscallTotals};

/// Where program and tracer run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processors {
    /// Both on one processor, the program and all that it starts: a stop costs a twentieth of what it costs
    /// across processors. A program that asks how many processors it may use is told one.
    #[default]
    Shared,
    /// Wherever the scheduler puts them.
    AsTheyAre,
}

/// A program whose calls are being counted. Dropping it kills whatever of it is left.
#[derive(Debug)]
pub struct Count {
    process: OwnedFd,
    ledger: Arc<Mutex<Ledger>>,
    thread: Option<JoinHandle<Result<(), Errno>>>,
}

/// What a count came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How the program ended; `None` if its exec failed.
    pub end: Option<ExitStatus>,
    /// All processes, living ones first.
    pub processes: Vec<ProcessCount>,
    /// Why counting ended before the program did (which was killed then), if it did.
    pub trouble: Option<String>,
}

impl Counted {
    /// The calls of all processes.
    pub fn total(&self) -> SyscallTotals {
        total(&self.processes)
    }
}

/// The calls of all these processes.
pub fn total(processes: &[ProcessCount]) -> SyscallTotals {
    let mut sum = SyscallTotals { rung: Rung::Ptrace, total: 0, by_name: Default::default() };
    processes.iter().for_each(|process| ledger::add(&mut sum, &process.syscalls));
    sum
}

impl Count {
    /// Begins to trace process `pid`: a child of this process that waits before its exec, and that will call
    /// [`stop_at_each_call`] as the last thing before it. Returns at once; the child may be released then, and
    /// must be ended otherwise where this fails.
    ///
    /// # Errors
    /// The process has ended, is traced by another, or may not be traced (a container's seccomp filter,
    /// `kernel.yama.ptrace_scope` 3).
    pub fn start(pid: u32, processors: Processors) -> Result<Self, Refusal> {
        let process = pidfd::open(pid).map_err(|errno| looking_into(pid, "pidfd_open", errno))?;
        let of_tracer = process.try_clone().map_err(|error| looking_into(pid, "dup", errno(&error)))?;
        let root = pid as i32;
        let ledger = Arc::new(Mutex::new(Ledger::new(root)));
        let (attached, outcome) = channel();
        let shared = Arc::clone(&ledger);
        // Every request of ptrace(2) must come from the thread that attached.
        let thread = std::thread::Builder::new().name("counter".into()).spawn(move || {
            attach(root, processors, &attached)?;
            follow::follow(root, &of_tracer, &shared)
        });
        let thread = thread.map_err(|error| {
            refusal(Layer::Limit, format!("cannot start a thread: {error}"), "raise it: ulimit -u")
        })?;
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { process, ledger, thread: Some(thread) }),
            Ok(Err(errno)) => Err(seize_refused(pid, errno)),
            Err(_) => Err(refusal(Layer::Process, "the tracing thread failed", "")),
        }
    }

    /// What has been counted up to now, a row for each process: living ones in order of their numbers, then those
    /// that have ended (beyond 256 of them the oldest add up in one row). Some microseconds; the program goes on.
    pub fn totals(&self) -> Vec<ProcessCount> {
        self.lock().rows()
    }

    /// How the program ended; `None` while it lives, or if its exec failed. Processes that it has started may go
    /// on after it.
    pub fn end_of_program(&self) -> Option<ExitStatus> {
        self.lock().end()
    }

    /// Becomes readable when the program has ended.
    pub fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Whether nothing is left to count: all processes have ended, or counting has.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until all processes have ended by themselves.
    pub fn wait(mut self) -> Counted {
        self.join()
    }

    /// Kills what is left of the program and of all that it has started.
    pub fn end(mut self) -> Counted {
        self.kill();
        self.join()
    }

    fn kill(&self) {
        let mut ledger = self.lock();
        ledger.ending = true;
        // Numbers stay taken until their ends are, which waits for this lock.
        ledger.live().for_each(request::kill);
    }

    fn join(&mut self) -> Counted {
        let joined = self.thread.take().map(JoinHandle::join);
        let trouble = match joined {
            None | Some(Ok(Ok(()))) => None,
            Some(Ok(Err(errno))) => Some(format!("ptrace: {errno}")),
            Some(Err(_)) => Some("the tracing thread failed".to_owned()),
        };
        let ledger = self.lock();
        if !ledger.began() {
            // Left to whoever made it, who may have been handed a stop in place of the end.
            request::collect_ended(&self.process);
        }
        Counted { end: ledger.end().filter(|_| ledger.began()), processes: ledger.rows(), trouble }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.kill();
            self.join();
        }
    }
}

/// Attaches the calling thread, and tells how that went.
fn attach(root: i32, processors: Processors, attached: &Sender<Result<(), Errno>>) -> Result<(), Errno> {
    // A signal for this process is for its other threads: here it would only break the wait. Not so SIGCHLD,
    // which comes with each stop and is dropped at once where it is neither handled nor blocked.
    let mut others = SigSet::all();
    others.remove(Signal::SIGCHLD);
    let _ = others.thread_block();
    let seized = request::seize_for_life(root);
    if seized.is_ok() && processors == Processors::Shared {
        beside::settle(root);
    }
    // Who does not hear it is gone, and the thread's end kills the process.
    let _ = attached.send(seized);
    seized
}
