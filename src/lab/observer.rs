//! The thread that watches one server or trial: rings every 4 ms, totals every 20 ms (100 ms in a closed loop),
//! state twice a second, that of a trial at every look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::recorder::Recorder;
use crate::probe::{self, clock};
use crate::trace::{Layer, Pace, Probing, ProcessTotals, Record, Refusal, RunId, Rung, SyscallTotals};

/// Between two looks at the rings. A look costs nanoseconds, but waking for it tens of microseconds on a virtual
/// machine: at 1 ms that was 5 % of a processor.
const LOOK: Duration = Duration::from_millis(4);

/// Between two totals of a paced run, nanoseconds.
const TOTALS_NS: u64 = 20_000_000;

/// Between two totals in a closed loop, nanoseconds: reading a counter interrupts the server on its processor,
/// and there it has no time to spare.
const TOTALS_AT_MAX_NS: u64 = 100_000_000;

/// Threads that may be written down in each interval between totals.
const THREADS_PER_INTERVAL: u64 = 64;

/// Between two readings of interest lists and queues, nanoseconds. sock_diag walks all sockets of the machine.
const STATE_NS: u64 = 500_000_000;

/// The same for a trial, whose rings and interest lists may live for some tens of milliseconds only.
const STATE_OF_TRIAL_NS: u64 = 0;

/// The probes attached to one process.
pub struct Probes {
    threads: Option<probe::proc::Threads>,
    rings: Option<probe::ring::Rings>,
    counters: Option<probe::perf::Counters>,
    /// What a tracer has counted, where one stops the process all the time.
    stops: Option<Arc<AtomicU64>>,
    epoll_sets: Option<probe::epoll_set::EpollSets>,
    sockets: Option<probe::sock::Sockets>,
    /// Rungs that were wanted and refused.
    pub refused: Vec<(Rung, Refusal)>,
    cpu_ns: u64,
    totals_ns: u64,
    state_ns: u64,
    pid: u32,
}

impl Probes {
    /// Attaches to a process whose rings exist already. `counters` were opened before its exec.
    pub fn attach(
        pid: u32,
        has_ring: bool,
        probing: Probing,
        pace: Pace,
        counters: Option<Result<probe::perf::Counters, (Rung, Refusal)>>,
    ) -> Self {
        let mut refused = Vec::new();
        let counters = counters.and_then(|counters| counters.map_err(|why| refused.push(why)).ok());
        let mut keep = |rung, why| refused.push((rung, why));
        let threads = probe::proc::Threads::open(pid).map_err(|why| keep(Rung::Proc, why)).ok();
        let rings = has_ring.then(|| rings(pid, probing).map_err(|why| keep(Rung::Ring, why)).ok()).flatten();
        let epoll_sets = (!has_ring)
            .then(|| probe::epoll_set::EpollSets::open(pid).map_err(|why| keep(Rung::EpollSet, why)).ok())
            .flatten();
        let sockets = probe::sock::Sockets::open(pid).map_err(|why| keep(Rung::Sock, why)).ok();
        let totals_ns = if pace == Pace::Max { TOTALS_AT_MAX_NS } else { TOTALS_NS };
        Self {
            threads,
            rings,
            counters,
            stops: None,
            epoll_sets,
            sockets,
            refused,
            cpu_ns: 0,
            totals_ns,
            state_ns: STATE_NS,
            pid,
        }
    }

    /// Attaches to the process of a trial, which makes its rings and interest lists while it is watched.
    pub fn of_trial(
        pid: u32,
        has_ring: bool,
        probing: Probing,
        counters: Option<Result<probe::perf::Counters, (Rung, Refusal)>>,
    ) -> Self {
        let mut probes = Self::attach(pid, has_ring, probing, Pace::Max, counters);
        if probes.epoll_sets.is_none() {
            probes.epoll_sets = probe::epoll_set::EpollSets::open(pid).ok();
        }
        Self { totals_ns: TOTALS_NS, state_ns: STATE_OF_TRIAL_NS, ..probes }
    }

    /// Everything, exactly: at quiescence, when nothing moves between two readings.
    pub fn totals_exactly(&mut self) -> ProcessTotals {
        if let Some(threads) = &mut self.threads {
            let _ = threads.sample_all();
        }
        self.collect()
    }

    /// Why a ring that is there could not be read.
    pub fn ring_refused(&self) -> Option<Refusal> {
        let rings = self.rings.as_ref().filter(|rings| rings.is_empty())?;
        rings.unreadable().first().map(|(_, refusal)| refusal.clone())
    }

    /// The descriptor of its ring, where it has one and no other.
    pub fn only_ring(&self) -> Option<i32> {
        let mut fds = self.rings.as_ref()?.fds();
        fds.next().filter(|_| fds.next().is_none())
    }

    /// Processor time that the server's own threads have used, nanoseconds; 0 where it cannot be read.
    pub fn cpu_ns_of_server(&mut self) -> u64 {
        let threads = self.threads.as_mut().and_then(|threads| threads.sample_all().ok()).unwrap_or_default();
        threads.iter().fold(0, |sum, thread| sum.saturating_add(thread.cpu_ns))
    }

    /// Everything, as cheaply as it goes.
    fn totals(&mut self) -> ProcessTotals {
        if let Some(threads) = &mut self.threads {
            let _ = threads.sample();
        }
        self.collect()
    }

    /// Between two totals, nanoseconds: longer where there are thousands of threads to write down.
    fn totals_interval_ns(&self) -> u64 {
        let threads = self.threads.as_ref().map_or(0, |threads| threads.totals().len() as u64);
        self.totals_ns * (1 + threads / THREADS_PER_INTERVAL)
    }

    fn collect(&mut self) -> ProcessTotals {
        let (user_ns, kernel_ns) =
            self.threads.as_mut().map(probe::proc::Threads::times_ns).unwrap_or_default();
        ProcessTotals {
            user_ns,
            kernel_ns,
            threads: self.threads.as_ref().map(|threads| threads.totals().to_vec()).unwrap_or_default(),
            rings: self.rings.as_mut().map(probe::ring::Rings::totals).unwrap_or_default(),
            syscalls: self.syscalls(),
            probe_cpu_ns: self.cpu_ns,
        }
    }

    /// Until the next look at the entries of rings, where they are read.
    fn mirror_pause(&self) -> Option<Duration> {
        self.rings.as_ref().and_then(probe::ring::Rings::pause)
    }

    /// A tracer has begun to stop the process at each call: where no counter is allowed its count stands in.
    pub fn is_stopped_by(&mut self, calls: Arc<AtomicU64>) {
        self.stops = Some(calls);
    }

    fn syscalls(&mut self) -> Option<SyscallTotals> {
        if let Some(counters) = &mut self.counters {
            return counters.totals().ok();
        }
        let total = self.stops.as_ref()?.load(Ordering::Relaxed);
        Some(SyscallTotals { rung: Rung::Ptrace, total, by_name: BTreeMap::new() })
    }

    /// Interest lists and queues; rings that came or went since the last look are followed.
    pub fn state(&mut self) -> Vec<Record> {
        if let Some(rings) = &mut self.rings {
            // Fails when the process has ended, which the lane hears of by itself.
            let _ = rings.rescan();
            // A way that is forbidden shows only when a ring is there to be tried.
            if rings.is_empty()
                && !rings.unreadable().is_empty()
                && let Ok(again) = probe::ring::Rings::open(self.pid)
            {
                *rings = again;
            }
        }
        let sets = self.epoll_sets.as_mut().and_then(|sets| sets.read().ok()).unwrap_or_default();
        let sockets = self.sockets.as_mut().and_then(|sockets| sockets.read().ok()).unwrap_or_default();
        let sets = (!sets.is_empty()).then_some(Record::EpollSets { sets });
        let sockets = (!sockets.is_empty()).then_some(Record::Sockets { sockets });
        sets.into_iter().chain(sockets).collect()
    }
}

fn rings(pid: u32, probing: Probing) -> Result<probe::ring::Rings, Refusal> {
    match probing.allows(Rung::Ring) {
        true => {
            let mut rings = probe::ring::Rings::open(pid)?;
            // Who asks for rings alone gets all that can be seen of them.
            if probing == Probing::Ring {
                rings.mirror();
            }
            match rings.unreadable().first() {
                Some((_, refusal)) if rings.is_empty() => Err(refusal.clone()),
                _ => Ok(rings),
            }
        }
        false => Err(Refusal {
            layer: Layer::Limit,
            says: "--probe leaves the rings out".into(),
            try_this: "--probe auto".into(),
        }),
    }
}

/// A watch under way.
pub struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Probes>,
}

impl Watch {
    /// Watches from `zero_ns` on.
    pub fn start(probes: Probes, recorder: Arc<Recorder>, run: RunId, zero_ns: u64) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || watch(probes, &recorder, run, zero_ns, &stopped));
        Self { stop, thread }
    }

    /// Ends it and gives the probes back; `None` if the thread failed.
    pub fn end(self) -> Option<Probes> {
        let _ = self.stop.send(());
        self.thread.join().ok()
    }
}

fn watch(
    mut probes: Probes,
    recorder: &Recorder,
    run: RunId,
    zero_ns: u64,
    stopped: &Receiver<()>,
) -> Probes {
    let before_ns = probes.cpu_ns;
    let (mut totals_ns, mut state_ns) = (zero_ns, zero_ns);
    let pause = match &probes.rings {
        None if probes.state_ns >= TOTALS_NS => Duration::from_nanos(TOTALS_NS),
        _ => LOOK,
    };
    if probes.mirror_pause().is_some() {
        probe::ring::wake_in_time();
    }
    while stopped.recv_timeout(probes.mirror_pause().unwrap_or(pause)) == Err(RecvTimeoutError::Timeout) {
        let now_ns = clock::monotonic_ns();
        let t_ns = now_ns.saturating_sub(zero_ns);
        // The state first: what it says of the process belongs to the totals that follow.
        if now_ns >= state_ns + probes.state_ns {
            state_ns = now_ns;
            let state = probes.state();
            recorder.push(run, state.into_iter().map(|record| (t_ns, record)));
        }
        if let Some(rings) = &mut probes.rings {
            rings.look(&mut |_, _| {});
        }
        if now_ns >= totals_ns + probes.totals_interval_ns() {
            totals_ns = now_ns;
            probes.cpu_ns = before_ns + clock::thread_cpu_ns();
            let totals = probes.totals();
            recorder.push(run, [(t_ns, Record::Process(totals))]);
        }
    }
    probes.cpu_ns = before_ns + clock::thread_cpu_ns();
    probes
}
