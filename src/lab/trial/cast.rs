//! The process of a trial, and the other end of its gate.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::mpsc::Sender;

use anyhow::Context;
use nix::sys::socket::{MsgFlags, recv};

use super::Stage;
use crate::lab::cage::Cage;
use crate::lab::session::Control;
use crate::lab::spawn;
use crate::probe::perf;
use crate::trace::{Purpose, Refusal, Rung};
use crate::trials::{Trial, gate};

/// Whatever happens to the trials of a session.
pub enum Happening {
    /// Something happened to a process.
    Of(u32, What),
    /// A person asks for something.
    Control(Control),
}

/// What happens to a process.
#[derive(Debug)]
pub enum What {
    /// It is set up and waits at its gate.
    Ready,
    /// The trial is over, and it waits at its gate again.
    Done,
    /// Its window has told enough.
    Enough,
    /// It said a line on stderr.
    Said(String),
    /// It has ended.
    Ended,
}

/// A trial's process. It ends with this.
pub struct Cast {
    /// Its process id.
    pub pid: u32,
    /// Counters that were attached before its first instruction, if any count.
    pub counters: Option<Result<perf::Counters, (Rung, Refusal)>>,
    gate: UnixStream,
    cage: Cage,
}

impl Cast {
    /// Starts the process; what happens to it arrives as happenings.
    pub fn start(stage: &Stage, trial: &Trial, purpose: Purpose) -> anyhow::Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("socketpair for the gate of a trial")?;
        let mut command = spawn::iolab();
        command.args(["trial", trial.name, "--gate"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let setup = spawn::Setup { gate: Some(theirs.into()), hold: true, ..spawn::Setup::default() };
        let held = spawn::spawn(command, setup)?;
        let pid = held.pid;
        let counters = (purpose == Purpose::Measure).then(|| counters(stage, pid)).flatten();
        let said = stage.happenings.clone();
        let cage = Cage::new(held.release()?, move |line| {
            let _ = said.send(Happening::Of(pid, line.map_or(What::Ended, What::Said)));
        });
        listen(pid, ours.try_clone().context("dup of the gate")?, stage.happenings.clone());
        Ok(Self { pid, counters, gate: ours, cage })
    }

    /// Lets the trial begin.
    pub fn open_gate(&mut self) {
        // Fails when the process has ended, which is the next thing that is heard of it.
        let _ = self.gate.write_all(&[gate::GO]);
    }

    /// Lets the process end by itself; its end is the next thing to happen.
    pub fn let_go(&self) {
        // Fails when the other end is closed already.
        let _ = self.gate.shutdown(std::net::Shutdown::Both);
    }

    /// How it ended, waiting for it; only after that was reported.
    pub fn how_it_ended(&mut self) -> String {
        self.cage.how_it_ended()
    }
}

/// Hears the two words of the gate, or that it is closed.
///
/// The second is looked at and left where it is. Taking it would give its memory back to the trial's socket,
/// and that wakes whoever sleeps on it: the trial, in its last read(2), which would go to sleep once more.
fn listen(pid: u32, mut gate: UnixStream, happenings: Sender<Happening>) {
    std::thread::spawn(move || {
        let mut word = [0];
        if gate.read_exact(&mut word).is_ok() && happenings.send(Happening::Of(pid, What::Ready)).is_ok() {
            let there = recv(gate.as_raw_fd(), &mut word, MsgFlags::MSG_PEEK);
            if there == Ok(word.len()) {
                let _ = happenings.send(Happening::Of(pid, What::Done));
            }
        }
    });
}

fn counters(stage: &Stage, pid: u32) -> Option<Result<perf::Counters, (Rung, Refusal)>> {
    let rung = stage.plan.probing.syscall_rung(&stage.capabilities).ok()?;
    let kind = match rung {
        Rung::Perf => perf::Kind::Perf,
        Rung::PerfUser => perf::Kind::PerfUser,
        _ => return None,
    };
    Some(perf::Counters::open(pid, kind).map_err(|refusal| (rung, refusal)))
}
