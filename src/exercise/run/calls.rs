//! Every system call of the program: a thread that traces it from before its exec to its end.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::probe::ptrace::Window;
use crate::probe::ring::Rings;
use crate::trace::{Counts, Layer, Refusal, Story, batch_of};
use crate::world::words::errno_name;

/// Events that are kept for the recording; what comes later is counted and not told.
const STORY_MAX: usize = 50_000;

/// What the calls of a step came to.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Calls entered, by name.
    pub calls: BTreeMap<String, u64>,
    /// Errors answered, by name.
    pub answered: BTreeMap<String, u64>,
    /// SQEs handed over by each io_uring_enter that had some.
    pub batches: Counts,
}

/// What tracer and run share.
#[derive(Default)]
struct Shared {
    told: Told,
    /// Calls ever entered.
    entered: u64,
    overflow_seen: bool,
    story: Vec<(u64, Story)>,
    /// The number of SQEs that a thread has just offered.
    offered: BTreeMap<u32, u64>,
}

/// The tracer of one program.
pub(super) struct Calls {
    shared: Arc<Mutex<Shared>>,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Calls {
    /// Begins to trace process `pid`, which waits before its exec.
    ///
    /// # Errors
    /// It may not be traced.
    pub(super) fn of(pid: u32) -> Result<Self, Refusal> {
        let stop = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC).map_err(|errno| Refusal {
            layer: Layer::Limit,
            says: format!("eventfd: {errno}"),
            try_this: String::new(),
        })?;
        let (stop, shared) = (Arc::new(stop), Arc::new(Mutex::new(Shared::default())));
        let (attached, outcome) = channel();
        let (told_to_stop, tells) = (Arc::clone(&stop), Arc::clone(&shared));
        // Every request of ptrace(2) must come from the thread that attached.
        let thread = std::thread::spawn(move || match Window::attach(pid) {
            Err(refusal) => drop(attached.send(Err(refusal))),
            Ok(window) => {
                let _ = attached.send(Ok(()));
                follow(window.beside(), pid, &told_to_stop, &tells);
            }
        });
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { shared, stop, thread: Some(thread) }),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(Refusal {
                layer: Layer::Process,
                says: "the tracing thread failed".into(),
                try_this: String::new(),
            }),
        }
    }

    /// What was told since the last time.
    pub(super) fn take(&self) -> Told {
        std::mem::take(&mut self.lock().told)
    }

    /// Calls entered so far.
    pub(super) fn entered(&self) -> u64 {
        self.lock().entered
    }

    /// Calls by name since the last time, left where they are.
    pub(super) fn so_far(&self) -> BTreeMap<String, u64> {
        self.lock().told.calls.clone()
    }

    /// Whether the overflow flag of a ring was seen.
    pub(super) fn overflow_seen(&self) -> bool {
        self.lock().overflow_seen
    }

    /// The calls in order, as many as were kept, with their times on CLOCK_MONOTONIC.
    pub(super) fn story(&self) -> Vec<(u64, Story)> {
        std::mem::take(&mut self.lock().story)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // Fails only when the counter is full, and then it is readable already.
        let _ = self.stop.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn follow(window: Window, pid: u32, stop: &EventFd, shared: &Mutex<Shared>) {
    let mut rings: Option<Rings> = None;
    let mut sink = |at_ns: u64, story: Story| {
        let overflow = at_ring(pid, &mut rings, &story);
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.overflow_seen |= overflow;
        shared.take(at_ns, story);
    };
    // It ends early only when the program does, which its cage hears of.
    let _ = window.run(stop.as_fd(), &mut sink);
}

/// At the edge of a call that is about rings they are looked at, while their program stands still; whether the
/// flag IORING_SQ_CQ_OVERFLOW is set.
fn at_ring(pid: u32, rings: &mut Option<Rings>, story: &Story) -> bool {
    match story {
        Story::Exit { name, .. } if name == "io_uring_setup" => *rings = Rings::open(pid).ok(),
        Story::Enter { name, .. } | Story::Exit { name, .. } if name == "io_uring_enter" => {}
        _ => return false,
    }
    let Some(rings) = rings else { return false };
    rings.sample();
    rings.totals().iter().any(|ring| ring.overflow_seen > 0)
}

impl Shared {
    fn take(&mut self, at_ns: u64, story: Story) {
        match &story {
            Story::Enter { tid, name, args } => {
                self.entered += 1;
                crate::trace::add_name(&mut self.told.calls, name, 1);
                if name == "io_uring_enter" {
                    self.offered.insert(*tid, args[1]);
                }
            }
            Story::Exit { tid, name, result } => {
                if let Some(errno) = errno_name(*result) {
                    crate::trace::add_name(&mut self.told.answered, errno, 1);
                }
                let offered = self.offered.remove(tid).unwrap_or(0);
                if let Some(sqes) = batch_of(name, offered, *result) {
                    self.told.batches.add(sqes, 1);
                }
            }
            _ => {}
        }
        if self.story.len() < STORY_MAX {
            self.story.push((at_ns, story));
        }
    }
}
