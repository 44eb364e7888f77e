//! The cage of a learner's program: it may loop, flood, fork, ignore signals, eat memory, close everything,
//! run away or attack. While it is judged it is held, and afterwards nothing of it is left.
//!
//! ```text
//! iolab ── keeper ── reaper (PID 1 of its namespace) ── the program ── whatever it starts
//! ```
//!
//! The *keeper* is this program again: it makes the namespaces and lives in them, hands out sockets of their
//! network, watches memory, and kills. The *reaper* collects whoever dies inside; with it the kernel ends
//! the whole namespace. If iolab ends, in whatever way, the keeper goes, and all others with it.
//!
//! What the machine does not allow is said ([`Cage::held`]) and replaced by the next best thing: without a PID
//! namespace the keeper is the subreaper of them all and hunts them down in /proc.
//!
//! Nothing in here knows what an exercise is.

// Processes, descriptors and namespaces are made by system calls that have no safe face.
#![allow(unsafe_code)]

mod begin;
mod hold;
pub mod keeper;
mod order;
mod receive;
mod tail;
mod talk;

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{MsgFlags, recv};
use nix::unistd::Pid;

pub use self::hold::{Hold, Holding, holds};
pub use self::order::{BACKENDS, Limits, Network, Order, Stdout};
pub use self::talk::Overrun;

use self::tail::{Drain, Head, Lines};
use self::talk::{Answer, Gate, Request};
use crate::probe::clock::monotonic_ns;
use crate::probe::pidfd;

/// The most that killing everything may take.
const END: Duration = Duration::from_millis(600);

/// The most that a keeper whose work is done may take to end.
const KEEPER_END: Duration = Duration::from_millis(200);

/// The most that is waited for the end of an output; only a process that got away keeps one open.
const SETTLE: Duration = Duration::from_millis(50);

/// The most that an exec may take. A program that is traced by a [`Window`](crate::probe::ptrace::Window)
/// which does not run stands still for ever.
const EXEC: Duration = Duration::from_secs(10);

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal. 9 is also told where its end was not seen, because its reaper was killed.
    Signalled(i32),
}

/// The first bytes of a collected standard output.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Collected {
    /// They.
    pub bytes: Vec<u8>,
    /// Whether there were more.
    pub cut: bool,
}

/// What was found when everything was ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Finish {
    /// How the program had ended before; `None` if it still ran.
    pub ended: Option<Ended>,
    /// What it was ended for, if it was.
    pub overrun: Option<Overrun>,
    /// Processes that were not gone in time: none where there is a PID namespace. Without one, thousands of
    /// them may take longer on a busy machine; the keeper hunts on.
    pub left: Vec<u32>,
    /// The last lines of its stderr.
    pub said: Vec<String>,
    /// What it wrote to stdout, where that was collected.
    pub collected: Collected,
}

/// A program that is held. Dropping it is [`finish`](Cage::finish).
pub struct Cage {
    /// `None` when everything was ended.
    keeper: Option<Child>,
    control: OwnedFd,
    gate: OwnedFd,
    released: bool,
    /// Says once how the program ended; the message is only ever peeked at.
    end: OwnedFd,
    pid: u32,
    address: Option<SocketAddr>,
    backends: Vec<(OwnedFd, SocketAddr)>,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Drain<Lines>,
    collected: Option<Drain<Head>>,
    held: Vec<Hold>,
}

impl Cage {
    /// The program's process id, as this process sees it.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it listens, once released: connect with [`sockets`](Self::sockets).
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The listening sockets that were ordered for the caller, non-blocking, with their addresses; taken once.
    pub fn backends(&mut self) -> Vec<(OwnedFd, SocketAddr)> {
        std::mem::take(&mut self.backends)
    }

    /// Makes unconnected TCP sockets in the cage's network, non-blocking and close-on-exec. They need no place
    /// in the keeper, but `count` free descriptors in this process.
    ///
    /// # Errors
    /// Out of descriptors, here or for the whole machine; the keeper is gone.
    pub fn sockets(&self, count: usize) -> anyhow::Result<Vec<OwnedFd>> {
        let mut sockets = Vec::with_capacity(count);
        while sockets.len() < count {
            let batch = (count - sockets.len()).min(talk::DESCRIPTORS_MAX);
            talk::say(&self.control, &Request::Sockets(batch), &[])?;
            let answer = talk::hear(&self.control)?.context("the keeper of the cage is gone")?;
            match answer.message {
                Answer::Sent { failed: Some(why) } => bail!("cannot make sockets for the cage: {why}"),
                Answer::Sent { failed: None } => {}
                other => bail!("the keeper was asked for sockets and said {other:?}"),
            }
            ensure!(answer.descriptors.len() == batch, "some sockets were lost on their way");
            sockets.extend(answer.descriptors);
        }
        Ok(sockets)
    }

    /// Lets the program begin: returns when its exec is done.
    ///
    /// # Errors
    /// The exec failed, in words: no such file, not executable, a wrong format. Or the process is traced by
    /// a window that does not run.
    pub fn release(&mut self) -> anyhow::Result<()> {
        ensure!(!self.released, "a program is released once");
        self.released = true;
        nix::sys::socket::send(self.gate_number(), b"g", MsgFlags::MSG_NOSIGNAL)
            .context("the program ended before it could begin")?;
        ensure!(readable(self.gate.as_fd(), EXEC), "the program does not begin: something stops its process");
        match talk::hear(&self.gate)?.map(|said| said.message) {
            Some(Gate::Failed(why)) => bail!(why),
            Some(Gate::Reached { .. }) => bail!("the program's process came to the gate twice"),
            None => Ok(()),
        }
    }

    fn gate_number(&self) -> i32 {
        use std::os::fd::AsRawFd;
        self.gate.as_raw_fd()
    }

    /// The other end of its standard input, if one was ordered; taken once.
    pub fn stdin(&mut self) -> Option<OwnedFd> {
        self.stdin.take()
    }

    /// The other end of its standard output, if it was ordered piped; taken once.
    pub fn stdout(&mut self) -> Option<OwnedFd> {
        self.stdout.take()
    }

    /// The last lines of its stderr so far.
    pub fn said(&self) -> Vec<String> {
        self.stderr.look(Lines::last)
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&self) -> Option<Ended> {
        use std::os::fd::AsRawFd;
        let mut report = [0; 8];
        let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        match recv(self.end.as_raw_fd(), &mut report, look) {
            Ok(8) => {
                let [a, b, c, d, e, f, g, h] = report;
                let number = i32::from_ne_bytes([e, f, g, h]);
                let exited = i32::from_ne_bytes([a, b, c, d]) == 0;
                Some(if exited { Ended::Exited(number) } else { Ended::Signalled(number) })
            }
            Ok(_) => Some(Ended::Signalled(libc::SIGKILL)),
            Err(_) => None,
        }
    }

    /// Readable once it has ended, and from then on.
    pub fn end(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }

    /// Waits for its end.
    pub fn wait(&self, for_at_most: Duration) -> Option<Ended> {
        readable(self.end(), for_at_most);
        self.ended()
    }

    /// What is held and what is not.
    pub fn held(&self) -> &[Hold] {
        &self.held
    }

    /// Kills everything inside and returns when it is gone, within a second.
    pub fn finish(mut self) -> Finish {
        self.close()
    }

    fn close(&mut self) -> Finish {
        let Some(keeper) = self.keeper.take() else { return Finish::default() };
        let ended = self.ended();
        let (left, overrun) = match self.ask_for_the_end() {
            Some((left, overrun)) => (Some(left), overrun),
            None => (None, None),
        };
        let left = self.end_keeper(keeper, left);
        self.stderr.settle(SETTLE);
        let collected = self.collected.as_ref().map(|drain| {
            drain.settle(SETTLE);
            drain.look(|head| Collected { bytes: head.bytes.clone(), cut: head.cut })
        });
        Finish { ended, overrun, left, said: self.said(), collected: collected.unwrap_or_default() }
    }

    /// Who is left, and what the program was ended for; `None` where the keeper does not say in time.
    fn ask_for_the_end(&self) -> Option<(Vec<u32>, Option<Overrun>)> {
        talk::say(&self.control, &Request::End, &[]).ok()?;
        if !readable(self.control.as_fd(), END) {
            return None;
        }
        match talk::hear(&self.control).ok()??.message {
            Answer::Over { left, overrun } => Some((left, overrun)),
            _ => None,
        }
    }

    /// The keeper ends by itself when its work is done. Where it cannot, it is ended, and takes the namespace
    /// along. Without a namespace it is the only one who can find who is left, and is let go on hunting.
    fn end_keeper(&self, mut keeper: Child, left: Option<Vec<u32>>) -> Vec<u32> {
        if left.as_ref().is_some_and(Vec::is_empty) || holds(&self.held, Holding::Processes) {
            let gone = pidfd::open(keeper.id()).is_ok_and(|pidfd| readable(pidfd.as_fd(), KEEPER_END));
            if !gone {
                let _ = keeper.kill();
            }
            let _ = keeper.wait();
            return left.unwrap_or_default();
        }
        let pid = Pid::from_raw(keeper.id().cast_signed());
        // The program may have stopped it.
        let _ = kill(pid, Signal::SIGCONT);
        if pidfd::open(keeper.id()).is_ok_and(|pidfd| readable(pidfd.as_fd(), KEEPER_END)) {
            let _ = keeper.wait();
            return Vec::new();
        }
        let left = left.unwrap_or_else(|| vec![keeper.id()]);
        std::thread::spawn(move || keeper.wait());
        left
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether a descriptor is readable, or at its end, within a time.
fn readable(fd: BorrowedFd<'_>, for_at_most: Duration) -> bool {
    let end_ns = monotonic_ns().saturating_add(for_at_most.as_nanos() as u64);
    loop {
        let left_ms = end_ns.saturating_sub(monotonic_ns()).div_ceil(1_000_000);
        let timeout = PollTimeout::from(u16::try_from(left_ms).unwrap_or(u16::MAX));
        match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout) {
            Ok(1..) => return true,
            _ if monotonic_ns() >= end_ns => return false,
            _ => {}
        }
    }
}
