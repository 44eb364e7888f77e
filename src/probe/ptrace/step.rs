//! A server stopped call by call, for somebody who looks: each thread that comes to an edge of a system call stands
//! still there until it is let go.
//!
//! Threads are held one by one, never the whole process: who comes to an edge while another is being looked at stands
//! in line behind it, and who is in the middle of its own code runs on to its next call. The kernel's helpers of
//! io_uring make no calls and are never held.
//!
//! The thread that attached sleeps in waitid(2) whether a tracee is held or runs, so that the end of the process and
//! a signal to it are heard at once. Dropping a stepper lets every thread go on, untraced.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;

use super::bell::Bell;
use super::request::{self, Of, Report, Why};
use super::{Place, Window, WindowEnd, follow_setup, tids};
use crate::probe::{clock, syscalls};
use crate::trace::{Edge, Refusal};

/// A thread that stands still at an edge of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Thread id.
    pub tid: u32,
    /// When it came there, nanoseconds of CLOCK_MONOTONIC.
    pub at_ns: u64,
    /// Which edge.
    pub edge: Edge,
    /// The call.
    pub name: String,
    /// Its arguments; of io_uring_setup as [`Story::Enter`](crate::trace::Story::Enter) has them.
    pub args: [u64; 6],
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// A thread has come to an edge; [`Stepper::held`] is the one to look at.
    Edge,
    /// The descriptor that was given became readable.
    Rang,
    /// The process has ended.
    Ended,
}

/// A process that is stepped through by the calling thread.
#[derive(Debug)]
pub struct Stepper {
    window: Window,
    /// Those that stand still, in the order they came; the first is held.
    standing: VecDeque<Halt>,
    /// The calls that threads are in.
    calls: BTreeMap<i32, Call>,
}

/// Name and arguments.
type Call = (String, [u64; 6]);

impl Stepper {
    /// Begins to step through process `pid`: from now on its threads stop at every edge. A call that one waits in is
    /// broken off and made once more; the first edge is that.
    ///
    /// # Errors
    /// As [`Window::attach`].
    pub fn attach(pid: u32) -> Result<Self, Refusal> {
        let calls = waits(pid);
        Ok(Self { window: Window::attach(pid)?, standing: VecDeque::new(), calls })
    }

    /// The thread that stands still and is to be looked at.
    pub fn held(&self) -> Option<&Halt> {
        self.standing.front()
    }

    /// Waits for a thread to come to an edge, for `rope` to become readable, or for the end of the process.
    ///
    /// # Errors
    /// As [`Window::run`].
    pub fn wait(&mut self, rope: BorrowedFd<'_>) -> io::Result<Met> {
        let bell = Bell::hang([rope, self.window.process.as_fd()])?;
        loop {
            match request::wait(Of::Anyone) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(Report::Ended { pid }) if pid == bell.pid().as_raw() => match self.window.end() {
                    WindowEnd::Stopped => return Ok(Met::Rang),
                    WindowEnd::ProcessEnded => return Ok(self.gone()),
                },
                Ok(Report::Ended { pid }) => {
                    self.forget(pid);
                    if self.window.ended(pid)? == WindowEnd::ProcessEnded {
                        return Ok(self.gone());
                    }
                }
                Ok(Report::Stop { tid, why: Why::Syscall }) => {
                    if self.at_edge(tid)? {
                        return Ok(Met::Edge);
                    }
                }
                Ok(Report::Stop { tid, why }) => {
                    if why == Why::Exec {
                        // The other threads are gone, and the one that called it has another number.
                        self.standing.clear();
                        self.calls.clear();
                    }
                    self.window.stopped(tid, why, &mut |_, _| {})?;
                }
            }
        }
    }

    /// Lets the held thread go on to its next edge. Does nothing where none is held.
    ///
    /// # Errors
    /// ptrace(2) failed for another reason than that the thread was killed.
    pub fn let_go(&mut self) -> io::Result<()> {
        let Some(halt) = self.standing.pop_front() else { return Ok(()) };
        resumed(request::go_on(halt.tid as i32, 0))
    }

    /// Lets the thread go on that stands in line behind the held one; `false` where none does.
    ///
    /// # Errors
    /// As [`let_go`](Self::let_go).
    pub fn pass_on(&mut self) -> io::Result<bool> {
        let Some(halt) = self.standing.remove(1) else { return Ok(false) };
        resumed(request::go_on(halt.tid as i32, 0)).map(|()| true)
    }

    /// Notes who has come to an edge; `false` where it is none of the story: the end of a call from before.
    fn at_edge(&mut self, tid: i32) -> io::Result<bool> {
        let place = self.window.threads.entry(tid).or_insert(Place::Outside);
        let (edge, (name, args)) = match request::edge(tid) {
            Ok(request::Edge::Entry { call, mut arguments }) => {
                *place = Place::Inside(call);
                let name = call.name();
                let call = match self.calls.get(&tid) {
                    // A wait that attaching broke off goes on under this name.
                    Some(call) if name == "restart_syscall" => call.clone(),
                    _ => {
                        if name == "io_uring_setup" {
                            follow_setup(tid, &mut arguments);
                        }
                        (name, arguments)
                    }
                };
                self.calls.insert(tid, call.clone());
                (Edge::Entry, call)
            }
            Ok(request::Edge::Exit { result }) => {
                let before = std::mem::replace(place, Place::Outside);
                match (before, self.calls.get(&tid)) {
                    (Place::Inside(_), Some(call)) => (Edge::Exit { result }, call.clone()),
                    _ => return resumed(request::go_on(tid, 0)).map(|()| false),
                }
            }
            Ok(request::Edge::None) => return resumed(request::go_on(tid, 0)).map(|()| false),
            Err(Errno::ESRCH) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        };
        // Taken, or every wait would be told of it again.
        request::collect(tid);
        self.standing.push_back(Halt { tid: tid as u32, at_ns: clock::monotonic_ns(), edge, name, args });
        Ok(true)
    }

    fn forget(&mut self, tid: i32) {
        self.standing.retain(|halt| halt.tid as i32 != tid);
        self.calls.remove(&tid);
    }

    fn gone(&mut self) -> Met {
        self.standing.clear();
        self.window.threads.clear();
        Met::Ended
    }
}

impl Drop for Stepper {
    fn drop(&mut self) {
        for halt in self.standing.drain(..) {
            let tid = halt.tid as i32;
            // Its stop was taken, so no other report of it would come; ESRCH: killed, its end is reported next.
            if request::detach(tid, 0) != Err(Errno::ESRCH) {
                self.window.threads.remove(&tid);
            }
        }
        // Those that run are let go by the window's own drop.
    }
}

fn resumed(done: Result<(), Errno>) -> io::Result<()> {
    match done {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// The calls that the threads of a process wait in, as proc_pid_syscall(5) tells them; none for those that run.
fn waits(pid: u32) -> BTreeMap<i32, Call> {
    let tids = tids(&format!("/proc/{pid}/task")).unwrap_or_default();
    let of = |tid: u32| {
        Some((tid as i32, parse(&fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?)?))
    };
    tids.into_iter().filter_map(of).collect()
}

/// `232 0x4 0x7f… 0x400 0xffffffff 0x0 0x0 0x7ffe… 0x7f…`: the number, six arguments, and two registers.
fn parse(line: &str) -> Option<Call> {
    let mut words = line.split_whitespace();
    let number: u64 = words.next()?.parse().ok()?;
    let mut args = [0; 6];
    for arg in &mut args {
        *arg = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some((syscalls::name(number).into_owned(), args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_as_the_kernel_tells_it() {
        let line = format!("{} 0x3 0x7ffd 0x40 0x0 0x0 0x0 0x7ffd10 0x7f22\n", libc::SYS_recvfrom);
        assert_eq!(parse(&line), Some(("recvfrom".into(), [3, 0x7ffd, 0x40, 0, 0, 0])));
        assert_eq!(parse("running\n"), None);
        assert_eq!(parse("-1 0x7ffd 0x7f\n"), None, "stopped, but in no call");
    }
}
