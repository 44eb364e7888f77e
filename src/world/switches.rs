//! The map of context switches: a column a thread, a row a stretch of time.

use std::collections::BTreeMap;

use super::RunWorld;
use super::history::{SPAN_NS, Slice};
use crate::trace::ThreadTotals;

/// Lengths that a row may have, nanoseconds: those that people count in.
const LENGTHS_NS: [u64; 9] = [
    50_000_000,
    100_000_000,
    200_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Readings that a row holds at least in the mean, so that none is empty because a reading came late.
const READINGS_IN_A_ROW: u64 = 2;

/// The stretches of time that the rows of a map stand for: the same ones for all servers, counted from the
/// runs' zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretches {
    /// Length of each, nanoseconds.
    pub length_ns: u64,
    /// The first one that is told.
    first: u64,
    /// The last one; it may still be under way.
    last: u64,
}

impl Stretches {
    /// Stretches that tell the last readings of these runs in at most so many rows; `None` before there is
    /// anything to tell.
    pub fn of<'r>(runs: impl Iterator<Item = &'r RunWorld>, rows: usize) -> Option<Self> {
        let read = |run: &'r RunWorld| Some((run.history.from_ns()?, &run.history));
        let read: Vec<_> = runs.filter_map(read).collect();
        let from_ns = read.iter().map(|(from_ns, _)| *from_ns).min()?;
        let until_ns = read.iter().map(|(_, history)| history.until_ns()).max()?;
        let spans_ns = || read.iter().map(|(from_ns, history)| history.until_ns().saturating_sub(*from_ns));
        let readings = read.iter().map(|(_, history)| history.slices().count().max(1) as u64);
        let reading_ns = spans_ns().zip(readings).map(|(span_ns, readings)| span_ns / readings).max()?;
        let rows = u64::try_from(rows.max(1)).unwrap_or(u64::MAX);
        let span_ns = spans_ns().max()?.max(SPAN_NS);
        let least_ns = span_ns.div_ceil(rows).max(reading_ns.saturating_mul(READINGS_IN_A_ROW));
        let length_ns = LENGTHS_NS.into_iter().find(|length_ns| *length_ns >= least_ns).unwrap_or(least_ns);
        let last = until_ns.saturating_sub(1) / length_ns;
        // A stretch whose beginning is no longer remembered would tell too little.
        let first = from_ns.div_ceil(length_ns).max((last + 1).saturating_sub(rows)).min(last);
        Some(Self { length_ns, first, last })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        usize::try_from(self.last - self.first).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// How many there are once the history is full: as many whole ones as it holds, and one under way.
    pub fn count_when_full(&self) -> usize {
        let whole = usize::try_from(SPAN_NS / self.length_ns).unwrap_or(usize::MAX);
        self.count().max(whole.saturating_add(1))
    }

    /// When the one at a place (0 is the oldest) begins, nanoseconds since the runs' zero.
    pub fn start_ns(&self, place: usize) -> u64 {
        let stretch = self.first.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
        stretch.saturating_mul(self.length_ns)
    }

    /// The place of the stretch that a reading belongs to: the one in which it was made.
    fn place(&self, slice: &Slice) -> Option<usize> {
        let stretch = slice.to_ns.saturating_sub(1) / self.length_ns;
        let place = stretch.checked_sub(self.first).filter(|_| stretch <= self.last)?;
        usize::try_from(place).ok()
    }
}

/// Voluntary and involuntary context switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// It went to sleep.
    pub voluntary: u64,
    /// It was put aside.
    pub involuntary: u64,
}

impl Switches {
    /// Both together.
    pub fn all(self) -> u64 {
        self.voluntary.saturating_add(self.involuntary)
    }

    fn add(&mut self, other: Self) {
        self.voluntary = self.voluntary.saturating_add(other.voluntary);
        self.involuntary = self.involuntary.saturating_add(other.involuntary);
    }
}

/// A column: a thread, or several together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchColumn<'w> {
    /// The thread; `None` for those that have no column of their own.
    pub thread: Option<&'w ThreadTotals>,
    /// How many threads that is.
    pub threads: usize,
    /// Switches since the run's zero.
    pub all: Switches,
    /// Switches in each stretch; `None` where nothing was read.
    pub cells: Vec<Option<Switches>>,
}

/// The map of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchMap<'w> {
    /// The busiest threads by their ids, then the rest in one column.
    pub columns: Vec<SwitchColumn<'w>>,
}

impl<'w> SwitchMap<'w> {
    /// The map of a run in at most so many columns, one at least. Without columns when no thread was read.
    pub fn of(run: &'w RunWorld, stretches: &Stretches, columns: usize) -> Self {
        let threads = run.process.as_ref().map(|process| process.threads.as_slice()).unwrap_or_default();
        let first = run.first.as_ref().map(|first| first.threads.as_slice()).unwrap_or_default();
        let before: BTreeMap<_, _> = first.iter().map(|thread| (thread.tid, switches_of(thread))).collect();
        let since = |thread: &ThreadTotals| {
            let (now, before) = (switches_of(thread), before.get(&thread.tid).copied().unwrap_or_default());
            Switches {
                voluntary: now.voluntary.saturating_sub(before.voluntary),
                involuntary: now.involuntary.saturating_sub(before.involuntary),
            }
        };
        // Thread id 0 is no thread: ended ones that were folded into one.
        let mut told: Vec<_> = threads.iter().filter(|thread| thread.tid != 0).collect();
        told.sort_by_key(|thread| (std::cmp::Reverse(since(thread).all()), thread.tid));
        let own = if told.len() > columns { columns.saturating_sub(1) } else { told.len() };
        let others = told.split_off(own);
        told.sort_by_key(|thread| thread.tid);
        let mut columns: Vec<_> = told
            .into_iter()
            .map(|thread| SwitchColumn {
                thread: Some(thread),
                threads: 1,
                all: since(thread),
                cells: Vec::new(),
            })
            .collect();
        if !others.is_empty() {
            let mut all = Switches::default();
            others.iter().for_each(|thread| all.add(since(thread)));
            columns.push(SwitchColumn { thread: None, threads: others.len(), all, cells: Vec::new() });
        }
        fill(&mut columns, run, stretches);
        Self { columns }
    }
}

/// Adds the readings up in the cells that they belong to.
fn fill(columns: &mut [SwitchColumn<'_>], run: &RunWorld, stretches: &Stretches) {
    let own: BTreeMap<u32, usize> =
        columns.iter().enumerate().filter_map(|(column, told)| Some((told.thread?.tid, column))).collect();
    let others = columns.iter().position(|column| column.thread.is_none());
    columns.iter_mut().for_each(|column| column.cells = vec![None; stretches.count()]);
    let from_ns = run.history.from_ns().unwrap_or(u64::MAX);
    let whole = |place: usize| stretches.start_ns(place) >= from_ns;
    for slice in run.history.slices() {
        let Some(place) = stretches.place(slice).filter(|place| whole(*place)) else { continue };
        columns.iter_mut().for_each(|column| _ = column.cells[place].get_or_insert_default());
        for ran in &slice.threads {
            let Some(column) = own.get(&ran.tid).copied().or(others) else { continue };
            let switches =
                Switches { voluntary: ran.voluntary_switches, involuntary: ran.involuntary_switches };
            columns[column].cells[place].get_or_insert_default().add(switches);
        }
    }
}

fn switches_of(thread: &ThreadTotals) -> Switches {
    Switches { voluntary: thread.voluntary_switches, involuntary: thread.involuntary_switches }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{ProcessTotals, Purpose, Record, Start};

    const TICK_NS: u64 = 20_000_000;

    /// A run whose threads switch as `counts(thread, tick)` says, cumulatively; a reading every 20 ms.
    fn run(threads: u32, ticks: u64, counts: impl Fn(u32, u64) -> (u64, u64)) -> RunWorld {
        let mut run =
            RunWorld::new(Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 1, load: None });
        for tick in 0..=ticks {
            let thread = |tid| {
                let (voluntary_switches, involuntary_switches) = counts(tid, tick);
                ThreadTotals { tid, voluntary_switches, involuntary_switches, ..ThreadTotals::default() }
            };
            let threads = (1..=threads).map(thread).collect();
            run.apply(
                tick * TICK_NS,
                &Record::Process(ProcessTotals { threads, ..ProcessTotals::default() }),
            );
        }
        run
    }

    fn voluntary(column: &SwitchColumn<'_>) -> Vec<Option<u64>> {
        column.cells.iter().map(|cell| cell.map(|switches| switches.voluntary)).collect()
    }

    #[test]
    fn each_reading_counts_in_the_row_in_which_it_was_made() {
        let run = run(1, 25, |_, tick| (tick * 3, tick / 10));
        let stretches = Stretches::of([&run].into_iter(), 10).unwrap();
        assert_eq!((stretches.length_ns, stretches.count()), (200_000_000, 3));
        assert_eq!([0, 1, 2].map(|place| stretches.start_ns(place)), [0, 200_000_000, 400_000_000]);
        let map = SwitchMap::of(&run, &stretches, 8);
        assert_eq!(voluntary(&map.columns[0]), [Some(30), Some(30), Some(15)]);
        assert_eq!(map.columns[0].all, Switches { voluntary: 75, involuntary: 2 });
        assert_eq!(map.columns[0].cells[0], Some(Switches { voluntary: 30, involuntary: 1 }));
    }

    #[test]
    fn a_row_whose_beginning_is_forgotten_is_not_told() {
        // 2 s are remembered: from 1.1 s on. The row from 1.0 s on would tell nine tenths of the truth.
        let run = run(1, 155, |_, tick| (tick, 0));
        let stretches = Stretches::of([&run].into_iter(), 12).unwrap();
        assert_eq!((stretches.length_ns, stretches.start_ns(0)), (200_000_000, 1_200_000_000));
        let map = SwitchMap::of(&run, &stretches, 8);
        let told = voluntary(&map.columns[0]);
        assert_eq!(told.len(), 10);
        assert!(told[..9].iter().all(|cell| *cell == Some(10)), "{told:?}");
        assert_eq!(told[9], Some(5), "under way");
    }

    #[test]
    fn a_run_that_ended_earlier_has_no_readings_where_another_goes_on() {
        let (short, long) = (run(1, 20, |_, tick| (tick, 0)), run(1, 60, |_, tick| (tick, 0)));
        let stretches = Stretches::of([&short, &long].into_iter(), 10).unwrap();
        let map = SwitchMap::of(&short, &stretches, 8);
        assert_eq!(voluntary(&map.columns[0]), [Some(10), Some(10), None, None, None, None]);
    }

    #[test]
    fn the_busiest_threads_have_columns_and_the_rest_is_summed() {
        let run = run(64, 20, |tid, tick| (tick * u64::from(tid), 0));
        let stretches = Stretches::of([&run].into_iter(), 10).unwrap();
        let map = SwitchMap::of(&run, &stretches, 4);
        let own: Vec<_> = map.columns.iter().map(|column| column.thread.map(|thread| thread.tid)).collect();
        assert_eq!(own, [Some(62), Some(63), Some(64), None]);
        let rest = &map.columns[3];
        assert_eq!((rest.threads, rest.all.voluntary), (61, 20 * (1..=61).sum::<u64>()));
        assert_eq!(voluntary(rest), [Some(18_910), Some(18_910)]);
        let one = SwitchMap::of(&run, &stretches, 0);
        assert_eq!((one.columns.len(), one.columns[0].threads), (1, 64));
    }

    #[test]
    fn seldom_readings_make_long_rows() {
        let mut run =
            RunWorld::new(Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 1, load: None });
        assert_eq!(Stretches::of([&run].into_iter(), 10), None, "nothing was read");
        for reading in 0..20 {
            run.apply(reading * 1_700_000_000, &Record::Process(ProcessTotals::default()));
        }
        let stretches = Stretches::of([&run].into_iter(), 10).unwrap();
        assert_eq!(stretches.length_ns, 5_000_000_000);
        assert!(SwitchMap::of(&run, &stretches, 4).columns.is_empty(), "no thread was read");
    }

    #[test]
    fn any_times_and_counts_of_a_foreign_trace_are_told() {
        let totals = |n: u64| {
            let thread = ThreadTotals { tid: 7, voluntary_switches: n, ..ThreadTotals::default() };
            Record::Process(ProcessTotals { threads: vec![thread], ..ProcessTotals::default() })
        };
        let mut run =
            RunWorld::new(Start { server: 0, round: 0, purpose: Purpose::Measure, pid: 1, load: None });
        for (t_ns, n) in [(0, u64::MAX), (0, 0), (1, u64::MAX), (u64::MAX - 1, 4), (u64::MAX, u64::MAX)] {
            run.apply(t_ns, &totals(n));
        }
        for rows in [0, 1, 10, usize::MAX] {
            let stretches = Stretches::of([&run].into_iter(), rows).unwrap();
            assert!(stretches.count() <= rows.max(1));
            assert_eq!(SwitchMap::of(&run, &stretches, rows).columns.len(), 1);
        }
    }
}
