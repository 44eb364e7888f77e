//! A window under ptrace: one thread attaches, follows every system call of the server, and lets go.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use nix::sys::eventfd::EventFd;

use super::recorder::Recorder;
use crate::probe::ptrace::Window;
use crate::trace::{Layer, Record, Refusal, RunId, Story};

/// Records handed on together.
const BATCH: usize = 256;

/// A window under way.
pub struct Tracer {
    stop: Arc<EventFd>,
    thread: JoinHandle<Seen>,
}

/// What a window saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// System calls entered.
    pub syscalls: u64,
}

impl Tracer {
    /// Attaches to a quiet process. Every call of ptrace(2) must come from the thread that attached, so it
    /// has one of its own.
    pub fn attach(pid: u32, recorder: Arc<Recorder>, run: RunId, zero_ns: u64) -> Result<Self, Refusal> {
        let stop = Arc::new(EventFd::new().map_err(|errno| refusal(&format!("eventfd: {errno}")))?);
        let (attached, outcome) = channel();
        let told_to_stop = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let window = match Window::attach(pid) {
                Ok(window) => window,
                Err(refusal) => {
                    let _ = attached.send(Err(refusal));
                    return Seen::default();
                }
            };
            let _ = attached.send(Ok(()));
            follow(window, &told_to_stop, &recorder, run, zero_ns)
        });
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { stop, thread }),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(refusal("the tracing thread failed")),
        }
    }

    /// Lets go of the process and says what was seen.
    pub fn detach(self) -> Seen {
        // An eventfd refuses a write only when its counter is full, and then it can be read as well.
        let _ = self.stop.write(1);
        self.thread.join().unwrap_or_default()
    }
}

fn refusal(says: &str) -> Refusal {
    Refusal { layer: Layer::Kernel, says: says.into(), try_this: String::new() }
}

fn follow(window: Window, stop: &EventFd, recorder: &Recorder, run: RunId, zero_ns: u64) -> Seen {
    let mut seen = Seen::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut sink = |at_ns: u64, story: Story| {
        seen.syscalls += u64::from(matches!(story, Story::Enter { .. }));
        batch.push((at_ns.saturating_sub(zero_ns), Record::Story(story)));
        if batch.len() >= BATCH {
            recorder.push(run, batch.drain(..));
        }
    };
    // It ends early only when the process does, which the lane hears of by itself.
    let _ = window.run(stop.as_fd(), &mut sink);
    recorder.push(run, batch.drain(..));
    seen
}
