//! Runs that are written down: one server, a second long, with just what a rule looks at.

use iolab::trace::{
    ClientTotals, Counts, End, Entry, EpollSet, Header, Interest, Load, Pace, ProcessTotals, Purpose, Record,
    RingTotals, Rung, SCHEMA, Socket, Start, Story, SyscallTotals, ThreadTotals, Trace, Window,
};
use iolab::world::World;

/// A second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// One run of one server.
pub struct Written {
    server: &'static str,
    cpus: u32,
    load: Load,
    duration_ns: u64,
    process: ProcessTotals,
    client: ClientTotals,
    state: Vec<(u64, Record)>,
    story: Vec<Story>,
    windowed: bool,
    lost: u64,
}

/// A second of a server that answered 1000 requests with two system calls each and slept before each.
pub fn run_of(server: &'static str) -> Written {
    let calls = SyscallTotals { rung: Rung::Perf, total: 2000, by_name: Default::default() };
    let process = ProcessTotals { syscalls: Some(calls), ..ProcessTotals::default() };
    let client = ClientTotals { sent: 1000, answered: 1000, ..ClientTotals::default() };
    Written {
        server,
        cpus: 2,
        load: Load::default(),
        duration_ns: SECOND_NS,
        process,
        client,
        state: Vec::new(),
        story: Vec::new(),
        windowed: true,
        lost: 0,
    }
    .thread("iolab", 100_000_000, 1000, 0)
}

impl Written {
    pub fn lasting(mut self, duration_ns: u64) -> Self {
        self.duration_ns = duration_ns;
        self
    }

    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    pub fn connections(mut self, connections: u32) -> Self {
        self.load.connections = connections;
        self
    }

    pub fn message_bytes(mut self, bytes: u32) -> Self {
        self.load.message_bytes = bytes;
        self
    }

    pub fn rate(mut self, per_second: u64) -> Self {
        self.load.pace = Pace::PerSecond(per_second);
        self
    }

    pub fn syscalls(mut self, total: u64) -> Self {
        self.process.syscalls.as_mut().unwrap().total = total;
        self
    }

    /// A thread, instead of one of that name.
    pub fn thread(mut self, comm: &str, cpu_ns: u64, voluntary: u64, involuntary: u64) -> Self {
        self.process.threads.retain(|thread| thread.comm != comm);
        self.process.threads.push(ThreadTotals {
            tid: self.process.threads.len() as u32 + 1,
            comm: comm.into(),
            cpu_ns,
            voluntary_switches: voluntary,
            involuntary_switches: involuntary,
            alive: true,
            ..ThreadTotals::default()
        });
        self
    }

    pub fn ring(mut self, sqes: u64, overflow_seen: u64) -> Self {
        let ring = RingTotals {
            fd: 4,
            cq_entries: 512,
            sq_tail: sqes,
            cq_tail: sqes,
            overflow_seen,
            ..RingTotals::default()
        };
        self.process.rings.push(ring);
        self
    }

    /// The ring's counter of overflows, which nobody sets back.
    pub fn overflowed_before_the_zero(mut self, cq_overflow: u32) -> Self {
        self.process.rings.iter_mut().for_each(|ring| ring.cq_overflow = cq_overflow);
        self
    }

    /// What the client used and what it did not get round to.
    pub fn client(mut self, cpu_ns: u64, late: u64) -> Self {
        (self.client.cpu_ns, self.client.late, self.client.delayed) = (cpu_ns, late, late);
        self
    }

    /// What the client got round to in time, though it was not sent in time.
    pub fn in_time(mut self) -> Self {
        self.client.delayed = 0;
        self
    }

    /// One reading: sockets with that interest and that much in their send queues.
    pub fn sockets(mut self, sockets: &[(u32, u32)]) -> Self {
        let fds = 10..;
        let interest =
            sockets.iter().zip(fds.clone()).map(|((events, _), fd)| Interest { fd, events: *events });
        let sets = vec![EpollSet { fd: 3, interest: interest.collect() }];
        let queues = sockets.iter().zip(fds).map(|((_, send_queue_bytes), fd)| Socket {
            fd,
            send_queue_bytes: *send_queue_bytes,
            ..Socket::default()
        });
        self.state.push((1, Record::EpollSets { sets }));
        self.state.push((1, Record::Sockets { sockets: queues.collect() }));
        self
    }

    /// A reading at that time: one socket with that interest, and so much in its receive and send queues. The
    /// server had used `cpu_ns` by then.
    pub fn queues(mut self, t_ns: u64, cpu_ns: u64, events: u32, receive: u32, send: u32) -> Self {
        let thread = ThreadTotals { tid: 1, comm: "iolab".into(), cpu_ns, ..ThreadTotals::default() };
        let process = ProcessTotals { threads: vec![thread], ..ProcessTotals::default() };
        let sets = vec![EpollSet { fd: 3, interest: vec![Interest { fd: 10, events }] }];
        let (receive_queue_bytes, send_queue_bytes) = (receive, send);
        let socket = Socket { fd: 10, receive_queue_bytes, send_queue_bytes, ..Socket::default() };
        let sockets = vec![socket];
        let records = [Record::Process(process), Record::EpollSets { sets }, Record::Sockets { sockets }];
        self.state.extend(records.map(|record| (t_ns, record)));
        self
    }

    /// Calls counted by name, and no window.
    pub fn by_name(mut self, name: &str, times: u64) -> Self {
        let calls = self.process.syscalls.as_mut().unwrap();
        calls.rung = Rung::PerfUser;
        calls.by_name.insert(name.into(), times);
        self.windowed = false;
        self
    }

    /// A window of calls by one thread: name and answer, so many times.
    pub fn window(mut self, calls: &[(&str, i64, u64)]) -> Self {
        for (name, result, times) in calls {
            for _ in 0..*times {
                self.story.push(Story::Enter { tid: 1, name: (*name).into(), args: [0; 6] });
                self.story.push(Story::Exit { tid: 1, name: (*name).into(), result: *result });
            }
        }
        self
    }

    /// Nobody here asks anything of it: how many requests it answers is not known.
    pub fn unasked(mut self) -> Self {
        self.client = ClientTotals::default();
        self
    }

    /// Further calls of the window: descriptor, second and third argument, answer, so many times.
    pub fn calls(mut self, times: usize, calls: &[(&str, [u64; 3], i64)]) -> Self {
        for _ in 0..times {
            for (name, [first, second, third], result) in calls {
                let (tid, name, args) = (1, (*name).to_owned(), [*first, *second, *third, 0, 0, 0]);
                self.story.push(Story::Enter { tid, name: name.clone(), args });
                self.story.push(Story::Exit { tid, name, result: *result });
            }
        }
        self
    }

    /// A submission of a receive from descriptor 9.
    pub fn asks(mut self, user_data: u64) -> Self {
        let operation = "RECV".to_owned();
        let (ring, fd, len, flags, tid) = (4, 9, 0, 0, None);
        self.story.push(Story::Sqe { ring, operation, fd, len, flags, user_data, tid });
        self
    }

    /// So many completions.
    pub fn completes(mut self, times: usize, user_data: u64, result: i32, flags: u32) -> Self {
        let done = Story::Cqe { ring: 4, user_data, result, flags, tid: None };
        self.story.extend(vec![done; times]);
        self
    }

    /// Records of the window that were lost.
    pub fn lost(mut self, lost: u64) -> Self {
        self.lost = lost;
        self
    }

    /// A reading: one listener at descriptor 7, watched by lists with these events.
    pub fn listener(mut self, lists: &[u32]) -> Self {
        let set =
            |(fd, events): (i32, &u32)| EpollSet { fd, interest: vec![Interest { fd: 7, events: *events }] };
        let sets = (20..).zip(lists).map(set).collect();
        let sockets = vec![Socket { fd: 7, listening: true, ..Socket::default() }];
        self.state.push((1, Record::EpollSets { sets }));
        self.state.push((1, Record::Sockets { sockets }));
        self
    }

    /// A reading: so many connections whose peers are done, with that much in their queues.
    pub fn peers_done(mut self, connections: i32, receive_queue_bytes: u32, send_queue_bytes: u32) -> Self {
        let over =
            |fd| Socket { fd, receive_queue_bytes, send_queue_bytes, peer_done: true, ..Socket::default() };
        let sockets = (10..10 + connections).map(over).collect();
        self.state.push((1, Record::Sockets { sockets }));
        self
    }

    /// A ring in which nothing moved for so many readings: entries queued for a sleeper, completions put off.
    pub fn stands(mut self, stranded: u64, uncollected: u64) -> Self {
        self.process.rings.push(RingTotals { fd: 4, stranded, uncollected, ..RingTotals::default() });
        self
    }

    /// The insights that hold.
    pub fn insights(self) -> Vec<String> {
        let trace = self.trace();
        let world = World::at(&trace, u64::MAX);
        world.servers()[0].insights().into_iter().map(|finding| finding.id).collect()
    }

    fn trace(self) -> Trace {
        let mut trace = Trace::new(self.header());
        let mut push = |run, t_ns, record| trace.push(Entry { run: Some(run), t_ns, record }).unwrap();
        let start = |purpose| Record::Start(Start { server: 0, round: 0, purpose, pid: 1, load: None });
        push(0, 0, start(Purpose::Window));
        let syscalls = self.story.len() as u64 / 2;
        self.story.into_iter().for_each(|story| push(0, 1, Record::Story(story)));
        let requests = if self.client.answered == 0 { 0 } else { 100 };
        let window = Window { rung: Rung::Ptrace, lost: self.lost, requests, syscalls };
        if self.windowed {
            push(0, 2, Record::Window { duration_ns: 2, window });
        }
        push(0, 2, Record::End { end: End::Done });

        push(1, 0, start(Purpose::Measure));
        let mut zero = self.process.clone();
        zero.threads.iter_mut().for_each(|thread| {
            (thread.cpu_ns, thread.voluntary_switches, thread.involuntary_switches) = (0, 0, 0);
        });
        zero.rings.iter_mut().for_each(|ring| {
            *ring = RingTotals { fd: ring.fd, cq_entries: ring.cq_entries, ..RingTotals::default() }
        });
        let calls = zero.syscalls.as_mut().unwrap();
        calls.total = 0;
        calls.by_name.clear();
        push(1, 0, Record::Process(zero));
        self.state.into_iter().for_each(|(t_ns, record)| push(1, t_ns, record));
        let mut latency_ns = Counts::default();
        latency_ns.add(20_000, self.client.answered);
        push(1, self.duration_ns, Record::Client(ClientTotals { latency_ns, ..self.client }));
        push(1, self.duration_ns, Record::Process(self.process));
        push(1, self.duration_ns, Record::End { end: End::Done });
        trace
    }

    fn header(&self) -> Header {
        let capabilities = serde_json::json!({
            "machine": {"kernel": "6.18.0", "cpus": self.cpus, "cpu": "a processor", "virtual": true,
                        "io_uring": true, "rungs": ["proc", "ring", "perf", "ptrace"]},
            "io_uring": {"state": "yes"}, "io_uring_operations": {}, "io_uring_features": {},
            "ring": {"state": "yes"}, "perf": {"state": "yes"}, "perf_user": {"state": "yes"},
            "tracefs": {"state": "yes"}, "ptrace": {"state": "yes"}, "sock": {"state": "yes"},
            "yama_scope": null, "perf_event_paranoid": 2, "memlock_bytes": null, "nofile": [1024, 4096], "uid": 0
        });
        Header {
            schema: SCHEMA.into(),
            capabilities: serde_json::from_value(capabilities).unwrap(),
            load: self.load.clone(),
            servers: vec![self.server.into()],
            syscall_rung: Ok(Rung::Perf),
        }
    }
}
