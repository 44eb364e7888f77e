//! Triggers: what a run is to stop at. Each is one row of [`TRIGGERS`]; a live run freezes at the record that
//! fires, a recorded or frozen one is searched for the next.

use super::words;
use crate::trace::{ClientTotals, Counts, End, ProcessTotals, Record, Run, RunId, Story, Trace, is_eagain};

/// −EINTR and −ETIME: a signal or a time that was up is no error.
const NO_ERRORS: [i64; 2] = [-4, -62];

/// One row of [`TRIGGERS`].
pub struct Trigger {
    /// Its name, as it is typed.
    pub id: &'static str,
    /// Its title on a screen.
    pub title: &'static str,
    /// What it needs to be seen.
    pub needs: &'static str,
    fires: Fires,
}

/// What fires a trigger.
enum Fires {
    /// A record; says what it was.
    At(fn(&Past<'_>, &Record) -> Option<String>),
    /// A rule that begins to hold.
    Insight,
}

/// What came before a record.
struct Past<'t> {
    run: &'t Run,
    /// Where the record stands in it.
    at: usize,
    /// The 99th percentile of the run's latencies, nanoseconds; `None` before any was measured.
    p99_ns: Option<u64>,
}

/// A trigger has fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When, nanoseconds since the trace's zero.
    pub t_ns: u64,
    /// Which of the header's servers.
    pub server: u32,
    /// What it was.
    pub says: String,
}

/// Every trigger there is.
pub const TRIGGERS: &[Trigger] = &[
    Trigger {
        id: "eagain",
        title: "first EAGAIN",
        needs: "a call that answers EAGAIN, in a window",
        fires: Fires::At(eagain),
    },
    Trigger {
        id: "overflow",
        title: "first CQ overflow",
        needs: "the flag CQ_OVERFLOW or the counter in the mapped ring",
        fires: Fires::At(overflow),
    },
    Trigger {
        id: "slow",
        title: "latency above p99",
        needs: "an answer slower than 99 of 100 of the run so far",
        fires: Fires::At(slow),
    },
    Trigger {
        id: "error",
        title: "first error",
        needs: "a call or completion that failed, a connection that was lost, a process that ended",
        fires: Fires::At(error),
    },
    Trigger {
        id: "insight",
        title: "an insight fires",
        needs: "a rule that begins to hold",
        fires: Fires::Insight,
    },
    Trigger {
        id: "aside",
        title: "a thread is put aside",
        needs: "a thread that could go on and lost its processor, in a window under perf",
        fires: Fires::At(aside),
    },
    Trigger {
        id: "asleep",
        title: "the SQPOLL thread sleeps",
        needs: "the flag NEED_WAKEUP in the mapped ring",
        fires: Fires::At(asleep),
    },
    Trigger {
        id: "lost",
        title: "records are lost",
        needs: "a window that lost some",
        fires: Fires::At(lost),
    },
];

/// The trigger of that name.
pub fn by_id(id: &str) -> Option<&'static Trigger> {
    TRIGGERS.iter().find(|trigger| trigger.id == id)
}

/// How far each run of a growing trace was looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// By run: time of the last record that was looked at, nanoseconds since the run's zero.
    until_ns: Vec<u64>,
    /// Rules that had begun to hold.
    found: usize,
}

impl Looked {
    /// All that a trace holds now is old.
    pub fn all(trace: &Trace) -> Self {
        let last = |run: &Run| run.records.last().map_or(0, |(t_ns, _)| *t_ns);
        Self { until_ns: trace.runs().iter().map(last).collect(), found: trace.found().len() }
    }
}

impl Trigger {
    /// The first hit after a time, nanoseconds since the trace's zero.
    pub fn next(&self, trace: &Trace, after_ns: u64) -> Option<Hit> {
        let test = match self.fires {
            Fires::Insight => {
                return trace.found().iter().find(|found| found.t_ns > after_ns).map(hit_of_rule);
            }
            Fires::At(test) => test,
        };
        let hits = trace.runs().iter().filter_map(|run| {
            let from = run.own_ns(after_ns).map_or(0, |own_ns| run.position(own_ns));
            first(run, from, test)
        });
        hits.min_by_key(|hit| hit.t_ns)
    }

    /// The first hit among what has come since the last look.
    pub fn news(&self, trace: &Trace, looked: &mut Looked) -> Option<Hit> {
        let test = match self.fires {
            Fires::Insight => {
                let hit = trace.found().get(looked.found).map(hit_of_rule);
                looked.found = trace.found().len();
                return hit;
            }
            Fires::At(test) => test,
        };
        let mut hits = Vec::new();
        for (index, run) in trace.runs().iter().enumerate() {
            let from = looked.until_ns.get(index).map_or(0, |until_ns| run.position(*until_ns));
            hits.extend(first(run, from, test));
        }
        *looked = Looked::all(trace);
        hits.into_iter().min_by_key(|hit| hit.t_ns)
    }
}

fn hit_of_rule(found: &crate::trace::Found) -> Hit {
    let title = super::insight::by_id(found.id).map_or(found.id, |insight| insight.title);
    Hit { t_ns: found.t_ns, server: found.server, says: format!("{}: {title}", found.id) }
}

fn first(run: &Run, from: usize, test: fn(&Past<'_>, &Record) -> Option<String>) -> Option<Hit> {
    let p99_ns = p99_ns(run);
    run.records.iter().enumerate().skip(from).find_map(|(at, (t_ns, record))| {
        let says = test(&Past { run, at, p99_ns }, record)?;
        Some(Hit { t_ns: run.began_ns.saturating_add(*t_ns), server: run.start.server, says })
    })
}

/// The run's own 99th percentile.
fn p99_ns(run: &Run) -> Option<u64> {
    let mut all = Counts::default();
    run.client_totals().for_each(|(_, client)| all.merge(&client.latency_ns));
    all.quantile(0.99)
}

fn eagain(_: &Past<'_>, record: &Record) -> Option<String> {
    match record {
        Record::Story(Story::Exit { name, result, tid }) if is_eagain(*result) => {
            Some(format!("{name} of thread {tid} answered EAGAIN"))
        }
        Record::Story(Story::Thinned { eagain, .. }) if *eagain > 0 => {
            Some(format!("{eagain} calls answered EAGAIN here; they are no longer kept one by one"))
        }
        _ => None,
    }
}

/// The totals of the process before these.
fn before<'t>(past: &Past<'t>) -> Option<&'t ProcessTotals> {
    let (t_ns, Record::Process(these)) = past.run.records.get(past.at)? else { return None };
    let earlier = |(at_ns, totals): &(u64, &ProcessTotals)| at_ns <= t_ns && !std::ptr::eq(*totals, these);
    past.run
        .process_totals()
        .rev()
        .skip_while(|(at_ns, _)| at_ns > t_ns)
        .find(earlier)
        .map(|(_, totals)| totals)
}

fn overflow(past: &Past<'_>, record: &Record) -> Option<String> {
    let Record::Process(totals) = record else { return None };
    let earlier = before(past);
    totals.rings.iter().find_map(|ring| {
        let earlier = earlier.and_then(|totals| totals.rings.iter().find(|other| other.fd == ring.fd));
        let (seen, counted) = earlier.map_or((0, 0), |ring| (ring.overflow_seen, ring.cq_overflow));
        let more = ring.overflow_seen > seen || ring.cq_overflow > counted;
        more.then(|| {
            format!("the completion queue of fd {} had no room ({} slots)", ring.fd, ring.cq_entries)
        })
    })
}

fn asleep(past: &Past<'_>, record: &Record) -> Option<String> {
    let Record::Process(totals) = record else { return None };
    let earlier = before(past);
    totals.rings.iter().find_map(|ring| {
        let earlier = earlier.and_then(|totals| totals.rings.iter().find(|other| other.fd == ring.fd));
        let fell = ring.asleep_seen > earlier?.asleep_seen;
        fell.then(|| format!("the thread that polls fd {} sleeps and must be woken", ring.fd))
    })
}

fn slow(past: &Past<'_>, record: &Record) -> Option<String> {
    let limit_ns = past.p99_ns?;
    let Record::Client(client) = record else { return None };
    let worst_ns = client.latency_ns.max().filter(|worst_ns| *worst_ns > limit_ns)?;
    Some(format!(
        "an answer took {:.1} µs; 99 of 100 took at most {:.1}",
        worst_ns as f64 / 1e3,
        limit_ns as f64 / 1e3
    ))
}

fn error(past: &Past<'_>, record: &Record) -> Option<String> {
    let failed = |result: i64| result < 0 && !is_eagain(result) && !NO_ERRORS.contains(&result);
    match record {
        Record::Story(Story::Exit { name, result, .. }) if failed(*result) => {
            Some(format!("{name} failed: {}", words::errno(result.unsigned_abs())))
        }
        Record::Story(Story::Cqe { user_data, result, .. }) if failed((*result).into()) => {
            let errno = words::errno(result.unsigned_abs().into());
            Some(format!("the completion of user_data {user_data} failed: {errno}"))
        }
        Record::Client(client) if client.errors > 0 || client.bytes_wrong > 0 => {
            let met = |client: &ClientTotals| client.errors.saturating_add(client.bytes_wrong);
            let t_ns = past.run.records.get(past.at)?.0;
            let earlier = past.run.client_totals().rev().find(|(at_ns, _)| *at_ns < t_ns);
            let now = met(client);
            (now > earlier.map_or(0, |(_, client)| met(client)))
                .then(|| format!("the client met {now} errors or wrong bytes"))
        }
        Record::End { end: end @ (End::ServerGone { .. } | End::ClientFailed { .. }) } => {
            Some(end.to_string())
        }
        _ => None,
    }
}

fn aside(_: &Past<'_>, record: &Record) -> Option<String> {
    match record {
        Record::Story(Story::Off { tid, cpu, preempted: true }) => {
            Some(format!("thread {tid} was put aside on processor {cpu}"))
        }
        _ => None,
    }
}

fn lost(_: &Past<'_>, record: &Record) -> Option<String> {
    match record {
        Record::Window { window, .. } if window.lost > 0 => {
            Some(format!("{} records of a window were lost", window.lost))
        }
        _ => None,
    }
}

/// The run that a hit of this server stands in, by its index.
pub fn run_of(trace: &Trace, hit: &Hit) -> Option<RunId> {
    let covers =
        |run: &Run| run.start.server == hit.server && run.began_ns <= hit.t_ns && run.end_ns() >= hit.t_ns;
    trace.runs().iter().position(covers).and_then(|index| RunId::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::super::spot::tests::trace_of;
    use super::*;
    use crate::trace::{Entry, RingTotals, Rung, Window};

    fn exit(result: i64) -> Record {
        Record::Story(Story::Exit { tid: 7, name: "recvfrom".into(), result })
    }

    fn at(trigger: &str, records: Vec<(u64, Record)>) -> Vec<u64> {
        let trace = trace_of(records);
        let trigger = by_id(trigger).unwrap();
        let mut hits = Vec::new();
        let mut after_ns = 0;
        while let Some(hit) = trigger.next(&trace, after_ns) {
            assert!(!hit.says.is_empty());
            after_ns = hit.t_ns;
            hits.push(hit.t_ns);
        }
        hits
    }

    #[test]
    fn each_row_fires_at_its_record_and_at_no_other() {
        assert_eq!(
            at("eagain", vec![(1, exit(64)), (5, exit(-11)), (7, exit(-104)), (9, exit(-11))]),
            [5, 9]
        );
        assert_eq!(at("error", vec![(1, exit(64)), (5, exit(-11)), (7, exit(-104)), (8, exit(-4))]), [7]);
        let off = |preempted| Record::Story(Story::Off { tid: 7, cpu: 1, preempted });
        assert_eq!(at("aside", vec![(1, off(false)), (5, off(true))]), [5]);
        let window = |lost| Record::Window {
            duration_ns: 1,
            window: Window { rung: Rung::Perf, lost, requests: 1, syscalls: 2 },
        };
        assert_eq!(at("lost", vec![(1, window(0)), (5, window(3))]), [5]);
        let ring = |overflow_seen, asleep_seen| {
            let ring = RingTotals { fd: 4, overflow_seen, asleep_seen, ..RingTotals::default() };
            Record::Process(ProcessTotals { rings: vec![ring], ..ProcessTotals::default() })
        };
        let readings = || vec![(1, ring(0, 8)), (3, ring(0, 8)), (5, ring(2, 8)), (7, ring(2, 9))];
        assert_eq!(at("overflow", readings()), [5]);
        assert_eq!(at("asleep", readings()), [7]);
        let client = |latency_ns: u64, times| {
            let latency_ns = Counts([(latency_ns, times)].into());
            Record::Client(ClientTotals { latency_ns, ..ClientTotals::default() })
        };
        assert_eq!(
            at("slow", vec![(1, client(9_000, 500)), (5, client(90_000, 1)), (7, client(9_000, 50))]),
            [5]
        );
    }

    #[test]
    fn a_live_run_is_looked_through_once() {
        let mut trace = trace_of([(1, exit(-11))]);
        let mut looked = Looked::all(&trace);
        let trigger = by_id("eagain").unwrap();
        assert_eq!(trigger.news(&trace, &mut looked), None, "what was there before is old");
        trace.push(Entry { run: Some(0), t_ns: 6, record: exit(-11) }).unwrap();
        assert_eq!(trigger.news(&trace, &mut looked).map(|hit| hit.t_ns), Some(6));
        assert_eq!(trigger.news(&trace, &mut looked), None);
    }

    #[test]
    fn no_name_is_taken_twice() {
        for (index, one) in TRIGGERS.iter().enumerate() {
            assert!(TRIGGERS[index + 1..].iter().all(|other| other.id != one.id), "{}", one.id);
            assert!(!one.title.is_empty() && !one.needs.is_empty());
        }
    }
}
