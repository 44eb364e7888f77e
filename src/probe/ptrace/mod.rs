//! Every system call of a process for a while, in order, with arguments and results, without privileges:
//! ptrace(2). All calls of a program from its start to its end, counted only, are the business of [`count`].
//!
//! It is the dearest probe: two stops a call, each a switch to the tracer and back. Never count switches or
//! time inside a window. Attaching interrupts threads that wait: poll and recv go on by themselves,
//! epoll_wait and io_uring_enter return EINTR, and programs exist that end on it. Leaving does the same once
//! more. The kernel's helpers of io_uring make no system calls and cannot be traced; they are left alone.
//!
//! wait(2) and tracing share one queue: a `Child::wait` in *any* thread of this process would be handed the
//! stops of the traced child and take them for its end. While a window is open on a child of ours, wait for
//! its [`pidfd`] instead, and collect it after.

mod bell;
mod beside;
mod call;
pub mod count;
mod refused;
mod request;
mod step;

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use self::bell::Bell;
use self::beside::{Beside, Seat};
use self::call::Call;
use self::refused::seize_refused;
use self::request::{Edge, Of, Report, Why};
pub use self::request::{Registers, registers};
pub use self::step::{Halt, Met, Stepper};
use super::proc::tids;
use super::refuse::{errno, looking_into, refusal, status_field};
use super::text::{is_gone, text};
use super::{clock, pidfd};
use crate::trace::{Layer, Refusal, Story};

/// Rounds of looking for threads before attaching is given up: each finds only what the last one missed.
const ROUNDS: u32 = 100;

/// How long a window waits for threads that it lets go of, nanoseconds.
const LEAVING_NS: u64 = 1_000_000_000;

/// Looks at them without a pause, and the pause between later ones, milliseconds.
const LEAVING_LOOKS: u32 = 100;
const LEAVING_LOOK_MS: u8 = 1;

/// How a window ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowEnd {
    /// It was stopped; the process runs on, untraced.
    Stopped,
    /// The process ended inside it.
    ProcessEnded,
}

/// Where a traced thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It has just been made and not been seen yet; it may turn out to be a process instead.
    New,
    /// In user mode, or in a system call that it entered before the window.
    Outside,
    /// In this system call.
    Inside(Call),
}

/// A process that is being traced by the calling thread.
///
/// Its threads stand still from [`attach`](Self::attach) until [`run`](Self::run). The kernel accepts
/// requests only from the thread that attached, so a window stays in it; that thread must not have children
/// of its own other than the traced process. Dropping a window detaches.
#[derive(Debug)]
pub struct Window {
    pid: i32,
    /// The same process: readable when it has ended, whoever collected it.
    process: OwnedFd,
    /// The traced threads.
    threads: BTreeMap<i32, Place>,
    /// Whether whoever collects the process's end is in this process, so it must be left there for them.
    own_child: bool,
    /// Whether the process is kept on the tracer's processor meanwhile; a foreign one is left where it is.
    keeps_beside: bool,
    /// Where the tracer runs meanwhile.
    seat: Seat,
    _stays_in_its_thread: PhantomData<*const ()>,
}

impl Window {
    /// Begins to trace process `pid`: all its threads, and those it starts from now on.
    ///
    /// # Errors
    /// The process has ended, is traced by another (`gdb`, `strace`), or may not be traced by us.
    pub fn attach(pid: u32) -> Result<Self, Refusal> {
        let own = u64::from(std::process::id());
        let own_child = status_field(&format!("/proc/{pid}/status"), "PPid:") == Some(own);
        let mut window = Self {
            pid: pid as i32,
            process: pidfd::open(pid).map_err(|errno| looking_into(pid, "pidfd_open", errno))?,
            threads: BTreeMap::new(),
            own_child,
            keeps_beside: own_child,
            seat: Seat::Beside,
            _stays_in_its_thread: PhantomData,
        };
        // Threads that an untraced one starts meanwhile are missed by one round and found by the next; those
        // that a traced one starts are traced from birth. From here on an error detaches by dropping.
        for _ in 0..ROUNDS {
            if window.seize_all()? == 0 {
                return Ok(window);
            }
        }
        let says = format!("PTRACE_SEIZE: process {pid} starts threads faster than they are attached to");
        Err(refusal(Layer::Process, says, ""))
    }

    /// Keeps the process on the tracer's processor while the window is open, though it is no child of ours.
    pub fn beside(mut self) -> Self {
        self.keeps_beside = true;
        self
    }

    /// Keeps the tracer on another processor than the process while the window is open, which makes every stop
    /// many times as dear. Where there is one processor only, nothing is moved.
    pub fn apart(mut self) -> Self {
        self.seat = Seat::Apart;
        self
    }

    /// Traces until `stop` becomes readable (an eventfd, a timerfd, a pipe that is closed), or the process
    /// ends, and detaches. `sink` gets every event with its time in nanoseconds of CLOCK_MONOTONIC, and the
    /// thread that it is about stands still meanwhile, at that very edge of the call: rings and queues may be
    /// looked at there.
    ///
    /// # Errors
    /// waitid(2) failed, or this thread has another child, whose end it must not swallow. The process is
    /// detached from in any case.
    pub fn run(mut self, stop: BorrowedFd<'_>, sink: &mut dyn FnMut(u64, Story)) -> io::Result<WindowEnd> {
        let bell = Bell::hang([stop, self.process.as_fd()])?;
        let _beside = Beside::threads(self.pid, self.threads.keys().copied(), self.keeps_beside, self.seat);
        loop {
            match request::wait(Of::Anyone) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(Report::Ended { pid }) if pid == bell.pid().as_raw() => {
                    self.leave();
                    return Ok(self.end());
                }
                Ok(Report::Ended { pid }) => {
                    if self.ended(pid)? == WindowEnd::ProcessEnded {
                        return Ok(WindowEnd::ProcessEnded);
                    }
                }
                Ok(Report::Stop { tid, why }) => self.stopped(tid, why, sink)?,
            }
        }
    }

    /// Whether the process has ended.
    fn end(&self) -> WindowEnd {
        let mut process = [PollFd::new(self.process.as_fd(), PollFlags::POLLIN)];
        match poll(&mut process, PollTimeout::ZERO) {
            Ok(1..) => WindowEnd::ProcessEnded,
            _ => WindowEnd::Stopped,
        }
    }

    /// How many threads are traced now.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Seizes and interrupts the threads that are not traced yet; how many there were.
    fn seize_all(&mut self) -> Result<usize, Refusal> {
        let pid = self.pid as u32;
        let folder = format!("/proc/{pid}/task");
        let mut fresh = 0;
        for tid in tids(&folder).map_err(|error| looking_into(pid, &folder, errno(&error)))? {
            let tid = tid as i32;
            if self.threads.contains_key(&tid) {
                continue;
            }
            match request::seize(tid) {
                Ok(()) => {
                    // Fails only for a thread that ends this very moment.
                    let _ = request::interrupt(tid);
                    self.threads.insert(tid, Place::Outside);
                    fresh += 1;
                }
                // Ended since it was listed, or a first thread that ended before the others.
                Err(Errno::ESRCH | Errno::EPERM) if self.has_ended(tid) && self.threads_live(tid) => {}
                Err(Errno::EPERM)
                    if tid != self.pid && (self.is_traced_by_us(tid) || is_kernel_helper(tid)) => {}
                Err(errno) => return Err(self.refused(errno)),
            }
        }
        Ok(fresh)
    }

    /// A thread that a traced one has started is ours already, though nobody told us yet.
    fn is_traced_by_us(&mut self, tid: i32) -> bool {
        let ours = nix::unistd::gettid().as_raw() as u64;
        let traced = self.status_of(tid, "TracerPid:") == Some(ours);
        if traced {
            self.threads.insert(tid, Place::New);
        }
        traced
    }

    /// A tracee stands still: tells the sink what it is about, and lets it go on.
    fn stopped(&mut self, tid: i32, why: Why, sink: &mut dyn FnMut(u64, Story)) -> io::Result<()> {
        let resumed = match why {
            Why::Syscall => {
                self.tell(tid, sink)?;
                request::go_on(tid, 0)
            }
            Why::Signal(signal) => request::go_on(tid, signal),
            Why::Group => request::listen(tid),
            Why::Exec => self.executed(tid),
            Why::Cloned => {
                self.note_clone(tid);
                request::go_on(tid, 0)
            }
            Why::Interrupted if self.threads.get(&tid).is_none_or(|&place| place == Place::New) => {
                self.meet(tid)
            }
            Why::Interrupted | Why::Filtered | Why::Other => request::go_on(tid, 0),
        };
        match resumed {
            // Killed while it stood still; its end is reported next.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// After exec all other threads are gone, and the one that called it has the process's number.
    fn executed(&mut self, tid: i32) -> Result<(), Errno> {
        // Of all stops this one must be taken: until then the kernel answers ESRCH, to spare tracers that
        // mean the thread which had this number before.
        request::collect(tid);
        let caller = request::event_message(tid).map_or(tid, |caller| caller as i32);
        let place = self.threads.get(&caller).copied().unwrap_or(Place::Outside);
        self.threads.clear();
        self.threads.insert(tid, place);
        request::go_on(tid, 0)
    }

    /// A thread has started another, which may have reported itself already.
    fn note_clone(&mut self, tid: i32) {
        if let Ok(thread) = request::event_message(tid) {
            self.threads.entry(thread as i32).or_insert(Place::New);
        }
    }

    /// A new tracee stands still for the first time: a thread, or a *process* that was made by clone(2) in
    /// an unusual way, which is none of our business.
    fn meet(&mut self, tid: i32) -> Result<(), Errno> {
        if self.is_thread(tid) {
            self.threads.insert(tid, Place::Outside);
            request::go_on(tid, 0)
        } else {
            self.threads.remove(&tid);
            request::detach(tid, 0)
        }
    }

    fn is_thread(&self, tid: i32) -> bool {
        self.status_of(tid, "Tgid:") == Some(self.pid as u64)
    }

    fn tell(&mut self, tid: i32, sink: &mut dyn FnMut(u64, Story)) -> io::Result<()> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
        let now_ns = now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64;
        let place = self.threads.entry(tid).or_insert(Place::Outside);
        let thread = tid as u32;
        match request::edge(tid) {
            Ok(Edge::Entry { call, mut arguments }) => {
                *place = Place::Inside(call);
                let name = call.name();
                if name == "io_uring_setup" {
                    follow_setup(tid, &mut arguments);
                }
                sink(now_ns, Story::Enter { tid: thread, name, args: arguments });
            }
            Ok(Edge::Exit { result }) => {
                // The end of a call that was entered before the window is no part of it.
                if let Place::Inside(call) = std::mem::replace(place, Place::Outside) {
                    let name = call.name();
                    sink(now_ns, Story::Exit { tid: thread, name, result });
                }
            }
            Ok(Edge::None) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }

    /// A thread, or the whole process, has ended.
    fn ended(&mut self, pid: i32) -> io::Result<WindowEnd> {
        if self.threads.remove(&pid).is_none() && !self.is_thread(pid) {
            return Err(io::Error::other(format!(
                "the tracing thread has a child of its own (process {pid}), whose end it must not swallow"
            )));
        }
        if pid != self.pid {
            request::collect(pid);
            return Ok(WindowEnd::Stopped);
        }
        self.threads.clear();
        if !self.own_child {
            // Only after this is the end told to the real parent.
            request::collect(pid);
        }
        Ok(WindowEnd::ProcessEnded)
    }

    /// Detaches from all threads: each has to stand still for that, wherever it is. One that cannot for so long (its
    /// child has not come to its exec after vfork(2)) is given up: the kernel lets go of it when this thread ends.
    fn leave(&mut self) {
        for &tid in self.threads.keys() {
            let _ = request::interrupt(tid);
        }
        let (until_ns, mut looks) = (clock::monotonic_ns() + LEAVING_NS, 0);
        while !self.threads.is_empty() {
            let before = self.threads.clone();
            before.keys().for_each(|&tid| self.leave_one(tid));
            if self.threads != before {
                continue;
            }
            if clock::monotonic_ns() > until_ns {
                self.threads.clear();
            }
            // Stops of tracees come by waitid(2) alone, which knows no bound. Most come at once.
            looks += 1;
            match looks {
                0..LEAVING_LOOKS => std::thread::yield_now(),
                _ => drop(poll(&mut [], PollTimeout::from(LEAVING_LOOK_MS))),
            }
        }
    }

    /// Detaches from one thread, if it stands still or has ended.
    fn leave_one(&mut self, tid: i32) {
        if tid == self.pid && self.has_ended(tid) {
            // When it has ended before the others it reports only after them.
            if self.threads.len() == 1 {
                if !self.own_child && !self.threads_live(tid) {
                    request::collect(tid);
                }
                self.threads.remove(&tid);
            }
            return;
        }
        match request::look(Of::One(tid)) {
            Ok(Some(Report::Stop { why, .. })) => self.let_go(tid, why),
            Ok(Some(Report::Ended { pid })) => drop(self.ended(pid)),
            Ok(None) | Err(Errno::EINTR) => {}
            // ECHILD: it is ours no more.
            Err(_) => drop(self.threads.remove(&tid)),
        }
    }

    /// Detaches from one thread that stands still; what it was about to get it gets.
    fn let_go(&mut self, tid: i32, why: Why) {
        match why {
            Why::Cloned => self.note_clone(tid),
            Why::Exec => {
                request::collect(tid);
                self.threads.retain(|&thread, _| thread == tid);
            }
            _ => {}
        }
        let signal = if let Why::Signal(signal) = why { signal } else { 0 };
        // ESRCH: killed while it stood still, so its end is reported next.
        if request::detach(tid, signal) != Err(Errno::ESRCH) {
            self.threads.remove(&tid);
        }
    }

    /// Whether the process has other threads than `tid`, which has ended.
    fn threads_live(&self, tid: i32) -> bool {
        tid != self.pid || tids(&format!("/proc/{}/task", self.pid)).is_ok_and(|tids| tids.len() > 1)
    }

    /// Whether a thread is a zombie, or gone.
    fn has_ended(&self, tid: i32) -> bool {
        match text(format!("/proc/{}/task/{tid}/status", self.pid)) {
            Ok(status) => status.lines().any(|line| line.starts_with("State:\tZ")),
            Err(error) => is_gone(&error),
        }
    }

    fn refused(&self, errno: Errno) -> Refusal {
        let pid = self.pid as u32;
        match self.has_ended(self.pid) {
            true => looking_into(pid, "PTRACE_SEIZE", Errno::ESRCH),
            false => seize_refused(pid, errno),
        }
    }

    fn status_of(&self, tid: i32, field: &str) -> Option<u64> {
        status_field(&format!("/proc/{}/task/{tid}/status", self.pid), field)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.leave();
    }
}

/// io_uring_setup(2) has two arguments, and what is asked for stands behind the second: the flags take the place of
/// the third, and a second of 0 says that they do.
fn follow_setup(tid: i32, arguments: &mut [u64; 6]) {
    /// Where the flags lie in struct io_uring_params.
    const FLAGS_AT: usize = 8;
    let mut flags = [0; 4];
    let there = RemoteIoVec { base: (arguments[1] as usize).wrapping_add(FLAGS_AT), len: flags.len() };
    let read = process_vm_readv(Pid::from_raw(tid), &mut [IoSliceMut::new(&mut flags)], &[there]);
    if read == Ok(flags.len()) {
        (arguments[1], arguments[2]) = (0, u32::from_ne_bytes(flags).into());
    }
}

/// Threads that io_uring made (`iou-sqp-PID`, `iou-wrk-PID`): flag PF_IO_WORKER or PF_USER_WORKER.
fn is_kernel_helper(tid: i32) -> bool {
    std::fs::read(format!("/proc/{tid}/comm")).is_ok_and(|comm| comm.starts_with(b"iou-"))
}
