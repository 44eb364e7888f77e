//! How a cage comes to be: the keeper is started, says that all is set up, and the program's process comes to
//! the gate.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::order::{Order, Stdout};
use super::tail::{Drain, Head, Lines};
use super::talk::{self, Answer, Gate, Received};
use super::{Cage, readable};
use crate::lab::spawn::{self, Setup};

/// The most that setting up may take, each of its two steps; a bound against hanging.
const SET_UP: Duration = Duration::from_secs(10);

impl Cage {
    /// Sets a cage up with the program's process inside, which waits before its exec.
    ///
    /// # Errors
    /// There is no such directory, or the machine is out of processes, descriptors or memory. What it merely
    /// does not allow is no error: see [`held`](Cage::held).
    pub fn begin(order: &Order) -> anyhow::Result<Self> {
        Self::begin_by(spawn::iolab(), order)
    }

    /// The same with a keeper that is not this very program: for tests, which are another.
    ///
    /// # Errors
    /// The same.
    pub fn begin_by(mut keeper: Command, order: &Order) -> anyhow::Result<Self> {
        order.tell(&mut keeper);
        keeper.current_dir(&order.directory);
        keeper.stdin(if order.stdin { Stdio::piped() } else { Stdio::null() });
        keeper.stdout(if order.stdout == Stdout::Dropped { Stdio::null() } else { Stdio::piped() });
        keeper.stderr(Stdio::piped());
        let (control, theirs) = talk::pair().context("cannot make a socket pair")?;
        let setup = Setup { gate: Some(theirs), ..Setup::default() };
        let keeper = spawn::spawn(keeper, setup).and_then(spawn::Held::release);
        let keeper = keeper
            .with_context(|| format!("cannot start the keeper of a cage in {}", order.directory.display()))?;
        let mut guard = Guard(Some(keeper));
        let keeper = guard.0.as_mut().context("it was just put there")?;
        let stdin = keeper.stdin.take().map(OwnedFd::from);
        let mut stdout = keeper.stdout.take().map(OwnedFd::from);
        let stderr = keeper.stderr.take().context("its stderr is piped")?;
        let stderr = Drain::begin(stderr, Lines::default());
        let collected = match order.stdout {
            Stdout::Collected { bytes_max } => {
                stdout.take().map(|pipe| Drain::begin(std::fs::File::from(pipe), Head::new(bytes_max)))
            }
            _ => None,
        };
        let said = hear(&control, &stderr)?;
        let Answer::SetUp { address, backends } = said.message else {
            match said.message {
                Answer::Failed(why) => bail!(why),
                other => bail!("the keeper of a cage began with {other:?}"),
            }
        };
        let mut descriptors = said.descriptors.into_iter();
        let gate = descriptors.next().context("the gate is missing")?;
        let end = descriptors.next().context("the end is missing")?;
        let backends = descriptors.zip(backends).collect();
        let reached: Received<Gate> = hear(&gate, &stderr)?;
        let held = match reached.message {
            Gate::Reached { held } => held,
            Gate::Failed(why) => bail!(why),
        };
        let pid = reached.sender.filter(|pid| *pid != 0).context("the program's process id is not known")?;
        let keeper = guard.0.take();
        let released = false;
        Ok(Self {
            keeper,
            control,
            gate,
            released,
            end,
            pid,
            address,
            backends,
            stdin,
            stdout,
            stderr,
            collected,
            held,
        })
    }
}

/// Hears the next message of a cage that is being set up.
fn hear<T: serde::de::DeserializeOwned>(
    from: &OwnedFd,
    stderr: &Drain<Lines>,
) -> anyhow::Result<Received<T>> {
    if !readable(from.as_fd(), SET_UP) {
        return Err(io::Error::from(io::ErrorKind::TimedOut)).context("the keeper of a cage says nothing");
    }
    match talk::hear(from)? {
        Some(said) => Ok(said),
        None => {
            stderr.settle(Duration::from_millis(100));
            let last = stderr.look(|lines| lines.last().pop()).unwrap_or_default();
            bail!("the keeper of a cage ended before it was set up: {last}")
        }
    }
}

/// A keeper that is ended if the cage does not come to be. Its reaper, and with it everything, dies with it.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(keeper) = &mut self.0 {
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }
}
