//! The traffic: who sends what next, and what became of it. Engines move the bytes; all decisions are here,
//! so that both engines make the same load.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;

use super::connection::Answer;
use super::pattern::Pattern;
use super::phase::Phase;
use super::pool::{Pool, Role, Token};
use super::schedule::Schedule;
use super::tally::Tally;
use crate::trace::{ClientTotals, Load};

/// Requests that may be unanswered at once, over all connections. Beyond them an open loop leaves requests
/// where they are, in the schedule: they keep their due times and are counted as late.
const UNANSWERED_MAX: u64 = 1 << 20;

/// Bytes to be given to the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// The connection.
    pub token: Token,
    /// Its descriptor.
    pub fd: RawFd,
    /// Never freed: a send may outlive its connection.
    pub bytes: &'static [u8],
}

/// All connections, and the run that is on.
pub struct Traffic {
    pattern: Pattern,
    /// The connections.
    pub pool: Pool,
    load: Load,
    schedule: Schedule,
    phase: Phase,
    /// What the present run, or the last one, has counted.
    pub tally: Tally,
    /// Slots of connections that have bytes to send, in order.
    to_send: VecDeque<u32>,
    /// Requests added and not answered.
    unanswered: u64,
    /// Those of them of which no byte was sent.
    waiting: u64,
    /// Requests that were due and will not be sent, because the run was stopped; or not yet, because too
    /// many are unanswered.
    unsent: u64,
    last_received_ns: u64,
    /// Whether the last run ended without all of its answers. The connections that owe them are closed when
    /// the next thing is asked for: closing is not what the server did, and no part of the run.
    gave_up: bool,
    answers: Vec<Answer>,
    trouble: Option<String>,
}

impl Traffic {
    /// No connections, no run.
    pub fn new() -> Self {
        let load = Load { connections: 0, ..Load::default() };
        Self {
            pattern: Pattern::new(),
            pool: Pool::default(),
            schedule: Schedule::new(&load, 0),
            load,
            phase: Phase::Resting,
            tally: Tally::new(0, false),
            to_send: VecDeque::new(),
            unanswered: 0,
            waiting: 0,
            unsent: 0,
            last_received_ns: 0,
            gave_up: false,
            answers: Vec::new(),
            trouble: None,
        }
    }

    /// Whether a run is on, its last answers included.
    pub fn is_on(&self) -> bool {
        !matches!(self.phase, Phase::Resting)
    }

    /// Begins a run: its zero is `now_ns`, and so is the due time of its first requests.
    pub fn start(&mut self, requests: Option<u64>, duration_ns: Option<u64>, story: bool, now_ns: u64) {
        self.close_owing();
        self.phase = Phase::Running {
            left: requests,
            end_ns: duration_ns.map(|length| now_ns.saturating_add(length)),
        };
        self.schedule = Schedule::new(&self.load, now_ns);
        self.tally = Tally::new(now_ns, story);
        self.unsent = 0;
        self.trouble = None;
        self.last_received_ns = now_ns;
        self.fill_closed_loop();
    }

    /// Changes rate and burst, from `now_ns` on.
    pub fn pace(&mut self, load: &Load, now_ns: u64) {
        self.load.pace = load.pace;
        self.load.burst = load.burst;
        self.schedule = Schedule::new(&self.load, now_ns);
        self.fill_closed_loop();
    }

    /// Takes over a new load; says how many connections are to be opened for it. With `all_new` none of the
    /// present ones may be kept.
    pub fn adjust(&mut self, load: &Load, all_new: bool, now_ns: u64) -> u32 {
        self.close_owing();
        let paced_anew = (load.pace, load.burst) != (self.load.pace, self.load.burst);
        self.load = load.clone();
        let leaving = self.pool.adjust(load.connections, load.idle, all_new);
        for slot in leaving {
            self.send_away(slot);
        }
        if paced_anew {
            self.schedule = Schedule::new(&self.load, now_ns);
        }
        self.fill_closed_loop();
        (load.connections + load.idle).saturating_sub(self.pool.staying())
    }

    /// Ends a run because somebody asked for it: they wait, so answers get less time.
    pub fn pause(&mut self, now_ns: u64) {
        self.stop(now_ns);
        self.phase.hurry();
    }

    /// Stops sending. What was not begun is forgotten and stays counted as late.
    pub fn stop(&mut self, now_ns: u64) {
        if !matches!(self.phase, Phase::Running { .. }) {
            return;
        }
        self.phase = Phase::draining(now_ns);
        self.unsent += self.waiting;
        self.unanswered -= self.waiting;
        self.waiting = 0;
        for connection in self.pool.iter_mut() {
            connection.talk.forget_waiting();
        }
    }

    /// Adds the requests that are due, ends the run when its time has come, gives up answers that do not
    /// come.
    pub fn advance(&mut self, now_ns: u64) {
        match self.phase {
            Phase::Resting => {}
            Phase::Running { end_ns, .. } => {
                let until_ns = end_ns.map_or(now_ns, |end_ns| now_ns.min(end_ns.saturating_sub(1)));
                self.add_due(until_ns);
                if end_ns.is_some_and(|end_ns| now_ns >= end_ns) {
                    self.stop(now_ns);
                } else if self.phase.left() == Some(0) {
                    self.phase = Phase::draining(now_ns);
                } else if self.is_out_of_patience(now_ns) {
                    self.stop(now_ns);
                    self.give_up();
                }
            }
            Phase::Draining { .. } if self.is_out_of_patience(now_ns) => self.give_up(),
            Phase::Draining { .. } => {}
        }
    }

    /// When [`Self::advance`] has something to do next, whatever happens on the connections: 0 for at once.
    pub fn deadline_ns(&self) -> Option<u64> {
        match self.phase {
            Phase::Resting => None,
            Phase::Running { left: Some(0), .. } => Some(0),
            Phase::Running { .. } if self.pool.active().is_empty() => Some(0),
            Phase::Draining { .. } if self.unanswered == 0 => Some(0),
            Phase::Running { end_ns, .. } => {
                let due_ns = if self.unanswered < UNANSWERED_MAX { self.schedule.next_ns() } else { None };
                due_ns.into_iter().chain(end_ns).chain(self.patience_ends_ns()).min()
            }
            Phase::Draining { .. } => self.patience_ends_ns(),
        }
    }

    /// Ends the run if nothing is under way any more. True once for each run.
    pub fn rest(&mut self) -> bool {
        let quiet = matches!(self.phase, Phase::Draining { .. }) && (self.unanswered == 0 || self.gave_up);
        if quiet {
            self.phase = Phase::Resting;
        }
        quiet
    }

    /// Ends a run that has nobody left to send its requests; says why.
    pub fn rest_without_connections(&mut self) -> Option<String> {
        if !matches!(self.phase, Phase::Running { .. }) || !self.pool.active().is_empty() {
            return None;
        }
        self.phase = Phase::Resting;
        let why = self.trouble.clone().unwrap_or_else(|| "none was opened".to_owned());
        Some(format!("no connection is left that could send requests ({why}); is the server still running?"))
    }

    /// The next bytes to send.
    pub fn next_chunk(&mut self, now_ns: u64) -> Option<Chunk> {
        loop {
            let slot = self.to_send.pop_front()?;
            let Some((token, connection)) = self.pool.at(slot) else { continue };
            let fd = connection.socket.as_raw_fd();
            if let Some((bytes, begins)) = connection.talk.next_bytes(self.pattern, now_ns) {
                self.waiting -= u64::from(begins);
                return Some(Chunk { token, fd, bytes });
            }
        }
    }

    /// The kernel has taken so many bytes of this connection's last chunk.
    pub fn sent(&mut self, token: Token, bytes: u32) {
        let Some(connection) = self.pool.get(token) else { return };
        let (sent, answer) = connection.talk.sent(bytes);
        if connection.talk.wants_to_send() {
            self.to_send.push_back(token.slot);
        }
        let port = connection.port;
        if let Some(sent) = sent {
            self.tally.sent(port, sent);
        }
        if let Some(answer) = answer {
            self.answered(token, port, answer);
        }
    }

    /// These bytes came in.
    pub fn received(&mut self, token: Token, bytes: &[u8], now_ns: u64) {
        let Some(connection) = self.pool.get(token) else { return };
        self.last_received_ns = now_ns;
        let mut answers = std::mem::take(&mut self.answers);
        let wrong = connection.talk.received(self.pattern, bytes, now_ns, &mut answers);
        let port = connection.port;
        self.tally.wrong(wrong);
        for answer in answers.drain(..) {
            self.answered(token, port, answer);
        }
        self.answers = answers;
    }

    /// The connection has ended: by its peer, or with this error.
    pub fn closed(&mut self, token: Token, error: Option<Errno>) {
        if self.pool.get(token).is_none() {
            return;
        }
        let lost = self.remove(token.slot);
        self.tally.failed(lost.max(1));
        self.trouble = Some(match error {
            None => "the server closed the last one".to_owned(),
            Some(errno) => format!("the last one ended with {errno:?}, {}", errno.desc()),
        });
    }

    /// Takes a new connection in.
    pub fn adopt(&mut self, socket: std::net::TcpStream, port: u16) -> Token {
        let token = self.pool.add(socket, port, self.load.connections);
        self.fill_closed_loop();
        token
    }

    /// The descriptor of a connection.
    pub fn fd(&mut self, token: Token) -> Option<BorrowedFd<'_>> {
        self.pool.get(token).map(|connection| connection.socket.as_fd())
    }

    /// The run's totals, with the latencies since the last time.
    pub fn totals(&mut self) -> ClientTotals {
        let late = if self.schedule.is_closed_loop() { 0 } else { self.waiting + self.unsent };
        let owing = if self.gave_up { self.pool.unanswered().len() as u32 } else { 0 };
        self.tally.totals(late, self.pool.open().saturating_sub(owing))
    }

    fn add_due(&mut self, until_ns: u64) {
        while self.unanswered < UNANSWERED_MAX && self.phase.left() != Some(0) {
            if self.pool.active().is_empty() {
                return;
            }
            let next_turn_ns = self.schedule.later_ns(self.pool.active().len() as u64);
            let Some(due_ns) = self.schedule.take(until_ns) else { break };
            if next_turn_ns.is_some_and(|next_ns| next_ns <= until_ns) {
                self.tally.delayed();
            }
            if let Some(slot) = self.pool.next_in_turn() {
                self.add(slot, Some(due_ns));
            }
        }
        self.unsent = self.schedule.due(until_ns).min(self.phase.left().unwrap_or(u64::MAX));
    }

    fn fill_closed_loop(&mut self) {
        if !self.schedule.is_closed_loop() || !matches!(self.phase, Phase::Running { .. }) {
            return;
        }
        for index in 0..self.pool.active().len() {
            let slot = self.pool.active()[index];
            if self.pool.at(slot).is_some_and(|(_, connection)| connection.talk.unanswered() == 0) {
                self.add(slot, None);
            }
        }
    }

    /// Adds a request, unless the run has none left.
    fn add(&mut self, slot: u32, due_ns: Option<u64>) {
        let Phase::Running { left, .. } = &mut self.phase else { return };
        if let Some(left) = left {
            if *left == 0 {
                return;
            }
            *left -= 1;
        }
        let Some((_, connection)) = self.pool.at(slot) else { return };
        let queued = connection.talk.wants_to_send();
        connection.talk.add(due_ns, self.load.message_bytes);
        if !queued && connection.talk.wants_to_send() {
            self.to_send.push_back(slot);
        }
        self.unanswered += 1;
        self.waiting += 1;
    }

    fn answered(&mut self, token: Token, port: u16, answer: Answer) {
        self.unanswered -= 1;
        self.tally.answered(port, answer);
        let Some(connection) = self.pool.get(token) else { return };
        let last = connection.talk.unanswered() == 0;
        match connection.role {
            Role::Active if last && self.schedule.is_closed_loop() => self.add(token.slot, None),
            Role::Leaving if last => {
                self.remove(token.slot);
            }
            Role::Active | Role::Idle | Role::Leaving => {}
        }
    }

    /// Lets a connection go as soon as its answers are in. Requests that it has not begun go to others.
    fn send_away(&mut self, slot: u32) {
        let Some((_, connection)) = self.pool.at(slot) else { return };
        let waiting = connection.talk.waiting() as u64;
        connection.talk.forget_waiting();
        if connection.talk.unanswered() == 0 {
            self.remove(slot);
        }
        self.waiting -= waiting;
        self.unanswered -= waiting;
        if let Phase::Running { left: Some(left), .. } = &mut self.phase {
            *left += waiting;
        }
    }

    /// Closes a connection: how many of its requests are lost.
    fn remove(&mut self, slot: u32) -> u64 {
        let Some(connection) = self.pool.remove(slot) else { return 0 };
        let lost = connection.talk.unanswered() as u64;
        self.unanswered -= lost;
        self.waiting -= connection.talk.waiting() as u64;
        lost
    }

    fn patience_ends_ns(&self) -> Option<u64> {
        self.phase.patience_ends_ns(self.last_received_ns, self.schedule.is_closed_loop())
    }

    fn is_out_of_patience(&self, now_ns: u64) -> bool {
        self.patience_ends_ns().is_some_and(|ends_ns| now_ns >= ends_ns)
    }

    /// Counts the answers that have not come as errors.
    fn give_up(&mut self) {
        self.tally.failed(self.unanswered);
        self.gave_up = true;
    }

    /// Closes the connections whose answers were given up.
    fn close_owing(&mut self) {
        if std::mem::take(&mut self.gave_up) {
            for slot in self.pool.unanswered() {
                self.remove(slot);
            }
        }
    }
}
