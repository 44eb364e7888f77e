//! A window under ptrace: one thread attaches, follows every system call of the server, and lets go.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::entries::Entries;
use super::recorder::Recorder;
use crate::probe::ptrace::Window;
use crate::servers::TracedFrom;
use crate::trace::{Layer, Record, Refusal, RunId, Story};

/// What an interrupted call returns: −EINTR, or one of the kernel's own −ERESTART… codes (linux/errno.h) when
/// it goes on by itself.
const INTERRUPTED: [i64; 5] = [-4, -512, -513, -514, -516];

/// The client has its last answer while the server is still on its way to the next wait: so long the window
/// stays open for that.
const REST: Duration = Duration::from_millis(50);

/// The least time that a timer takes: 0 would turn it off.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// Records handed on together.
const BATCH: usize = 256;

/// What a window does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is part of the story.
    Yes,
    /// It is not: the window itself caused it, or it is the lab's business.
    No,
    /// It is not, and the story ends before it: the process is let go of.
    Enough,
}

/// Who says what belongs to a story.
pub trait Choose: Send + 'static {
    /// What to do with an event.
    fn keep(&mut self, story: &Story) -> Keep;

    /// What else is to be told at the edge of a call that was kept, while its thread stands still.
    fn beside(&mut self, _edge: &Story) -> Vec<Story> {
        Vec::new()
    }
}

/// A window under way.
pub struct Tracer {
    stop: Arc<TimerFd>,
    thread: JoinHandle<Seen>,
}

/// A tracer that tells nothing: it stops a server at each edge of its calls, because that is what is to be seen,
/// and counts them.
pub struct Burden {
    stop: Arc<TimerFd>,
    thread: JoinHandle<()>,
    /// System calls entered.
    pub calls: Arc<AtomicU64>,
}

impl Burden {
    /// Attaches to a quiet process, from the same processor or from another.
    pub fn attach(pid: u32, from: TracedFrom) -> Result<Self, Refusal> {
        let stop = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC);
        let stop = Arc::new(stop.map_err(|errno| refusal(&format!("timerfd_create: {errno}")))?);
        let calls = Arc::new(AtomicU64::new(0));
        let (attached, outcome) = channel();
        let (told_to_stop, counter) = (Arc::clone(&stop), Arc::clone(&calls));
        let thread = std::thread::spawn(move || {
            let window = match Window::attach(pid) {
                Ok(window) if from == TracedFrom::Other => window.apart(),
                Ok(window) => window,
                Err(refusal) => return drop(attached.send(Err(refusal))),
            };
            let _ = attached.send(Ok(()));
            let mut count = |_, story| {
                counter.fetch_add(u64::from(matches!(story, Story::Enter { .. })), Ordering::Relaxed);
            };
            // That the process has ended the lane hears by itself.
            let _ = window.run(told_to_stop.as_fd(), &mut count);
        });
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { stop, thread, calls }),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(refusal("the tracing thread failed")),
        }
    }

    /// Lets go of the process.
    pub fn detach(self) {
        stop_in(&self.stop, AT_ONCE);
        let _ = self.thread.join();
    }
}

/// What a window saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// System calls entered.
    pub syscalls: u64,
    /// Why it ended before it was told to, if it did.
    pub trouble: Option<String>,
}

impl Tracer {
    /// Attaches to a quiet process. Every call of ptrace(2) must come from the thread that attached, so it
    /// has one of its own.
    pub fn attach(pid: u32, recorder: Arc<Recorder>, run: RunId, zero_ns: u64) -> Result<Self, Refusal> {
        Self::attach_for(pid, recorder, run, zero_ns, Attaching::to(pid))
    }

    /// Attaches to a quiet process, for a story of what `chooser` chooses.
    pub fn attach_for(
        pid: u32,
        recorder: Arc<Recorder>,
        run: RunId,
        zero_ns: u64,
        chooser: impl Choose,
    ) -> Result<Self, Refusal> {
        let stop = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC);
        let stop = Arc::new(stop.map_err(|errno| refusal(&format!("timerfd_create: {errno}")))?);
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
            follow(window, &told_to_stop, &recorder, run, zero_ns, chooser)
        });
        match outcome.recv() {
            Ok(Ok(())) => Ok(Self { stop, thread }),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(refusal("the tracing thread failed")),
        }
    }

    /// Lets go of the process and says what was seen.
    pub fn detach(self) -> Seen {
        stop_in(&self.stop, REST);
        self.thread.join().unwrap_or_default()
    }
}

fn refusal(says: &str) -> Refusal {
    Refusal { layer: Layer::Kernel, says: says.into(), try_this: String::new() }
}

fn stop_in(stop: &TimerFd, time: Duration) {
    let once = Expiration::OneShot(TimeSpec::from_duration(time));
    // Fails only for a time that is none.
    let _ = stop.set(once, TimerSetTimeFlags::empty());
}

fn follow(
    window: Window,
    stop: &TimerFd,
    recorder: &Recorder,
    run: RunId,
    zero_ns: u64,
    mut chooser: impl Choose,
) -> Seen {
    let mut seen = Seen::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut sink = |at_ns: u64, story: Story| {
        match chooser.keep(&story) {
            Keep::Yes => {}
            Keep::No => return,
            Keep::Enough => return stop_in(stop, AT_ONCE),
        }
        seen.syscalls += u64::from(matches!(story, Story::Enter { .. }));
        let t_ns = at_ns.saturating_sub(zero_ns);
        let beside = chooser.beside(&story);
        batch.push((t_ns, Record::Story(story)));
        batch.extend(beside.into_iter().map(|story| (t_ns, Record::Story(story))));
        if batch.len() >= BATCH {
            recorder.push(run, batch.drain(..));
        }
    };
    let ended = window.run(stop.as_fd(), &mut sink);
    recorder.push(run, batch.drain(..));
    // That the process has ended the lane hears by itself.
    seen.trouble = ended.err().map(|error| error.to_string());
    seen
}

/// What attaching itself does to the story. The server is at rest then, so each thread waits in some call; it
/// is interrupted and waits again by a second call, whose first event may be its entry or the exit of the
/// broken one. That call goes on with a wait from before the window, and is not counted.
#[derive(Default)]
struct Attaching {
    threads: BTreeMap<u32, Place>,
    /// The entries of its rings, told beside the calls at whose edges they were seen.
    entries: Option<Entries>,
}

/// Where a thread is in the window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Its wait from before the window was interrupted.
    Interrupted,
    /// It waits again.
    WaitsAgain,
    /// Its calls are its own.
    Underway,
}

impl Choose for Attaching {
    fn keep(&mut self, story: &Story) -> Keep {
        if self.caused(story) { Keep::No } else { Keep::Yes }
    }

    fn beside(&mut self, edge: &Story) -> Vec<Story> {
        match (edge, &mut self.entries) {
            (Story::Enter { .. } | Story::Exit { .. }, Some(entries)) => entries.news(),
            _ => Vec::new(),
        }
    }
}

impl Attaching {
    fn to(pid: u32) -> Self {
        Self { entries: Some(Entries::of(pid)), ..Self::default() }
    }

    /// Whether an event is there only because of the attaching.
    fn caused(&mut self, story: &Story) -> bool {
        let (tid, is_enter, interrupted) = match story {
            Story::Enter { tid, .. } => (*tid, true, false),
            Story::Exit { tid, result, .. } => (*tid, false, INTERRUPTED.contains(result)),
            _ => return false,
        };
        let before = self.threads.get(&tid).copied();
        let now = match (before, is_enter) {
            (None, false) if interrupted => Place::Interrupted,
            (None | Some(Place::Interrupted), true) => Place::WaitsAgain,
            _ => Place::Underway,
        };
        self.threads.insert(tid, now);
        now != Place::Underway || before == Some(Place::WaitsAgain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(name: &str) -> Story {
        Story::Enter { tid: 7, name: name.into(), args: [0; 6] }
    }

    fn exit(result: i64) -> Story {
        Story::Exit { tid: 7, name: "epoll_wait".into(), result }
    }

    #[test]
    fn the_wait_that_attaching_broke_is_not_counted_twice() {
        let mut attaching = Attaching::default();
        let caused = [exit(-4), enter("epoll_wait"), exit(1)].map(|story| attaching.caused(&story));
        assert_eq!(caused, [true, true, true]);
        let own = [enter("recvfrom"), exit(64), enter("epoll_wait"), exit(-4), enter("epoll_wait")];
        assert_eq!(
            own.map(|story| attaching.caused(&story)),
            [false; 5],
            "later interruptions are the server's"
        );
    }

    #[test]
    fn a_wait_that_begins_again_before_its_end_is_seen_is_the_same_wait() {
        let mut attaching = Attaching::default();
        let caused = [enter("epoll_wait"), exit(1), enter("recvfrom")].map(|story| attaching.caused(&story));
        assert_eq!(caused, [true, true, false]);
    }

    #[test]
    fn a_wait_that_was_not_broken_ends_and_what_follows_counts() {
        let mut attaching = Attaching::default();
        assert_eq!([exit(64), enter("sendto")].map(|story| attaching.caused(&story)), [false; 2]);
    }
}
