//! One request, followed through its places: the client, the server's threads, the kernel, and the kernel's own
//! thread that polls a ring. What was seen, what is derived from it, and what nobody has seen.

mod cast;
mod scan;

use std::collections::BTreeSet;

pub use self::cast::Cast;
use self::scan::Scan;
use super::spot::{self, Spot, What};
use super::turns::is_for_waiting;
use super::words::{self, nth};
use super::{Call, RingEntry, SeenEntry};
use crate::servers::{Column, Polls};
use crate::trace::{Run, Rung, Trace};

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the client.
    Client,
    /// In the server's own code, of this thread where that is known.
    User(Option<u32>),
    /// In the kernel.
    Kernel,
    /// In the kernel's thread that polls the submission queue.
    Poller,
}

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// It was seen.
    Seen,
    /// It follows from what was seen.
    Derived,
    /// It happened; when, was not seen.
    TimeNotKnown,
}

/// One step of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it began, nanoseconds since the run's zero.
    pub t_ns: u64,
    /// When it ended, where it lasts.
    pub until_ns: Option<u64>,
    /// Where.
    pub place: Place,
    /// What, in plain words.
    pub says: String,
    /// How sure it is.
    pub sure: Sure,
}

/// A request that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The request, as a spot.
    pub spot: Spot,
    /// Which of the header's servers.
    pub server: u32,
    /// Its title: `request 17 (port 40000, its 3rd)`.
    pub title: String,
    /// The server's descriptor of its connection, and whether that is derived.
    pub fd: Option<(i32, Sure)>,
    /// When it was sent, nanoseconds since the run's zero.
    pub sent_ns: u64,
    /// When the whole answer was there.
    pub answered_ns: Option<u64>,
    /// Its steps in the order of their times.
    pub steps: Vec<Step>,
    /// What is to be said of it: what is derived, what is not known.
    pub remarks: Vec<String>,
    /// Names of the ring entries that were its.
    pub names: BTreeSet<u64>,
    /// Calls that were its: thread and time of entry.
    pub calls: BTreeSet<(u32, u64)>,
    /// Whether times are slowed down by the one who told them.
    pub slowed: bool,
}

impl Followed {
    /// Its places, in the order in which a picture has them.
    pub fn places(&self) -> Vec<Place> {
        let places: BTreeSet<Place> = self.steps.iter().map(|step| step.place).collect();
        places.into_iter().collect()
    }

    /// From when to when it goes, nanoseconds since the run's zero.
    pub fn span_ns(&self) -> (u64, u64) {
        let ends = self.steps.iter().map(|step| step.until_ns.unwrap_or(step.t_ns));
        let last_ns = ends.chain(self.answered_ns).max().unwrap_or(self.sent_ns);
        (self.sent_ns, last_ns.max(self.sent_ns))
    }
}

impl Place {
    /// Its name.
    pub fn words(self) -> String {
        match self {
            Self::Client => "client".into(),
            Self::User(Some(tid)) => format!("thread {tid}"),
            Self::User(None) => "thread".into(),
            Self::Kernel => "kernel".into(),
            Self::Poller => "SQ thread".into(),
        }
    }
}

/// The request that a spot is about: itself, or the one that was under way then on that descriptor or under that
/// name. `None` for an instant, and where no such request is known.
pub fn request_of(trace: &Trace, spot: &Spot) -> Option<Spot> {
    let run = trace.runs().get(spot.run)?;
    let cast = Cast::of(trace, run);
    match spot.what {
        What::Request { .. } => Some(*spot),
        What::Instant => None,
        What::Fd(fd) => request_on(run, &cast, fd, spot),
        What::UserData(name) => request_on(run, &cast, scan::fd_of_name(run, name, spot.t_ns)?, spot),
    }
}

/// The request that was under way on a descriptor at a spot's time.
fn request_on(run: &Run, cast: &Cast<'_>, fd: i32, spot: &Spot) -> Option<Spot> {
    let port = cast.port(fd)?;
    let (t_ns, ordinal) = scan::request_around(run, port, spot.t_ns)?;
    Some(Spot { run: spot.run, t_ns, what: What::Request { port, ordinal } })
}

/// Follows the request that a spot is about.
pub fn follow(trace: &Trace, spot: &Spot) -> Option<Followed> {
    let spot = request_of(trace, spot)?;
    let What::Request { port, ordinal } = spot.what else { return None };
    let run = trace.runs().get(spot.run)?;
    let cast = Cast::of(trace, run);
    let mut scan = Scan::of(run, spot::sent_at(run, &spot)?, port, ordinal);
    if scan.is_nameless {
        scan.name(&Cast::fds_by_name(trace, run));
    }
    let known = cast.fd(port).map(|fd| (fd, Sure::Seen));
    let fd = known.or_else(|| Some((scan.only_fd()?, Sure::Derived)));
    let rung = told_by(run, spot.t_ns);
    let mut story = Teller {
        scan: &scan,
        cast: &cast,
        fd: fd.map(|(fd, _)| fd),
        is_polled: is_polled(trace, run, &cast),
        steps: Vec::new(),
        remarks: Vec::new(),
        names: BTreeSet::new(),
        calls: BTreeSet::new(),
    };
    story.tell();
    let Teller { mut steps, mut remarks, names, calls, .. } = story;
    // What happens at one time keeps the order in which it must have happened.
    steps.sort_by_key(|step| step.t_ns);
    match fd {
        Some((fd, Sure::Derived)) => {
            remarks.insert(0, format!("fd {fd}: derived, the only descriptor that was used meanwhile"));
        }
        None => remarks.insert(0, "which descriptor the connection has was not read".into()),
        Some(_) => {}
    }
    let slowed = rung == Some(Rung::Ptrace);
    if slowed {
        remarks.push("seen under ptrace: the order is exact, times are slowed down".into());
    }
    Some(Followed {
        server: run.start.server,
        title: spot.words(trace),
        spot,
        fd,
        sent_ns: scan.sent_ns,
        answered_ns: scan.answered_ns,
        steps,
        remarks,
        names,
        calls,
        slowed,
    })
}

/// Who told the story at a time.
fn told_by(run: &Run, own_ns: u64) -> Option<Rung> {
    run.landmarks().find_map(|(t_ns, record)| match record {
        crate::trace::Record::Window { window, duration_ns } => {
            let around = (t_ns.saturating_sub(*duration_ns)..=*t_ns).contains(&own_ns);
            around.then_some(window.rung)
        }
        _ => None,
    })
}

fn is_polled(trace: &Trace, run: &Run, cast: &Cast<'_>) -> bool {
    let name = trace.header().servers.get(run.start.server as usize);
    let server = name.and_then(|name| Column::parse(name)).map(|column| column.server);
    server.is_some_and(|server| server.polls == Polls::KernelThread) || cast.has_poller()
}

struct Teller<'s, 't> {
    scan: &'s Scan<'t>,
    cast: &'s Cast<'t>,
    fd: Option<i32>,
    is_polled: bool,
    steps: Vec<Step>,
    remarks: Vec<String>,
    names: BTreeSet<u64>,
    calls: BTreeSet<(u32, u64)>,
}

impl Teller<'_, '_> {
    fn step(&mut self, t_ns: u64, until_ns: Option<u64>, place: Place, says: String, sure: Sure) {
        self.steps.push(Step { t_ns, until_ns, place, says, sure });
    }

    fn tell(&mut self) {
        let sent_ns = self.scan.sent_ns;
        self.step(sent_ns, None, Place::Client, "sends the request".into(), Sure::Seen);
        if let Some(fd) = self.fd {
            let says = format!("fd {fd} has something to read");
            self.step(sent_ns, None, Place::Kernel, says, Sure::Derived);
        }
        let by_ring = self.entries();
        let by_calls = self.calls_on_fd();
        if !by_ring && !by_calls {
            self.turn();
        }
        match self.scan.answered_ns {
            Some(t_ns) => {
                self.step(t_ns, None, Place::Client, "has the whole answer".into(), Sure::Seen);
            }
            None => self.remarks.push("no answer was noted as far as the story goes".into()),
        }
    }

    /// Calls that name the descriptor, and the wait that ended with it. Whether there are any.
    fn calls_on_fd(&mut self) -> bool {
        let Some(fd) = self.fd else { return false };
        let scan = self.scan;
        let own: Vec<_> = scan.calls.iter().filter(|call| scan.is_within(call, Some(fd))).collect();
        if let Some(first) = own.first() {
            self.wait_before(first.tid, first.t_ns);
        }
        for call in &own {
            self.call(call);
        }
        !own.is_empty()
    }

    fn call(&mut self, call: &Call) {
        self.calls.insert((call.tid, call.t_ns));
        let waited = call.t_ns < self.scan.sent_ns;
        let place = if waited { Place::User(Some(call.tid)) } else { Place::Kernel };
        let says = match (waited, call.result) {
            (true, _) => format!("{} returns: {}", call.name, words::answer(call)),
            (false, _) => words::sentence(call),
        };
        match (waited, call.until_ns) {
            (true, Some(until_ns)) => self.step(until_ns, None, place, says, Sure::Seen),
            (_, until_ns) => self.step(call.t_ns, until_ns, place, says, Sure::Seen),
        }
    }

    /// The wait of a thread that ended with the request, as the last one before it went to work.
    fn wait_before(&mut self, tid: u32, work_ns: u64) {
        let scan = self.scan;
        let is_it = |call: &&Call| {
            let back = call.until_ns.is_some_and(|back_ns| back_ns >= scan.sent_ns && back_ns <= work_ns);
            call.tid == tid && back && is_for_waiting(&call.name, &call.args)
        };
        if let Some((call, back_ns)) =
            scan.calls.iter().rev().find(is_it).and_then(|call| Some((call, call.until_ns?)))
        {
            self.calls.insert((call.tid, call.t_ns));
            let says = format!("{} returns: {}", call.name, words::answer(call));
            self.step(back_ns, None, Place::User(Some(tid)), says, Sure::Seen);
        }
    }

    /// Entries of rings that are about the descriptor, and the calls at whose edges they stood. Whether there are
    /// any.
    fn entries(&mut self) -> bool {
        let scan = self.scan;
        let linked: Vec<_> = self.fd.map(|fd| scan.entries_of(fd).collect()).unwrap_or_default();
        // Whose entries are that name no descriptor is certain only where there is one request.
        let is_guess = linked.is_empty() && scan.is_nameless && scan.is_alone;
        let own: Vec<_> = if is_guess { scan.entries_meanwhile().collect() } else { linked };
        if own.is_empty() {
            return false;
        }
        for seen in &own {
            self.names.insert(seen.entry.user_data);
            let says = words::entry(&seen.entry);
            let t_ns = seen.entry.t_ns;
            match (&seen.entry.seen, seen.tid) {
                (SeenEntry::Sqe { .. }, Some(tid)) if self.cast.is_helper(tid) => {
                    self.step(t_ns, None, Place::Poller, format!("takes {says}"), Sure::Seen);
                }
                (SeenEntry::Sqe { .. }, tid) => {
                    let tid = tid.or_else(|| scan.thread_at(t_ns));
                    self.step(t_ns, None, Place::User(tid), format!("hands over {says}"), Sure::Seen);
                    if self.is_polled {
                        let says = format!("takes SQE {}: it makes no call", seen.entry.user_data);
                        self.step(t_ns, None, Place::Poller, says, Sure::TimeNotKnown);
                    }
                }
                (SeenEntry::Cqe { .. }, Some(tid)) if self.cast.is_helper(tid) => {
                    self.step(t_ns, None, Place::Poller, format!("publishes {says}"), Sure::Seen);
                }
                (SeenEntry::Cqe { .. }, _) => {
                    self.step(t_ns, None, Place::Kernel, format!("publishes {says}"), Sure::Seen);
                }
            }
        }
        if self.is_polled && self.steps.iter().any(|step| step.sure == Sure::TimeNotKnown) {
            self.remarks
                .push("the SQ thread makes no call: that it took the SQE is certain, when is not".into());
        }
        if is_guess {
            let says = "whose entries these are is derived: no other request was under way";
            self.remarks.push(says.into());
        } else if scan.is_nameless {
            self.remarks.push(
                "whose entries these are is derived: a window under ptrace saw which descriptor each user_data is about"
                    .into(),
            );
        } else if scan.edges_only {
            self.remarks
                .push("entries of rings were seen at the edges of calls, not when they were written".into());
        }
        self.enters(&own);
        true
    }

    /// The calls into the ring between the request and its answer.
    fn enters(&mut self, own: &[&scan::Seen]) {
        let scan = self.scan;
        let until_ns = own.iter().map(|seen| seen.entry.t_ns).max().unwrap_or(scan.end_ns());
        let until_ns = until_ns.max(scan.end_ns());
        let enters = scan.calls.iter().filter(|call| call.name == "io_uring_enter");
        for call in enters.filter(|call| scan.overlaps(call, until_ns)) {
            self.call(call);
        }
    }

    /// Neither a call nor an entry names the connection: what the server did between request and answer.
    fn turn(&mut self) {
        let scan = self.scan;
        let end_ns = scan.end_ns();
        let between: Vec<_> = scan.calls.iter().filter(|call| scan.overlaps(call, end_ns)).collect();
        match between.len() {
            0 => self.remarks.push("no call of the server's was seen between request and answer".into()),
            _ => self.remarks.push(
                "no call and no entry that was seen names this connection: these calls came in its time, and may \
                 be about others"
                    .into(),
            ),
        }
        /// More than these are no story of one request.
        const CALLS_MAX: usize = 12;
        for call in between.iter().take(CALLS_MAX) {
            self.call(call);
        }
        if between.len() > CALLS_MAX {
            self.remarks.push(format!("and {} calls more", between.len() - CALLS_MAX));
        }
    }
}

/// The ordinal of a request in words, for a title.
pub fn which(ordinal: u64) -> String {
    nth(ordinal.saturating_add(1))
}

#[cfg(test)]
mod tests;
