//! One server, all its runs together: what faces show side by side.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Deltas, Measured, MetricId, RunWorld, WindowView, World, insight};
use crate::servers::{Column, Server, TracedFrom};
use crate::trace::{Counts, End, Header, Load, Machine, Purpose, Refusal, Rung};
use crate::trials::{self, Trial};

/// A server in a world.
#[derive(Clone, Debug)]
pub struct ServerView<'w> {
    /// Its name.
    pub name: &'w str,
    /// Its row in the table; `None` for a name this iolab does not know.
    pub server: Option<&'static Server>,
    /// Where the tracer sits that stops it at each call, if one does: then its switches, times and throughput are
    /// that tracer's doing.
    pub traced: Option<TracedFrom>,
    /// Its row in the table of trials, where it is one: then there is no client, and no load.
    pub trial: Option<&'static Trial>,
    /// The trace's header.
    pub header: &'w Header,
    /// Its load as it stands: that of its latest run.
    load: &'w Load,
    /// Its measured rounds under this load.
    pub rounds: Vec<&'w RunWorld>,
    /// All rounds added up.
    pub sum: Cow<'w, Deltas>,
    /// Its windows under this load added up.
    pub window: Cow<'w, WindowView>,
    /// All its runs, of every purpose and under every load.
    pub runs: Vec<&'w RunWorld>,
}

impl<'w> ServerView<'w> {
    pub(super) fn new(world: &'w World<'_>, index: u32) -> Self {
        let name = world.header.servers[index as usize].as_str();
        let runs: Vec<_> =
            world.runs.iter().map(Arc::as_ref).filter(|run| run.start.server == index).collect();
        let load = runs.last().map_or(&world.header.load, |run| load_of(run, world.header));
        Self::of(name, world.header, runs, load)
    }

    /// What of these runs belongs to a load.
    fn of(name: &'w str, header: &'w Header, runs: Vec<&'w RunWorld>, load: &'w Load) -> Self {
        let now = || runs.iter().copied().filter(|run| load_of(run, header) == load);
        let is_measured = |purpose| matches!(purpose, Purpose::Measure | Purpose::Observe);
        let rounds: Vec<_> = now().filter(|run| is_measured(run.start.purpose)).collect();
        let window = windows(now());
        let trial = trials::by_name(name);
        let mut sum = sum(&rounds);
        if trial.is_some() || runs.iter().any(|run| run.is_observed()) {
            // No client says where it ends: its last record does.
            let lasted = |round: &&RunWorld| round.t_ns.saturating_sub(round.first_t_ns);
            sum.to_mut().duration_ns = rounds.iter().fold(0, |sum, round| sum.saturating_add(lasted(round)));
        }
        Self {
            name,
            load,
            server: Column::parse(name).map(|column| column.server),
            traced: Column::parse(name).and_then(|column| column.traced),
            trial,
            header,
            sum,
            window,
            rounds,
            runs,
        }
    }

    /// The same server under each load that it was measured under, in the order they came.
    pub fn by_load(&self) -> Vec<Self> {
        let mut loads: Vec<&Load> = Vec::new();
        for run in self.runs.iter().filter(|run| run.start.purpose == Purpose::Measure) {
            let load = load_of(run, self.header);
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        let under = |load| Self::of(self.name, self.header, self.runs.clone(), load);
        loads.into_iter().map(under).collect()
    }

    /// Whether it is a process of a program that nobody here wrote.
    pub fn is_observed(&self) -> bool {
        self.runs.iter().any(|run| run.is_observed())
    }

    /// The process whose counters of system calls hold those of this one, if they are not its own.
    pub fn counted_with(&self) -> Option<u32> {
        self.latest()?.program.as_ref()?.counted_with
    }

    /// Whether its numbers are totals: nobody asks anything of it that they could be divided by.
    pub fn tells_totals(&self) -> bool {
        self.trial.is_some() || self.is_observed()
    }

    /// The load: that of its latest run.
    pub fn load(&self) -> &'w Load {
        self.load
    }

    /// The machine.
    pub fn machine(&self) -> &'w Machine {
        &self.header.capabilities.machine
    }

    /// A metric over all rounds, with their spread; `None` where it does not apply to this server. What a
    /// window told has no spread: there is one.
    pub fn metric(&self, id: MetricId) -> Option<Measured> {
        let all = id.of(self, &self.sum)?;
        if all.rung() == Some(Rung::Ptrace) || self.rounds.len() < 2 {
            return Some(all);
        }
        let rounds: Vec<_> =
            self.rounds.iter().filter_map(|round| id.of(self, round.deltas())?.value()).collect();
        Some(all.with_spread_of(&rounds))
    }

    /// The latest run of any purpose, whose state is what stands in the kernel now.
    pub fn latest(&self) -> Option<&'w RunWorld> {
        self.rounds.last().or(self.runs.last()).copied()
    }

    /// The latest run with a window, as far as it has told: its times are of one zero.
    pub fn last_window(&self) -> Option<&'w RunWorld> {
        let told = |run: &&&RunWorld| run.window.rung.is_some() || !run.window.calls.is_empty();
        self.runs.iter().rev().find(told).copied()
    }

    /// Who told what is shown of its story one by one; `None` where nobody has yet.
    pub fn story_rung(&self) -> Option<Rung> {
        self.last_window().and_then(|run| run.window.rung)
    }

    /// Why the whole server could not run, if so.
    pub fn refused(&self) -> Option<&'w Refusal> {
        self.runs.iter().find_map(|run| match &run.end {
            Some(End::Refused { refusal }) => Some(refusal),
            _ => None,
        })
    }

    /// Why a rung gave nothing.
    pub fn refusal_of(&self, rung: Rung) -> Option<&'w Refusal> {
        self.runs.iter().find_map(|run| run.refused.get(&rung))
    }

    /// All latencies of the measured rounds.
    pub fn latency_ns(&self) -> &Counts {
        &self.sum.latency_ns
    }

    /// Whether it uses rings.
    pub fn has_ring(&self) -> bool {
        match (self.server, self.trial) {
            (Some(server), _) => server.io_uring,
            (None, Some(trial)) => trial.io_uring,
            (None, None) => !self.sum.rings.is_empty(),
        }
    }

    /// System calls by name, of a server for each request, of a trial in all: counted where a rung counts by name
    /// at full speed, else from the windows.
    pub fn syscalls_by_name(&self) -> BTreeMap<String, Measured> {
        let (names, requests, rung) = match (self.sum.syscalls, self.window.rung) {
            (Some(counted), _) if !self.sum.by_name.is_empty() => {
                (&self.sum.by_name, counted.requests, counted.rung)
            }
            (_, Some(rung)) => (&self.window.by_name, self.window.requests, rung),
            _ => return BTreeMap::new(),
        };
        let each = |count: &u64| match (self.tells_totals(), requests) {
            (true, _) => Measured::known(*count as f64, rung),
            (false, 0) => Measured::unknown("nothing was answered yet"),
            (false, _) => Measured::known(*count as f64 / requests as f64, rung),
        };
        names.iter().map(|(name, count)| (name.clone(), each(count))).collect()
    }

    /// What is to be said of names that add up to another number of calls than were counted at full speed.
    pub fn remark_on_names(&self) -> Option<&'static str> {
        /// Fewer by so much.
        const APART: f64 = 1.5;
        // A window at full speed goes round as often as the server does.
        if self.window.rung != Some(Rung::Ptrace) {
            return None;
        }
        let counted = self.sum.syscalls.filter(|_| self.sum.by_name.is_empty())?;
        let window = &self.window;
        let each = |calls: u64, requests: u64| match self.tells_totals() {
            true => calls as f64,
            false => calls as f64 / requests.max(1) as f64,
        };
        let (free, seen) = (each(counted.calls, counted.requests), each(window.syscalls, window.requests));
        let whole = window.rung.is_some() && window.cut_after.is_none();
        (whole && seen > 0.0 && free / seen > APART)
            .then_some("in a window under ptrace: slowed down, it goes round fewer times")
    }

    /// The rungs that gave something.
    pub fn rungs(&self) -> Vec<Rung> {
        let latest = self.latest();
        let rungs = [
            (Rung::Proc, !self.sum.threads.is_empty()),
            (Rung::EpollSet, latest.is_some_and(|run| !run.epoll_sets.is_empty())),
            (Rung::Sock, latest.is_some_and(|run| !run.sockets.is_empty())),
            (Rung::Ring, !self.sum.rings.is_empty()),
        ];
        let counted = self.sum.syscalls.map(|counted| counted.rung);
        let rungs = rungs.into_iter().filter(|(_, gave)| *gave).map(|(rung, _)| rung);
        let told = self.window.rung.filter(|rung| Some(*rung) != counted);
        rungs.chain(counted).chain(told).collect()
    }

    /// Requests per second with probes as a share of without, with the spread of the rounds.
    pub fn throughput_share(&self) -> Option<Measured> {
        let rate = |deltas: &Deltas| deltas.requests as f64 / deltas.duration_ns.max(1) as f64;
        let unobserved: Vec<_> =
            self.runs.iter().filter(|run| run.start.purpose == Purpose::Unobserved).collect();
        let shares: Vec<_> = self
            .rounds
            .iter()
            .zip(&unobserved)
            .map(|(with, without)| rate(with.deltas()) / rate(without.deltas()))
            .filter(|share| share.is_finite())
            .collect();
        let mut sorted = shares.clone();
        sorted.sort_by(f64::total_cmp);
        let median = *sorted.get(sorted.len() / 2)?;
        Some(Measured::known(median, Rung::Client).with_spread_of(&shares))
    }

    /// What it said on stderr; what it says in every round stands here once.
    pub fn said(&self) -> Vec<&'w str> {
        let mut said = Vec::new();
        for line in self.runs.iter().flat_map(|run| &run.said) {
            if !said.contains(&line.as_str()) {
                said.push(line);
            }
        }
        said
    }

    /// Ends of runs that are troubles.
    pub fn troubles(&self) -> impl Iterator<Item = &'w End> {
        self.runs.iter().filter_map(|run| run.end.as_ref()).filter(|end| {
            !matches!(end, End::Done | End::Stopped | End::Frozen | End::Changed | End::Exited { .. })
        })
    }

    /// Whether it was stopped on request before all was done.
    pub fn is_stopped(&self) -> bool {
        self.runs.iter().any(|run| run.end == Some(End::Stopped))
    }

    /// Whether its latest run has begun and not ended.
    pub fn is_under_way(&self) -> bool {
        self.runs.last().is_some_and(|run| run.end.is_none())
    }

    /// The insights that hold. Of a server that is stopped at each call none is drawn: what it does is its tracer's
    /// doing.
    pub fn insights(&self) -> Vec<insight::Finding> {
        if self.traced.is_some() { Vec::new() } else { insight::findings(self) }
    }

    /// What has to be said of a server that is stopped at each call: whose its switches are, and what is left of its
    /// throughput beside the one that nobody stops, where `others` has it. `hides` its number of switches, where
    /// somebody has still to say how many there will be.
    pub fn burden(&self, others: &[ServerView<'_>], hides: bool) -> Option<String> {
        let from = match self.traced? {
            TracedFrom::Same => "traced from the same processor",
            TracedFrom::Other => "traced from another processor",
        };
        if self.refused().is_some() {
            return None;
        }
        let value = |view: &ServerView<'_>, id: MetricId| view.metric(id).and_then(|told| told.value());
        let switches = match value(self, MetricId::VoluntarySwitchesPerSyscall).filter(|_| !hides) {
            Some(switches) => format!("its {} switches per call are the tracer's", rounded(switches)),
            None => "its switches are the tracer's".to_owned(),
        };
        let free = others.iter().find(|other| is_untraced(other.name, self.name));
        let free = free.and_then(|other| Some((other, value(other, MetricId::RequestsPerSecond)?)));
        let left = free.zip(value(self, MetricId::RequestsPerSecond)).filter(|((_, free), _)| *free > 0.0);
        let left = left.map(|((other, free), mine)| {
            format!("; it answers {} of what {} answers", share(mine / free), other.name)
        });
        Some(format!("{from}: {switches}{}", left.unwrap_or_default()))
    }
}

/// Whether a column is another one without its tracer.
fn is_untraced(name: &str, traced: &str) -> bool {
    traced.split_once('+').is_some_and(|(untraced, _)| untraced == name)
}

/// A number with as many digits as tell: `2.000`.
fn rounded(number: f64) -> String {
    format!("{number:.3}")
}

/// A share in per cent: `18 %`, `0.9 %`.
fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// The load of a run.
fn load_of<'w>(run: &'w RunWorld, header: &'w Header) -> &'w Load {
    run.start.load.as_ref().unwrap_or(&header.load)
}

/// All of them added up; one alone is not copied.
fn sum<'w>(runs: &[&'w RunWorld]) -> Cow<'w, Deltas> {
    if let [only] = runs {
        return Cow::Borrowed(only.deltas());
    }
    let mut sum = Deltas::default();
    runs.iter().for_each(|run| sum.add(run.deltas()));
    Cow::Owned(sum)
}

/// Likewise of windows; most runs have none. Counts are those of windows from rest to rest where there are any: they
/// hold all calls of their requests and no other. What is shown one by one is of the latest window of all.
fn windows<'w>(all: impl Iterator<Item = &'w RunWorld>) -> Cow<'w, WindowView> {
    let nothing = WindowView::default();
    let told: Vec<_> = all.filter(|run| run.window != nothing).collect();
    if let [only] = told[..] {
        return Cow::Borrowed(&only.window);
    }
    let from_rest_to_rest = |run: &&&RunWorld| run.start.purpose == Purpose::Window;
    let whole = told.iter().any(|run| from_rest_to_rest(&run));
    let mut window = nothing;
    told.iter().filter(|run| !whole || from_rest_to_rest(run)).for_each(|run| window.merge(&run.window));
    if let Some(last) = told.last().filter(|last| whole && !from_rest_to_rest(last)) {
        window.show(&last.window);
        window.lost = told.iter().fold(0, |sum, run| sum.saturating_add(run.window.lost));
    }
    Cow::Owned(window)
}
