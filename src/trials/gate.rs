//! The gate of a trial's process: descriptor 3, a socket whose other end the lab holds.
//!
//! ```text
//! trial                        lab
//! "r" ready ────────────────▶  attaches probes, reads the first totals
//!       waits in read(2)  ◀──  "g" go
//! the trial, and nothing else
//! "d" done  ────────────────▶  reads the last totals
//!       waits in read(2)  ◀──  closes its end
//! ```
//!
//! Start and end of the process are outside, so what is measured is the trial. Its own calls inside are
//! known exactly: one write(2) and one read(2) at the end ([`CALLS`], [`SWITCHES`]).

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use anyhow::{Context, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{read, write};

use super::Trial;
use crate::refused::Refused;

/// The descriptor that the lab hands over.
pub const DESCRIPTOR: RawFd = 3;

/// What the trial says when it is set up.
pub const READY: u8 = b'r';

/// What it is told then.
pub const GO: u8 = b'g';

/// What it says when it is over.
pub const DONE: u8 = b'd';

/// System calls of the gate between go and the last totals, by name.
pub const CALLS: [&str; 2] = ["write", "read"];

/// Voluntary switches of the gate in the same time: the last read waits.
pub const SWITCHES: u64 = 1;

/// Runs a trial once. With `gated`, between the two waits at descriptor 3.
///
/// # Errors
/// What the trial met. The outermost context is a [`Refused`] where the machine does not let it run.
pub fn run(trial: &Trial, gated: bool) -> anyhow::Result<()> {
    let run = trial.run.context("this build has no trials")?;
    if let Some(prepare) = super::prepared::of(trial.name) {
        prepare().with_context(|| format!("the trial {} cannot be prepared", trial.name))?;
    }
    take_name(trial.name);
    let gate = if gated { Some(taken()?) } else { None };
    if let Some(gate) = &gate {
        say(gate, READY)?;
        match heard(gate)? {
            Some(GO) => {}
            // The lab has changed its mind.
            None => return Ok(()),
            Some(other) => bail!("the gate said {other:#x}, not go"),
        }
    }
    run().map_err(|error| match Refused::recognise(&error) {
        Some(refused) => error.context(refused),
        None => error.context(format!("the trial {} cannot go on", trial.name)),
    })?;
    if let Some(gate) = &gate {
        say(gate, DONE)?;
        while heard(gate)?.is_some() {}
    }
    Ok(())
}

/// Gives the process the trial's name: what ps, top and /proc/PID/comm show of it.
fn take_name(name: &str) {
    if let Ok(name) = std::ffi::CString::new(name) {
        // It is a courtesy: nothing depends on it.
        let _ = nix::sys::prctl::set_name(&name);
    }
}

fn taken() -> anyhow::Result<OwnedFd> {
    // SAFETY: borrowed for one call, which answers EBADF if nothing is open there.
    let borrowed = unsafe { BorrowedFd::borrow_raw(DESCRIPTOR) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .context("--gate promises a socket as descriptor 3; leave it out to run the trial alone")?;
    // SAFETY: it is open, and --gate says that it is for this process, which takes it once.
    Ok(unsafe { OwnedFd::from_raw_fd(borrowed.as_raw_fd()) })
}

fn say(gate: &OwnedFd, word: u8) -> anyhow::Result<()> {
    ensure!(write(gate, &[word]).context("write to the gate")? == 1, "the gate takes nothing");
    Ok(())
}

/// One byte; `None` when the other end is closed.
fn heard(gate: &OwnedFd) -> anyhow::Result<Option<u8>> {
    let mut word = [0];
    loop {
        match read(gate, &mut word) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(word[0])),
            // A tracer came or went.
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno).context("read from the gate"),
        }
    }
}
