//! Thinning: what lies far back is kept more coarsely, so that a run that goes on for hours does not fill
//! the memory. What it adds up to stays.

use std::collections::HashSet;

use super::index::Index;
use super::runs::Place;
use super::story_sum::Sum;
use super::{ClientTotals, ProcessTotals, Record, Run, Trace};

/// Totals of this many nanoseconds become one record…
const SLOT_NS: u64 = 1_000_000_000;

/// …and of so many once they are older than [`OLD_NS`].
const OLD_SLOT_NS: u64 = 10_000_000_000;

/// Two minutes.
const OLD_NS: u64 = 120_000_000_000;

/// The latest events of a server's story that are kept whatever their age: they are shown one by one.
const STORY_KEPT: usize = 1024;

/// Memory that the stories of all runs under way may take together, in bytes; beyond it the oldest become sums
/// whatever their age.
const STORY_BYTES_MAX: usize = 16 << 20;

/// What lies further back than this is thinned by a [`Thinner`], nanoseconds.
const KEEP_NS: u64 = 20_000_000_000;

/// Entries that come before thinning is worth it again.
const THIN_EVERY: usize = 3072;

/// Thins a growing trace now and then: a run may go on for hours, what is kept of it in memory may not grow
/// with them.
#[derive(Clone, Copy, Debug)]
pub struct Thinner {
    /// Length of the trace at which it is thinned again.
    thin_at: usize,
}

impl Default for Thinner {
    fn default() -> Self {
        Self { thin_at: THIN_EVERY }
    }
}

impl Thinner {
    /// Thins the trace if enough has come since the last time, and says whether it did.
    pub fn thin(&mut self, trace: &mut Trace) -> bool {
        let due = trace.len() >= self.thin_at;
        if due {
            trace.thin(trace.end_ns().saturating_sub(KEEP_NS));
            // The longer it is, the longer it takes.
            self.thin_at = trace.len() + THIN_EVERY.max(trace.len() / 4);
        }
        due
    }
}

impl Trace {
    /// Thins what was recorded before `before_ns`, nanoseconds since the trace's zero.
    ///
    /// A world two seconds later or more (as far back as "just now" reaches) stays the same: totals are cumulative and their samples are added up, a
    /// story's calls become their sums, but for the run's last ones. Of interest lists and sockets the last reading of each second is
    /// kept, so the share of idle EPOLLOUT entries and unread bytes rest on fewer readings.
    pub fn thin(&mut self, before_ns: u64) {
        let bounds = self.story_bounds();
        let thin = |(run, bounds): (&mut Run, &Bounds)| {
            let own_ns = before_ns.saturating_sub(run.began_ns);
            thin_run(run, own_ns, *bounds)
        };
        let kept: Vec<Vec<bool>> = self.runs.iter_mut().zip(&bounds).map(thin).collect();
        // Where each record that is left stands now.
        let places: Vec<Vec<u32>> = kept.iter().map(|kept| new_places(kept)).collect();
        self.order.retain_mut(|place| match place {
            Place::Record(run, index) => {
                let (run, old) = (*run as usize, *index as usize);
                *index = places[run][old];
                kept[run][old]
            }
            Place::Start(_) | Place::Note(_) => true,
        });
        for (run, kept) in self.runs.iter_mut().zip(&kept) {
            let mut kept = kept.iter();
            run.records.retain(|_| kept.next().copied().unwrap_or(true));
            run.records.shrink_to_fit();
            run.index = Index::of(&run.records);
        }
        self.order.shrink_to_fit();
    }
}

/// How much of a run's story stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    /// Events that stay whatever their age.
    least: usize,
    /// Events that stay at most.
    most: usize,
}

impl Trace {
    /// The latest story of each server is shown; those under way share the memory there is.
    fn story_bounds(&self) -> Vec<Bounds> {
        let under_way = self.runs.iter().filter(|run| !run.is_over()).count().max(1);
        let most = STORY_BYTES_MAX / size_of::<(u64, Record)>() / under_way;
        let mut shown = HashSet::new();
        let newest_first = self.runs.iter().rev().map(|run| {
            let is_shown = run.has_story() && shown.insert(run.start.server);
            Bounds { least: if is_shown || !run.is_over() { STORY_KEPT } else { 0 }, most }
        });
        let mut bounds: Vec<Bounds> = newest_first.collect();
        bounds.reverse();
        bounds
    }
}

impl Run {
    fn is_over(&self) -> bool {
        matches!(self.records.last(), Some((_, Record::End { .. })))
    }

    fn has_story(&self) -> bool {
        self.records.iter().any(|(_, record)| is_story(record))
    }
}

fn is_story(record: &Record) -> bool {
    matches!(record, Record::Story(_))
}

fn new_places(kept: &[bool]) -> Vec<u32> {
    let mut next = 0;
    kept.iter()
        .map(|kept| {
            let place = next;
            next += u32::from(*kept);
            place
        })
        .collect()
}

/// Moves what is to be thinned into later records and says which records stay.
fn thin_run(run: &mut Run, before_ns: u64, story: Bounds) -> Vec<bool> {
    let until = run.records.partition_point(|(t_ns, _)| *t_ns < before_ns);
    let mut kept = vec![true; run.records.len()];
    thin_totals(run, until, before_ns, &mut kept);
    thin_readings(run, until, &mut kept);
    thin_story(run, until, story, &mut kept);
    kept
}

/// Which records of totals become one.
fn slot(t_ns: u64, before_ns: u64) -> (bool, u64) {
    let old = before_ns.saturating_sub(t_ns) > OLD_NS;
    (old, t_ns / if old { OLD_SLOT_NS } else { SLOT_NS })
}

fn thin_totals(run: &mut Run, until: usize, before_ns: u64, kept: &mut [bool]) {
    // The first totals of a process are its zero: everything is counted from there.
    let mut first_process = true;
    let (mut process, mut client) = (None, None);
    for index in 0..until {
        let (t_ns, record) = &run.records[index];
        let here = slot(*t_ns, before_ns);
        let last = match record {
            Record::Process(_) if first_process => {
                first_process = false;
                continue;
            }
            Record::Process(_) => &mut process,
            Record::Client(_) => &mut client,
            _ => continue,
        };
        let earlier = last.replace((index, here));
        let Some((earlier, _)) = earlier.filter(|(_, slot)| *slot == here) else { continue };
        let (before, after) = run.records.split_at_mut(index);
        kept[earlier] = !match (&before[earlier].1, &mut after[0].1) {
            (Record::Process(earlier), Record::Process(later)) => merge_process(earlier, later),
            (Record::Client(earlier), Record::Client(later)) => merge_client(earlier, later),
            _ => false,
        };
    }
}

/// Adds the earlier samples to the later totals; `false` when their rings differ, then both must stay.
fn merge_process(earlier: &ProcessTotals, later: &mut ProcessTotals) -> bool {
    let same = earlier.rings.len() == later.rings.len()
        && earlier.rings.iter().zip(&later.rings).all(|(one, other)| one.is_same(other));
    if same {
        for (one, other) in earlier.rings.iter().zip(&mut later.rings) {
            other.sq_depth.merge(&one.sq_depth);
            other.cq_depth.merge(&one.cq_depth);
        }
    }
    same
}

fn merge_client(earlier: &ClientTotals, later: &mut ClientTotals) -> bool {
    later.latency_ns.merge(&earlier.latency_ns);
    true
}

/// Interest lists and sockets: the last reading of each second.
fn thin_readings(run: &Run, until: usize, kept: &mut [bool]) {
    let mut seen = HashSet::new();
    for index in (0..until).rev() {
        let (t_ns, record) = &run.records[index];
        if matches!(record, Record::EpollSets { .. } | Record::Sockets { .. }) {
            kept[index] = seen.insert((std::mem::discriminant(record), t_ns / SLOT_NS));
        }
    }
}

/// Calls become their sums; one that is under way stays as long as its window is open.
fn thin_story(run: &mut Run, until: usize, bounds: Bounds, kept: &mut [bool]) {
    let count = |records: &[(u64, Record)]| records.iter().filter(|(_, record)| is_story(record)).count();
    let all = count(&run.records);
    let old = all.saturating_sub(bounds.least).min(count(&run.records[..until]));
    let mut left = old.max(all.saturating_sub(bounds.most));
    let mut sum = Sum::default();
    for (index, (_, record)) in run.records.iter().enumerate() {
        match record {
            Record::Story(_) if left == 0 => break,
            Record::Story(story) => {
                left -= 1;
                sum.add(index, story, kept);
            }
            Record::Window { .. } => sum.close(kept),
            _ => {}
        }
    }
    // The sum stands where the last of them stood.
    if let Some((last, story)) = sum.told() {
        kept[last] = true;
        run.records[last].1 = Record::Story(story);
    }
}
