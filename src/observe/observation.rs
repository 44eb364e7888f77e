//! An observation as others see it: begun, asked to end, waited for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::Context;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;

use super::ending::Ended;
use super::plan::{Plan, Subject};
use super::session::Session;
use crate::lab::Recorder;
use crate::trace::Capabilities;

/// What became of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the program ended that iolab started; `None` for a process that ran already.
    pub program: Option<Ended>,
    /// Whether it was asked to end.
    pub was_asked: bool,
    /// Whether the observing thread failed on the way.
    pub has_failed: bool,
}

/// What a person may ask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// End it: the program too, if iolab started it. It gets this signal.
    Stop(Signal),
}

/// What a person asks of an observation, from before it begins: nothing that was asked is lost.
pub struct Asks {
    sender: Sender<Ask>,
    pub(super) asked: Receiver<Ask>,
    pub(super) bell: Arc<EventFd>,
}

/// A handle that ends an observation from another thread.
pub type Remote = Box<dyn Fn(Signal) + Send + Sync>;

impl Asks {
    /// Nothing was asked yet.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> anyhow::Result<Self> {
        let bell =
            EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).context("eventfd(2)")?;
        let (sender, asked) = channel();
        Ok(Self { sender, asked, bell: Arc::new(bell) })
    }

    /// A handle that ends the observation: the program that iolab started gets a signal, and is killed if it does not
    /// go or is asked again; a process that ran before goes on.
    pub fn remote(&self) -> Remote {
        remote(&self.sender, &self.bell)
    }
}

fn remote(sender: &Sender<Ask>, bell: &Arc<EventFd>) -> Remote {
    let (sender, bell) = (sender.clone(), Arc::clone(bell));
    Box::new(move |signal| {
        let _ = sender.send(Ask::Stop(signal));
        let _ = bell.write(1);
    })
}

/// An observation under way. Dropping it ends it.
pub struct Observation {
    remote: Remote,
    /// Whether iolab started the program.
    is_ours: bool,
    thread: Option<JoinHandle<Outcome>>,
}

impl Observation {
    /// Begins.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(
        plan: Plan,
        capabilities: &Capabilities,
        recorder: Recorder,
        asks: Asks,
    ) -> anyhow::Result<Self> {
        let remote = asks.remote();
        let is_ours = matches!(plan.subject, Subject::Command { .. });
        let session = Session::begin(plan, capabilities, recorder, asks)?;
        let thread = std::thread::spawn(move || session.run());
        Ok(Self { remote, is_ours, thread: Some(thread) })
    }

    /// Asks for the end.
    pub fn stop(&self, signal: Signal) {
        (self.remote)(signal);
    }

    /// Ends it now, if it has not ended by itself, and says what became of it.
    pub fn end(mut self) -> Outcome {
        self.stop(Signal::SIGTERM);
        self.join()
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Outcome {
        self.join()
    }

    fn join(&mut self) -> Outcome {
        let outcome = self.thread.take().and_then(|thread| thread.join().ok());
        let program = self.is_ours.then_some(Ended::Unknown);
        outcome.unwrap_or(Outcome { program, was_asked: false, has_failed: true })
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if self.thread.is_some() {
            (self.remote)(Signal::SIGTERM);
            self.join();
        }
    }
}
