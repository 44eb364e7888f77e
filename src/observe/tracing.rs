//! Counting the calls of a process that runs already by ptrace(2), where nothing better is allowed and somebody asked
//! for it: every call of its threads stops it twice until the observation ends. It is let go of then, untraced.

use std::os::fd::AsFd;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::probe::ptrace::Window;
use crate::trace::{Layer, Refusal, Rung, Story, SyscallTotals, add_name};

/// A process that is being traced. Dropping it lets go.
#[derive(Debug)]
pub struct Tracing {
    totals: Arc<Mutex<SyscallTotals>>,
    /// Why it stands still, if it does.
    failed: Arc<OnceLock<Refusal>>,
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
        let failed_at_last = Arc::new(OnceLock::new());
        let failure = Arc::clone(&failed_at_last);
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
            // The end of the process is heard of elsewhere; it is let go of in any case.
            if let Err(error) = window.run(stopped.as_fd(), &mut sink) {
                let says = format!("ptrace failed, and counts no more: {error}");
                failure.get_or_init(|| failed(&says));
            }
        });
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { totals, failed: failed_at_last, stop, thread: Some(thread) }),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(failed("the tracing thread failed")),
        }
    }

    /// Why it counts no more, if it does not.
    pub fn failure(&self) -> Option<&Refusal> {
        self.failed.get()
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
