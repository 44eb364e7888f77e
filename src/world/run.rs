//! One run folded up to a time.

use std::collections::BTreeMap;

use super::deltas::Deltas;
use super::history::History;
use super::left_open::LeftOpen;
use super::memo::Memo;
use super::stops::Stops;
use super::unread::Unread;
use super::window::WindowView;
use crate::trace::{
    ClientTotals, Counts, End, EpollSet, Note, ProcessTotals, Program, Purpose, Record, Refusal, Run, Rung,
    Socket, Start,
};

/// A socket that holds no more than this has room: it need not wait for EPOLLOUT. More than nothing, because
/// what was sent stays in the queue until the peer acknowledges it, which TCP may put off for 40 ms.
pub(super) const ROOM_BYTES_MAX: u32 = 4096;

/// What is known of one run at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct RunWorld {
    /// How it began.
    pub start: Start,
    /// Its zero, nanoseconds since the trace's.
    pub began_ns: u64,
    /// Time of the last record folded in, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// What the process is, where somebody else wrote its program.
    pub program: Option<Program>,
    /// When it was first read, nanoseconds since the run's zero.
    pub first_t_ns: u64,
    /// The process at the run's zero.
    pub first: Option<ProcessTotals>,
    /// The process now.
    pub process: Option<ProcessTotals>,
    /// Its last readings.
    pub history: History,
    /// The client now; its `latency_ns` holds all latencies since the zero.
    pub client: ClientTotals,
    /// Depth samples since the zero, by ring (its descriptor and inode): (SQ, CQ).
    pub depths: BTreeMap<(i32, u64), (Counts, Counts)>,
    /// Interest lists, as last read.
    pub epoll_sets: Vec<EpollSet>,
    /// Sockets and their queues, as last read.
    pub sockets: Vec<Socket>,
    /// How many readings of sockets found an entry with EPOLLOUT armed and room to send, of how many.
    pub idle_epollout: (u64, u64),
    /// Edge-triggered descriptors with bytes that nobody fetches.
    pub unread: Unread,
    /// Connections that are over and not closed.
    pub left_open: LeftOpen,
    /// What its windows told.
    pub window: WindowView,
    /// Where it stood still.
    pub stops: Stops,
    /// Rungs that were refused.
    pub refused: BTreeMap<Rung, Refusal>,
    /// What the server said on stderr.
    pub said: Vec<String>,
    /// What has to be known to read its numbers right.
    pub remarks: Vec<String>,
    /// How it ended.
    pub end: Option<End>,
    /// When the client last said where it stands, nanoseconds since the run's zero.
    pub client_t_ns: u64,
    /// When it last told of a new answer, likewise.
    pub answered_t_ns: u64,
    /// What [`deltas`](Self::deltas) came to.
    sum: Memo<Deltas>,
}

impl RunWorld {
    /// A run at its zero.
    pub fn new(start: Start) -> Self {
        Self {
            start,
            began_ns: 0,
            t_ns: 0,
            program: None,
            first_t_ns: 0,
            first: None,
            process: None,
            history: History::default(),
            client: ClientTotals::default(),
            depths: BTreeMap::new(),
            epoll_sets: Vec::new(),
            sockets: Vec::new(),
            idle_epollout: (0, 0),
            unread: Unread::default(),
            left_open: LeftOpen::default(),
            window: WindowView::default(),
            stops: Stops::default(),
            refused: BTreeMap::new(),
            said: Vec::new(),
            remarks: Vec::new(),
            end: None,
            client_t_ns: 0,
            answered_t_ns: 0,
            sum: Memo::default(),
        }
    }

    /// Whether it is of a process that nobody here wrote, and nobody here asks anything of.
    pub fn is_observed(&self) -> bool {
        self.start.purpose == Purpose::Observe
    }

    /// The same, its place in its trace known.
    pub(super) fn of(run: &Run) -> Self {
        Self { began_ns: run.began_ns, ..Self::new(run.start.clone()) }
    }

    /// The run from its zero up to and including `t_ns`.
    pub fn at(run: &Run, t_ns: u64) -> Self {
        let mut world = Self::of(run);
        let until = run.records.partition_point(|(at_ns, _)| *at_ns <= t_ns);
        for (at_ns, record) in &run.records[..until] {
            world.apply(*at_ns, record);
        }
        world
    }

    /// Folds one more record in.
    pub fn apply(&mut self, t_ns: u64, record: &Record) {
        self.t_ns = t_ns;
        self.sum = Memo::default();
        match record {
            Record::Start(_) => {}
            Record::Process(totals) => self.apply_process(t_ns, totals),
            Record::Client(totals) => self.apply_client(t_ns, totals),
            Record::Program(program) => self.program = Some(program.clone()),
            Record::EpollSets { sets } => self.epoll_sets.clone_from(sets),
            Record::Sockets { sockets } => self.apply_sockets(t_ns, sockets),
            Record::Story(story) => {
                self.window.apply(t_ns, story);
                self.stops.hear(story);
            }
            Record::Stop(stop) => self.stops.push(t_ns, stop),
            Record::Window { duration_ns, window } => self.window.close(*duration_ns, window),
            Record::Refused { rung, refusal } => {
                self.refused.insert(*rung, refusal.clone());
            }
            Record::Note(Note::Said { line }) => self.said.push(line.clone()),
            Record::Note(Note::Remark { says }) => self.remarks.push(says.clone()),
            Record::Note(Note::Cut { calls }) => self.window.cut_after = Some(*calls),
            Record::Note(_) => {}
            Record::End { end } => self.end = Some(end.clone()),
        }
    }

    fn apply_process(&mut self, t_ns: u64, totals: &ProcessTotals) {
        self.history.push(self.process.as_ref(), totals, t_ns);
        if self.first.is_none() {
            // What was sampled before the zero is not of this run.
            self.first = Some(totals.clone());
            self.first_t_ns = t_ns;
        } else {
            for ring in &totals.rings {
                let (sq, cq) = self.depths.entry((ring.fd, ring.id)).or_default();
                sq.merge(&ring.sq_depth);
                cq.merge(&ring.cq_depth);
            }
        }
        self.process = Some(totals.clone());
    }

    fn apply_client(&mut self, t_ns: u64, totals: &ClientTotals) {
        if totals.answered > self.client.answered {
            self.answered_t_ns = t_ns;
        }
        let mut latency_ns = std::mem::take(&mut self.client.latency_ns);
        latency_ns.merge(&totals.latency_ns);
        // Field by field: of the latencies, which are many, only the sum is kept.
        let ClientTotals { sent, answered, errors, bytes_wrong, late, delayed, open, cpu_ns, .. } = *totals;
        self.client =
            ClientTotals { sent, answered, errors, bytes_wrong, late, delayed, open, cpu_ns, latency_ns };
        self.client_t_ns = t_ns;
    }

    fn apply_sockets(&mut self, t_ns: u64, sockets: &[Socket]) {
        self.sockets = sockets.to_vec();
        self.left_open.read(sockets);
        let armed = |fd: i32| {
            self.epoll_sets
                .iter()
                .flat_map(|set| &set.interest)
                .any(|interest| interest.fd == fd && interest.events & crate::trace::Interest::OUT != 0)
        };
        let connected = || sockets.iter().filter(|socket| !socket.listening && socket.fd >= 0);
        let has_room = |socket: &Socket| socket.send_queue_bytes <= ROOM_BYTES_MAX;
        let idle = connected().filter(|socket| has_room(socket) && armed(socket.fd)).count();
        self.idle_epollout.0 = self.idle_epollout.0.saturating_add(idle as u64);
        self.idle_epollout.1 = self.idle_epollout.1.saturating_add(connected().count() as u64);
        let threads = self.process.iter().flat_map(|process| &process.threads);
        let cpu_ns = threads.fold(0_u64, |sum, thread| sum.saturating_add(thread.cpu_ns));
        self.unread.read((t_ns, cpu_ns), &self.epoll_sets, sockets, has_room);
    }

    /// For how long no answer has come although requests wait for one, nanoseconds, and how many do: those that
    /// were sent, and those that the server leaves no room for. In a closed loop each connection that is open has
    /// one under way. `None` where none waits, or the run came to its end as it should.
    pub fn silence(&self, closed_loop: bool) -> Option<(u64, u64)> {
        let client = &self.client;
        if self.end.is_some() {
            // What never came was given up.
            let silent_ns = self.client_t_ns.saturating_sub(self.answered_t_ns);
            return (client.errors > 0).then_some((silent_ns, client.errors));
        }
        let settled = client.answered.saturating_add(client.errors);
        let mut waiting = client.sent.saturating_add(client.late).saturating_sub(settled);
        if closed_loop {
            waiting = waiting.max(client.open.into());
        }
        let silent_ns = self.client_t_ns.saturating_sub(self.answered_t_ns);
        (waiting > 0).then_some((silent_ns, waiting))
    }

    /// What happened between the zero and now.
    pub fn deltas(&self) -> &Deltas {
        self.sum.get(|| self.add_up())
    }

    fn add_up(&self) -> Deltas {
        let mut deltas = match (&self.first, &self.process) {
            (Some(first), Some(now)) => Deltas::between(first, now, &self.depths, self.client.answered),
            _ => Deltas { requests: self.client.answered, ..Deltas::default() },
        };
        // Until the last answer: what comes after it is the reading of counters.
        deltas.duration_ns = self.client_t_ns;
        deltas.client_cpu_ns = self.client.cpu_ns;
        deltas.latency_ns.clone_from(&self.client.latency_ns);
        deltas
    }
}
