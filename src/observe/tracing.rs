//! Counting the calls of a process that runs already by ptrace(2), where nothing better is allowed and somebody asked
//! for it: every call of its threads stops it twice until the observation ends. It is let go of then, untraced.

use std::os::fd::AsFd;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::probe::ptrace::Window;
use crate::trace::{Layer, Refusal, Rung, Story, SyscallTotals, add_name};

/// A process that is being traced. Dropping it lets go.
#[derive(Debug)]
pub struct Tracing {
    totals: Arc<Mutex<SyscallTotals>>,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Tracing {
    /// Attaches to process `pid`; calls that wait there are interrupted.
    ///
    /// # Errors
    /// It may not be traced, or another traces it.
    pub fn attach(pid: u32) -> Result<Self, Refusal> {
        let nothing = SyscallTotals { rung: Rung::Ptrace, total: 0, by_name: Default::default() };
        let totals = Arc::new(Mutex::new(nothing));
        let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        let stop = Arc::new(stop.map_err(|errno| failed(&format!("eventfd: {errno}")))?);
        let (counts, stopped) = (Arc::clone(&totals), Arc::clone(&stop));
        let (attached, outcome) = channel();
        // Every request of ptrace(2) must come from the thread that attached.
        let thread = std::thread::spawn(move || {
            let window = match Window::attach(pid) {
                Ok(window) => window,
                Err(refusal) => return attached.send(Err(refusal)).unwrap_or_default(),
            };
            let _ = attached.send(Ok(()));
            let mut sink = |_: u64, story: Story| {
                if let Story::Enter { name, .. } = story {
                    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                    counts.total += 1;
                    add_name(&mut counts.by_name, &name, 1);
                }
            };
            // How it ended is heard of elsewhere; it lets go in any case.
            let _ = window.run(stopped.as_fd(), &mut sink);
        });
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { totals, stop, thread: Some(thread) }),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(failed("the tracing thread failed")),
        }
    }

    /// What was counted so far.
    pub fn totals(&self) -> SyscallTotals {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        let _ = self.stop.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn failed(says: &str) -> Refusal {
    Refusal { layer: Layer::Kernel, says: says.into(), try_this: String::new() }
}
