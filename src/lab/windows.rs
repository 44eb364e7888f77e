//! Windows of the story at full speed: one thread that switches a stream and the client's own story on and off,
//! and puts what both tell into one order.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::client::Asks;
use super::recorder::Recorder;
use crate::load::protocol::Ask;
use crate::probe::clock;
use crate::probe::perf::stream::{Stream, Woken};
use crate::trace::{Pace, Record, RunId, Story, Window};

/// From one window to the next, nanoseconds.
const EVERY_NS: u64 = 1_000_000_000;

/// How long a window is open, nanoseconds.
const OPEN_NS: u64 = 200_000_000;

/// The first one opens a little after the run has begun, nanoseconds.
const FIRST_NS: u64 = 50_000_000;

/// A window closes earlier when so many bytes of records have come: about 13 000 of them, or in a closed loop, which
/// goes through a thousand requests in a few milliseconds, about 3 400.
const BYTES_MAX: usize = 1 << 20;
const BYTES_AT_MAX: usize = 256 << 10;

/// The same for a window over a whole run: fewer records than the recorder holds back.
const BYTES_ONCE: usize = 4 << 20;

/// How often what has come is handed on while a window is open.
const CHUNK: Duration = Duration::from_millis(50);

/// How long a client gets to answer that it tells its story, or that it has told all.
const ANSWER: Duration = Duration::from_millis(300);

/// Requests that the kernel is just taking are told a little later, nanoseconds.
const CLIENT_SLACK_NS: u64 = 2_000_000;

/// When windows are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once, from now to the end of the run. What comes is held until somebody releases it.
    Once,
    /// For 200 ms of each second, or until so many records have come.
    NowAndThen(Pace),
    /// From the beginning to the end, whatever comes: to measure what that costs.
    Always,
}

/// Where and when a story is told.
pub struct Scene {
    /// Takes what is told.
    pub recorder: Arc<Recorder>,
    /// Which run.
    pub run: RunId,
    /// Its zero, CLOCK_MONOTONIC nanoseconds.
    pub zero_ns: u64,
    /// The client, which tells its own part.
    pub asks: Asks,
}

/// Windows under way.
pub struct Windows {
    heard: Sender<Heard>,
    thread: JoinHandle<(Stream, Told)>,
}

/// What windows told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// System calls entered.
    pub syscalls: u64,
    /// Requests answered.
    pub requests: u64,
    /// Records lost.
    pub lost: u64,
}

/// What the thread hears.
enum Heard {
    /// What the client told.
    Client { events: Vec<(u64, Story)>, lost: u64, until_ns: u64 },
    /// The run is over.
    Over,
}

impl Windows {
    /// Begins. With [`Times::Once`] the window is open when this returns.
    pub fn start(mut stream: Stream, scene: Scene, times: Times) -> Self {
        let (heard, inbox) = channel();
        let once = (times == Times::Once).then(|| Open::new(&mut stream));
        let teller =
            Teller { stream, scene, inbox, client: Vec::new(), client_lost: 0, client_ns: 0, over: false };
        let thread = std::thread::spawn(move || teller.work(times, once));
        Self { heard, thread }
    }

    /// The client has told a part of its story.
    pub fn client_told(&self, events: Vec<(u64, Story)>, lost: u64, until_ns: u64) {
        // Fails only when the thread has failed; then there is no window to tell it in.
        let _ = self.heard.send(Heard::Client { events, lost, until_ns });
    }

    /// Ends them at the end of the run, when the client has told all. The stream is given back; `None` if the thread
    /// failed.
    pub fn end(self) -> Option<(Stream, Told)> {
        let _ = self.heard.send(Heard::Over);
        self.thread.join().ok()
    }
}

struct Teller {
    stream: Stream,
    scene: Scene,
    inbox: Receiver<Heard>,
    /// What the client told and is not handed on yet.
    client: Vec<(u64, Story)>,
    client_lost: u64,
    /// Up to when it has told, CLOCK_MONOTONIC nanoseconds.
    client_ns: u64,
    over: bool,
}

/// An open window.
struct Open {
    /// When it was opened, CLOCK_MONOTONIC nanoseconds.
    from_ns: u64,
    /// What the stream had lost before.
    lost_before: u64,
    told: Told,
}

impl Open {
    fn new(stream: &mut Stream) -> Self {
        let lost_before = stream.lost();
        let from_ns = clock::monotonic_ns();
        // Fails only for a stream whose process has ended; then nothing comes.
        let _ = stream.enable();
        Self { from_ns, lost_before, told: Told::default() }
    }
}

impl Teller {
    fn work(mut self, times: Times, once: Option<Open>) -> (Stream, Told) {
        let mut told = Told::default();
        let (length_ns, bytes_max) = match times {
            Times::Once => (u64::MAX, BYTES_ONCE),
            Times::Always => (u64::MAX, usize::MAX),
            Times::NowAndThen(Pace::Max) => (OPEN_NS, BYTES_AT_MAX),
            Times::NowAndThen(Pace::PerSecond(_)) => (OPEN_NS, BYTES_MAX),
        };
        if let Some(open) = once {
            told.add(self.window(open, length_ns, bytes_max, times));
        } else {
            let mut next_ns = self.scene.zero_ns + FIRST_NS;
            while self.rest_until(next_ns) {
                next_ns = clock::monotonic_ns().max(next_ns + EVERY_NS);
                if !self.client_tells() {
                    continue;
                }
                self.scene.recorder.hold(self.scene.run);
                let open = Open::new(&mut self.stream);
                next_ns = open.from_ns + EVERY_NS;
                told.add(self.window(open, length_ns, bytes_max, times));
                self.scene.recorder.release(self.scene.run);
            }
        }
        (self.stream, told)
    }

    /// Waits until a time; `false` if the run is over before.
    fn rest_until(&mut self, at_ns: u64) -> bool {
        loop {
            let left = Duration::from_nanos(at_ns.saturating_sub(clock::monotonic_ns()));
            if !self.listen(left) || self.over {
                return !self.over;
            }
        }
    }

    /// Hears one thing that is said within a time; whether there was one.
    fn listen(&mut self, time: Duration) -> bool {
        match self.inbox.recv_timeout(time) {
            Ok(Heard::Client { mut events, lost, until_ns }) => {
                self.client.append(&mut events);
                self.client_lost = self.client_lost.saturating_add(lost);
                self.client_ns = self.client_ns.max(until_ns);
                true
            }
            Ok(Heard::Over) | Err(RecvTimeoutError::Disconnected) => {
                self.over = true;
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
        }
    }

    /// Has the client tell its story; `false` where it does not answer in time.
    fn client_tells(&mut self) -> bool {
        let asked_ns = clock::monotonic_ns();
        if self.scene.asks.ask(&Ask::Story { on: true }).is_err() {
            return false;
        }
        let tells = self.until_client_is_at(asked_ns) && !self.over;
        self.client.clear();
        self.client_lost = 0;
        if !tells {
            let _ = self.scene.asks.ask(&Ask::Story { on: false });
        }
        tells
    }

    /// Waits until the client has told all up to a time.
    fn until_client_is_at(&mut self, at_ns: u64) -> bool {
        let until_ns = clock::monotonic_ns() + ANSWER.as_nanos() as u64;
        while self.client_ns < at_ns && !self.over {
            let left = Duration::from_nanos(until_ns.saturating_sub(clock::monotonic_ns()));
            if !self.listen(left) {
                return false;
            }
        }
        self.client_ns >= at_ns
    }

    /// Tells what happens until it is time to close.
    fn window(&mut self, mut open: Open, length_ns: u64, bytes_max: usize, times: Times) -> Told {
        let close_by_ns = open.from_ns.saturating_add(length_ns);
        let mut bytes = 0_usize;
        loop {
            let left_ns = close_by_ns.saturating_sub(clock::monotonic_ns());
            if left_ns == 0 || self.over {
                break;
            }
            let woken = self.stream.wait(CHUNK.min(Duration::from_nanos(left_ns)));
            bytes = bytes.saturating_add(self.stream.fetch());
            while self.listen(Duration::ZERO) && !self.over {}
            if bytes >= bytes_max || !matches!(woken, Ok(Woken::Full | Woken::Time)) {
                break;
            }
            let told_ns = self.hand_on(&mut open, None);
            if times != Times::Once {
                let told_ns = told_ns.min(self.client_ns.saturating_sub(CLIENT_SLACK_NS));
                let until_ns = told_ns.saturating_sub(self.scene.zero_ns);
                self.scene.recorder.release_until(self.scene.run, until_ns);
            }
        }
        self.close(open, times)
    }

    fn close(&mut self, mut open: Open, times: Times) -> Told {
        let _ = self.stream.disable();
        let closed_ns = clock::monotonic_ns();
        if times != Times::Once {
            let _ = self.scene.asks.ask(&Ask::Story { on: false });
            self.until_client_is_at(closed_ns);
        }
        while times == Times::Once && !self.over && self.listen(Duration::MAX) {}
        self.hand_on(&mut open, Some(closed_ns));
        let lost = self.stream.lost().saturating_sub(open.lost_before);
        open.told.lost = lost.saturating_add(std::mem::take(&mut self.client_lost));
        let Told { syscalls, requests, lost } = open.told;
        let window = Window { rung: self.stream.rung(), lost, requests, syscalls };
        let duration_ns = closed_ns.saturating_sub(open.from_ns);
        let at_ns = closed_ns.saturating_sub(self.scene.zero_ns);
        self.scene.recorder.push(self.scene.run, [(at_ns, Record::Window { duration_ns, window })]);
        open.told
    }

    /// Hands on what both have told of a window, all of it where it is closed; up to when the stream has told.
    fn hand_on(&mut self, open: &mut Open, closed_ns: Option<u64>) -> u64 {
        let (zero_ns, told) = (self.scene.zero_ns, &mut open.told);
        let is_inside = |at_ns: &u64| (open.from_ns..=closed_ns.unwrap_or(u64::MAX)).contains(at_ns);
        let mut records = Vec::new();
        for (at_ns, story) in self.client.drain(..).filter(|(at_ns, _)| is_inside(at_ns)) {
            told.requests += u64::from(matches!(story, Story::Answered { .. }));
            records.push((at_ns.saturating_sub(zero_ns), Record::Story(story)));
        }
        let mut sink = |at_ns: u64, story: Story| {
            told.syscalls += u64::from(matches!(story, Story::Enter { .. }));
            records.push((at_ns.saturating_sub(zero_ns), Record::Story(story)));
        };
        let told_ns = match closed_ns {
            None => self.stream.drain(&mut sink),
            Some(_) => {
                self.stream.finish(&mut sink);
                u64::MAX
            }
        };
        self.scene.recorder.push(self.scene.run, records);
        told_ns
    }
}

impl Told {
    fn add(&mut self, other: Self) {
        self.syscalls = self.syscalls.saturating_add(other.syscalls);
        self.requests = self.requests.saturating_add(other.requests);
        self.lost = self.lost.saturating_add(other.lost);
    }
}
