//! One server in slow motion: the thread that traces it, sends its client's requests and reads what stands where it
//! stands still.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use nix::sys::eventfd::EventFd;

use super::client::Client;
use super::looks::Looks;
use super::rope::{Rope, sleeps};
use super::sight::Sight;
use super::standings::{Standing, Standings, State};
use crate::lab::recorder::Recorder;
use crate::lab::trial::entries::Entries;
use crate::lesson::Go;
use crate::probe::clock;
use crate::probe::ptrace::{Met, Stepper};
use crate::servers::{Model, Polls, Server};
use crate::trace::{Edge, Record, RunId, Stop, Story, is_wait};

/// So many looks a server gets that sleeps although a request is under way.
const LOOKS_MAX: u32 = 60;

/// Stops of one order at most: a server that spins makes calls for ever.
const STOPS_MAX: u32 = 400;

/// Stops of the first exchange at most: a program's start is some hundreds.
const WARM_UP_MAX: u32 = 20_000;

/// What a lane is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Go on.
    Go(Go),
    /// End.
    Quit,
}

/// Why a lane ends.
#[derive(Debug)]
pub enum Trouble {
    /// It was told to.
    Quit,
    /// The server's process has ended.
    Gone,
    /// Anything else.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Whether a step led to a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Held,
    /// The server sleeps, though it has all it was sent.
    Sleeps,
}

/// What a lane is made of.
pub struct Lane<'l> {
    pub server: &'static Server,
    pub pid: u32,
    pub run: RunId,
    pub zero_ns: u64,
    pub recorder: &'l Recorder,
    pub orders: &'l Receiver<Order>,
    pub bell: &'l EventFd,
    pub index: usize,
    pub standings: &'l Standings,
    pub client: Client,
    pub sight: Sight,
    pub entries: Entries,
    pub waiting: VecDeque<Order>,
    /// How often it has come to its wait with nothing to do since the last request.
    pub idle_waits: u32,
    /// The last request that the order under way lets through.
    pub goal: u64,
    /// Whether stops are shown by now.
    pub shown: bool,
    /// The request whose answer was told.
    pub told_answer: u64,
    /// What was seen at the last stop.
    pub last: Option<Stop>,
}

impl Lane<'_> {
    /// From the first exchange to the end.
    pub fn run(&mut self, mut stepper: Stepper) -> Trouble {
        if let Err(trouble) = self.warm_up(&mut stepper) {
            return trouble;
        }
        loop {
            let order = match self.rest(&mut stepper) {
                Ok(order) => order,
                Err(trouble) => return trouble,
            };
            let done = match order {
                Order::Quit => return Trouble::Quit,
                Order::Go(Go::Free) => match self.go_free(stepper) {
                    Ok(again) => {
                        stepper = again;
                        self.advance(&mut stepper).map(drop)
                    }
                    Err(trouble) => return trouble,
                },
                Order::Go(go) => self.go(&mut stepper, go),
            };
            if let Err(trouble) = done {
                return trouble;
            }
        }
    }

    /// Lets the server start and answer once on every connection, without a word; then it stands before its wait.
    fn warm_up(&mut self, stepper: &mut Stepper) -> Result<(), Trouble> {
        self.client.say_hello()?;
        for _ in 0..WARM_UP_MAX {
            self.advance(stepper)?;
            if self.client.is_answered() && self.stands_before_wait(stepper) {
                self.quiet(stepper)?;
                self.shown = true;
                return self.record(stepper);
            }
        }
        Err(Trouble::Failed(anyhow::anyhow!("the server did not come to rest within {WARM_UP_MAX} stops")))
    }

    /// Lets every other thread come to rest, too: one that has just started another still has some calls to make.
    fn quiet(&mut self, stepper: &mut Stepper) -> Result<(), Trouble> {
        let rope = Rope::new(self.bell)?;
        for _ in 0..WARM_UP_MAX {
            let Some(held) = stepper.held().map(|halt| halt.tid) else { return Ok(()) };
            if stepper.pass_on()? {
                continue;
            }
            if sleeps(self.pid, Some(held)) {
                return Ok(());
            }
            if stepper.wait(rope.both())? == Met::Ended {
                return Err(Trouble::Gone);
            }
            self.hear()?;
            rope.ticked();
        }
        Ok(())
    }

    fn go(&mut self, stepper: &mut Stepper, go: Go) -> Result<(), Trouble> {
        let goal = self.client.request() + u64::from(self.client.is_answered());
        // An order lets one request through: after it a server that never sleeps is sent nothing.
        self.goal = goal;
        let before = self.last.as_ref().map_or(0, completions);
        for _ in 0..STOPS_MAX {
            if self.advance(stepper)? == Step::Sleeps {
                break;
            }
            let there = match go {
                Go::Request => {
                    let done = self.client.request() == goal && self.client.is_answered();
                    done && self.stands_before_wait(stepper)
                }
                Go::Completion => {
                    self.last.as_ref().is_some_and(|stop| completions(stop) != before || stop.moves_bytes())
                }
                Go::Stop | Go::Free => true,
            };
            if there {
                break;
            }
        }
        Ok(())
    }

    /// Lets the held thread go on, and whoever is next comes to stand. A server that sleeps with nothing to do is
    /// sent the next request.
    fn advance(&mut self, stepper: &mut Stepper) -> Result<Step, Trouble> {
        let looks =
            (self.shown && self.server.polls == Polls::KernelThread).then(|| Looks::start(&mut self.sight));
        let step = self.until_edge(stepper);
        if let Some(looks) = looks {
            let seen = looks.end(&mut self.sight);
            let _ = self.client.take();
            let (request, answered) = (self.client.request(), self.client.is_answered());
            let stops = seen.into_iter().map(|(at_ns, rings)| {
                let stop = super::sight::look(rings, request, answered && self.told_answer == request);
                (at_ns.saturating_sub(self.zero_ns), Record::Stop(Box::new(stop)))
            });
            self.recorder.push(self.run, stops);
        }
        if step? == Step::Sleeps {
            return Ok(Step::Sleeps);
        }
        self.client.take()?;
        if self.client.is_answered() && self.stands_before_wait(stepper) {
            self.idle_waits += 1;
        }
        self.record(stepper)?;
        Ok(Step::Held)
    }

    fn until_edge(&mut self, stepper: &mut Stepper) -> Result<Step, Trouble> {
        stepper.let_go()?;
        if stepper.held().is_some() {
            return Ok(Step::Held);
        }
        if self.shown && (self.server.polls == Polls::Itself || self.idle_waits > 1) {
            // It never sleeps, so it has come back to its wait with nothing done.
            self.send_if_done()?;
        }
        let rope = Rope::new(self.bell)?;
        let mut looks = 0;
        loop {
            match stepper.wait(rope.both())? {
                Met::Edge => return Ok(Step::Held),
                Met::Ended => return Err(Trouble::Gone),
                Met::Rang => {
                    self.hear()?;
                    if !rope.ticked() || !sleeps(self.pid, None) {
                        continue;
                    }
                    self.client.take()?;
                    looks += 1;
                    let has_next = self.client.request() < self.goal;
                    if self.shown && self.client.is_answered() && has_next {
                        self.send_if_done()?;
                        looks = 0;
                    } else if looks > LOOKS_MAX {
                        return Ok(Step::Sleeps);
                    }
                }
            }
        }
    }

    /// Sends the next request if the last one is answered.
    fn send_if_done(&mut self) -> Result<(), Trouble> {
        if !self.client.is_answered() || self.client.request() >= self.goal {
            return Ok(());
        }
        self.client.send_next()?;
        self.idle_waits = 0;
        let t_ns = clock::monotonic_ns().saturating_sub(self.zero_ns);
        let ordinal = self.client.request() - 1;
        let sent =
            self.client.ports().into_iter().map(|port| (t_ns, Record::Story(Story::Sent { port, ordinal })));
        self.recorder.push(self.run, sent);
        Ok(())
    }

    /// Waits for an order. The server stands still meanwhile, or sleeps with nothing to do.
    fn rest(&mut self, stepper: &mut Stepper) -> Result<Order, Trouble> {
        self.stand(stepper, State::Rests);
        loop {
            if let Some(order) = self.waiting.pop_front() {
                return Ok(order);
            }
            let held = stepper.held().is_some();
            match stepper.wait(self.bell.as_fd())? {
                Met::Ended => return Err(Trouble::Gone),
                Met::Rang => self.hear()?,
                Met::Edge if held => {}
                Met::Edge => {
                    self.client.take()?;
                    self.record(stepper)?;
                    self.stand(stepper, State::Rests);
                }
            }
        }
    }

    /// Takes the orders that came.
    fn hear(&mut self) -> Result<(), Trouble> {
        let mut zero = [nix::poll::PollFd::new(self.bell.as_fd(), nix::poll::PollFlags::POLLIN)];
        if nix::poll::poll(&mut zero, nix::poll::PollTimeout::ZERO)? > 0 {
            self.bell.read()?;
        }
        while let Ok(order) = self.orders.try_recv() {
            if order == Order::Quit {
                return Err(Trouble::Quit);
            }
            self.waiting.push_back(order);
        }
        Ok(())
    }

    /// The server runs untraced and its client sends request after request, until somebody orders something.
    fn go_free(&mut self, stepper: Stepper) -> Result<Stepper, Trouble> {
        self.stand(&stepper, State::Free);
        drop(stepper);
        loop {
            if self.client.is_answered() {
                self.client.send_next()?;
            }
            self.client.wait(self.bell)?;
            self.client.take()?;
            self.hear()?;
            if self.waiting.pop_front().is_some() {
                break;
            }
        }
        self.told_answer = self.client.request();
        let refused = |refusal: crate::trace::Refusal| Trouble::Failed(anyhow::anyhow!("{refusal}"));
        Stepper::attach(self.pid).map_err(refused)
    }

    /// Writes down where the held thread stands and what is to be seen there.
    fn record(&mut self, stepper: &Stepper) -> Result<(), Trouble> {
        let Some(halt) = stepper.held() else { return Ok(()) };
        let t_ns = halt.at_ns.saturating_sub(self.zero_ns);
        let (tid, name, args) = (halt.tid, halt.name.clone(), halt.args);
        let story = match halt.edge {
            Edge::Exit { result } => Story::Exit { tid, name, result },
            Edge::Entry | Edge::Look => Story::Enter { tid, name, args },
        };
        let beside = self.entries.at(&story);
        let beside = beside.into_iter().map(|story| (t_ns, Record::Story(story)));
        if !self.shown {
            // What stands in the rings is still known when the stops begin.
            self.recorder.push(self.run, beside);
            return Ok(());
        }
        let (request, answered) = (self.client.request(), self.client.is_answered());
        let stop = self.sight.at(halt, request, answered);
        let mut records = vec![(t_ns, Record::Story(story))];
        records.extend(beside);
        if answered && self.told_answer != request {
            self.told_answer = request;
            let ordinal = request - 1;
            let told = |port| (t_ns, Record::Story(Story::Answered { port, ordinal }));
            records.extend(self.client.ports().into_iter().map(told));
        }
        records.push((t_ns, Record::Stop(Box::new(stop.clone()))));
        self.recorder.push(self.run, records);
        self.last = Some(stop);
        Ok(())
    }

    /// Whether the held thread is about to wait for something to do.
    fn stands_before_wait(&self, stepper: &Stepper) -> bool {
        let Some(halt) = stepper.held().filter(|halt| halt.edge == Edge::Entry) else { return false };
        let receives = matches!(halt.name.as_str(), "recvfrom" | "read" | "recv");
        match self.server.model {
            Model::Threads => receives,
            Model::Readiness => is_wait(&halt.name) || (self.server.polls == Polls::Itself && receives),
            Model::Completion => halt.name == "io_uring_enter" && halt.args[2] > 0,
        }
    }

    /// Tells the others where this lane is.
    fn stand(&self, stepper: &Stepper, state: State) {
        let request = self.client.request();
        let done = self.client.is_answered() && self.stands_before_wait(stepper);
        self.standings.set(self.index, Standing { state, request, done });
    }
}

/// Completions of all rings so far.
fn completions(stop: &Stop) -> u64 {
    stop.rings.iter().fold(0, |sum, ring| sum.saturating_add(ring.cq.1))
}

/// What lanes are told by, from any thread.
pub struct Remote {
    pub orders: std::sync::mpsc::Sender<Order>,
    pub bell: Arc<EventFd>,
}

impl Remote {
    /// Tells it.
    pub fn order(&self, order: Order) {
        // A lane that has ended hears nothing, and needs to hear nothing.
        let _ = self.orders.send(order);
        let _ = self.bell.write(1);
    }
}
