//! How busy the threads of a server are, reading by reading: spinning, now and then, waiting, asleep.

use super::history::{Ran, Slice};
use super::{Helper, RunWorld};
use crate::trace::ProcessTotals;

/// From this share of a reading on a thread counts as never resting. Less than all: readings do not come at
/// the same instant of the kernel's accounting, and other threads want the processor too.
const SPINNING_FROM: f64 = 0.8;

/// From this share on a thread that was put aside, and never went to sleep, counts as contended. Below it, it
/// may have slept until shortly before the reading.
const CONTENDED_FROM: f64 = 0.1;

/// Up to this share it counts as still: the end of the last piece of work.
const STILL_UP_TO: f64 = 0.01;

/// "Now" is the mean of readings so far back, nanoseconds.
const NOW_NS: u64 = 200_000_000;

/// What a thread did between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// On a processor as good as all the time.
    Spinning,
    /// It never let go of its processor, but others wanted one too: it got this share of the time (0 to 1).
    Contended(f64),
    /// On a processor for this share of the time (0 to 1).
    Partly(f64),
    /// On no processor.
    Waiting,
    /// On no processor, and each look at the ring saw NEED_WAKEUP: it must be woken.
    Asleep,
}

/// One thread of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip<'w> {
    /// Its name.
    pub comm: &'w str,
    /// Its id.
    pub tid: u32,
    /// What it did, oldest first; a moment a reading.
    pub moments: Vec<Moment>,
    /// Its share of one processor just now (0 to 1), and since the run's zero; `None` before it was read
    /// twice.
    pub now: Option<f64>,
    /// The same since the run's zero.
    pub mean: Option<f64>,
}

/// The threads of one server that stand for its waiting.
#[derive(Clone, Debug, PartialEq)]
pub struct Poller<'w> {
    /// The kernel thread that polls the submission queue, where there is one; then the busiest of the
    /// server's own.
    pub strips: Vec<Strip<'w>>,
    /// The server's own threads beside the one that is shown.
    pub others: usize,
    /// Looks at its rings since the run's zero, and those that saw the SQPOLL thread asleep.
    pub asleep: (u64, u64),
    /// Mean time between two of the last readings, nanoseconds.
    pub reading_ns: u64,
}

impl<'w> Poller<'w> {
    /// What the last readings of a run say; `None` when its threads were not read.
    pub fn of(run: &'w RunWorld) -> Option<Self> {
        let threads = run.process.as_ref().map(|process| process.threads.as_slice())?;
        let is = |comm: &str| Helper::of(comm) == Some(Helper::Poller);
        let polling = threads.iter().filter(|thread| is(&thread.comm)).max_by_key(|thread| thread.alive);
        let own = || threads.iter().filter(|thread| thread.tid != 0 && Helper::of(&thread.comm).is_none());
        // Of equals the first: thousands of threads that wait are told by the one that began.
        let busiest = own().rev().max_by_key(|thread| thread.cpu_ns);
        let strips: Vec<_> =
            polling.into_iter().chain(busiest).map(|thread| strip(run, &thread.comm, thread.tid)).collect();
        let from_ns = run.history.from_ns().unwrap_or(0);
        let readings = run.history.slices().count().max(1) as u64;
        (!strips.is_empty()).then(|| Self {
            strips,
            others: own().count().saturating_sub(1),
            asleep: asleep(run),
            reading_ns: run.history.until_ns().saturating_sub(from_ns) / readings,
        })
    }
}

/// Looks at all rings since the zero, and those that saw NEED_WAKEUP.
fn asleep(run: &RunWorld) -> (u64, u64) {
    let seen = |totals: &Option<ProcessTotals>| {
        let rings = totals.iter().flat_map(|totals| &totals.rings);
        rings.fold(0_u64, |sum, ring| sum.saturating_add(ring.asleep_seen))
    };
    let looks = run.depths.values().fold(0_u64, |sum, (sq, _)| sum.saturating_add(sq.samples()));
    (looks, seen(&run.process).saturating_sub(seen(&run.first)))
}

fn strip<'w>(run: &RunWorld, comm: &'w str, tid: u32) -> Strip<'w> {
    let polls = Helper::of(comm) == Some(Helper::Poller);
    let moments = run.history.slices().filter(|slice| slice.to_ns > slice.from_ns);
    let moments = moments.map(|slice| moment(slice, ran(slice, tid), polls)).collect();
    Strip { comm, tid, moments, now: now(run, tid), mean: mean(run, tid) }
}

fn ran(slice: &Slice, tid: u32) -> Ran {
    let place = slice.threads.binary_search_by_key(&tid, |ran| ran.tid);
    place.map_or(Ran::default(), |place| slice.threads[place])
}

fn moment(slice: &Slice, ran: Ran, polls: bool) -> Moment {
    let never_slept = ran.voluntary_switches == 0 && ran.involuntary_switches > 0;
    match share(ran.cpu_ns, slice.to_ns - slice.from_ns) {
        all if all >= SPINNING_FROM => Moment::Spinning,
        part if part >= CONTENDED_FROM && never_slept => Moment::Contended(part),
        part if part > STILL_UP_TO => Moment::Partly(part),
        _ if polls && slice.looks > 0 && slice.asleep >= slice.looks => Moment::Asleep,
        _ => Moment::Waiting,
    }
}

/// Of the last readings, as many as make "now".
fn now(run: &RunWorld, tid: u32) -> Option<f64> {
    let until_ns = run.history.until_ns();
    let (mut cpu, mut from_ns) = (0_u64, None);
    for slice in run.history.slices().rev() {
        cpu = cpu.saturating_add(ran(slice, tid).cpu_ns);
        from_ns = Some(slice.from_ns);
        if until_ns.saturating_sub(slice.from_ns) >= NOW_NS {
            break;
        }
    }
    let length_ns = until_ns.saturating_sub(from_ns?);
    (length_ns > 0).then(|| share(cpu, length_ns))
}

fn mean(run: &RunWorld, tid: u32) -> Option<f64> {
    let find = |totals: &Option<ProcessTotals>| {
        let threads = totals.as_ref().map(|totals| totals.threads.as_slice()).unwrap_or_default();
        threads.iter().find(|thread| thread.tid == tid).map_or(0, |thread| thread.cpu_ns)
    };
    let length_ns = run.history.until_ns();
    let cpu = find(&run.process).saturating_sub(find(&run.first));
    (length_ns > 0).then(|| share(cpu, length_ns))
}

/// A share of one processor. Clocks that are read one after the other may make it a little more than all.
fn share(cpu_ns: u64, length_ns: u64) -> f64 {
    (cpu_ns as f64 / length_ns.max(1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Purpose, Record, RingTotals, Start, ThreadTotals};

    const TICK_NS: u64 = 20_000_000;

    /// A reading: CPU time of the server's thread and of its poller, and (looks, of them asleep) since the
    /// last one.
    struct Reading {
        own_ns: u64,
        poller_ns: Option<u64>,
        looks: (u64, u64),
    }

    fn run(readings: &[Reading]) -> RunWorld {
        let mut run =
            RunWorld::new(Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 11, load: None });
        let mut asleep_seen = 0;
        for (tick, reading) in (0..).zip(readings) {
            let thread = |tid, comm: &str, cpu_ns| {
                let comm = comm.to_owned();
                ThreadTotals { tid, comm, cpu_ns, alive: true, ..ThreadTotals::default() }
            };
            let mut threads = vec![thread(11, "sqpoll", reading.own_ns)];
            threads.extend(reading.poller_ns.map(|cpu_ns| thread(12, "iou-sqp-11", cpu_ns)));
            let (looks, asleep) = reading.looks;
            asleep_seen += asleep;
            let mut ring = RingTotals { fd: 4, asleep_seen, ..RingTotals::default() };
            ring.sq_depth.add(0, looks);
            let rings = if reading.poller_ns.is_some() { vec![ring] } else { Vec::new() };
            run.apply(
                tick * TICK_NS,
                &Record::Process(ProcessTotals { threads, rings, ..Default::default() }),
            );
        }
        run
    }

    #[test]
    fn a_poller_spins_works_in_part_and_sleeps_until_it_is_woken() {
        let polled = |poller_ns, looks| Reading { own_ns: 0, poller_ns: Some(poller_ns), looks };
        let run = run(&[
            polled(0, (5, 0)),
            polled(TICK_NS, (5, 0)),
            polled(TICK_NS + TICK_NS / 4, (5, 3)),
            polled(TICK_NS + TICK_NS / 4, (5, 5)),
            // Still, but the flag was not up at every look: it may just be about to sleep.
            polled(TICK_NS + TICK_NS / 4, (5, 4)),
        ]);
        let poller = Poller::of(&run).unwrap();
        let strip = &poller.strips[0];
        assert_eq!((strip.comm, strip.tid), ("iou-sqp-11", 12));
        use Moment::{Asleep, Partly, Spinning, Waiting};
        assert_eq!(strip.moments, [Spinning, Partly(0.25), Asleep, Waiting]);
        assert_eq!(strip.mean, Some(1.25 / 4.0));
        assert_eq!(poller.asleep, (20, 12), "looks since the zero");
        assert_eq!(poller.reading_ns, TICK_NS);
        let own = &poller.strips[1];
        assert_eq!((own.comm, own.moments.as_slice()), ("sqpoll", [Waiting; 4].as_slice()));
    }

    #[test]
    fn who_is_put_aside_and_never_sleeps_spins_as_far_as_others_let_it() {
        let moment = |cpu_ns, voluntary_switches, involuntary_switches| {
            let ran = Ran { tid: 1, cpu_ns, voluntary_switches, involuntary_switches };
            moment(&Slice { to_ns: 100, ..Slice::default() }, ran, true)
        };
        assert_eq!(moment(50, 0, 3), Moment::Contended(0.5));
        assert_eq!(moment(50, 1, 3), Moment::Partly(0.5), "it went to sleep");
        assert_eq!(moment(50, 0, 0), Moment::Partly(0.5), "it began or ended in between");
        assert_eq!(moment(95, 0, 3), Moment::Spinning);
    }

    #[test]
    fn now_is_the_last_fifth_of_a_second() {
        let own = |own_ns| Reading { own_ns, poller_ns: None, looks: (0, 0) };
        // 20 readings of rest, then 10 of work.
        let readings: Vec<_> = (0..=30_u64).map(|tick| own(tick.saturating_sub(20) * TICK_NS)).collect();
        let run = run(&readings);
        let poller = Poller::of(&run).unwrap();
        assert_eq!(poller.strips.len(), 1, "nobody polls for it");
        assert_eq!((poller.strips[0].now, poller.strips[0].mean), (Some(1.0), Some(1.0 / 3.0)));
    }

    #[test]
    fn of_many_threads_the_busiest_is_shown() {
        let mut run =
            RunWorld::new(Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 1, load: None });
        assert_eq!(Poller::of(&run), None, "nothing was read");
        let thread = |tid| ThreadTotals { tid, cpu_ns: u64::from(tid % 40), ..ThreadTotals::default() };
        let threads: Vec<_> = (0..65).map(thread).collect();
        run.apply(0, &Record::Process(ProcessTotals { threads, ..ProcessTotals::default() }));
        let poller = Poller::of(&run).unwrap();
        assert_eq!((poller.strips[0].tid, poller.others), (39, 63));
        assert_eq!((poller.strips[0].now, poller.strips[0].moments.len()), (None, 0), "read once only");
    }
}
