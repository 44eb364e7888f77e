//! Thinning: what lies far back is kept more coarsely, so that a run that goes on for hours does not fill
//! the memory. What it adds up to stays.

use std::collections::{BTreeMap, HashSet};

use super::habits::{Called, Habits};
use super::index::Index;
use super::runs::Place;
use super::{
    ClientTotals, Counts, ProcessTotals, Record, Run, Story, Trace, add_name, batch_of, is_eagain,
    reports_and_done,
};

/// Totals of this many nanoseconds become one record…
const SLOT_NS: u64 = 1_000_000_000;

/// …and of so many once they are older than [`OLD_NS`].
const OLD_SLOT_NS: u64 = 10_000_000_000;

/// Two minutes.
const OLD_NS: u64 = 120_000_000_000;

/// The latest events of a run's story that are kept whatever their age: they are shown one by one.
const STORY_KEPT: usize = 1024;

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
            self.thin_at = trace.len() + THIN_EVERY;
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
        let kept: Vec<Vec<bool>> = self
            .runs
            .iter_mut()
            .map(|run| {
                let own_ns = before_ns.saturating_sub(run.began_ns);
                thin_run(run, own_ns)
            })
            .collect();
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
fn thin_run(run: &mut Run, before_ns: u64) -> Vec<bool> {
    let until = run.records.partition_point(|(t_ns, _)| *t_ns < before_ns);
    let mut kept = vec![true; run.records.len()];
    thin_totals(run, until, before_ns, &mut kept);
    thin_readings(run, until, &mut kept);
    thin_story(run, until, &mut kept);
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

/// Calls that came back become their sums; one that is under way stays.
fn thin_story(run: &mut Run, until: usize, kept: &mut [bool]) {
    let is_story = |record: &Record| matches!(record, Record::Story(_));
    let stories = run.records.iter().filter(|(_, record)| is_story(record)).count();
    let mut left = stories.saturating_sub(STORY_KEPT);
    let (mut by_name, mut batches) = (BTreeMap::new(), Counts::default());
    let (mut eagain, mut reports, mut done) = (0_u64, 0_u64, 0_u64);
    let mut habits = Habits::default();
    let mut entered: BTreeMap<u32, (usize, [u64; 6])> = BTreeMap::new();
    let mut last = None;
    for index in 0..until {
        let Record::Story(story) = &run.records[index].1 else { continue };
        let Some(rest) = left.checked_sub(1) else { break };
        left = rest;
        match story {
            Story::Enter { tid, args, .. } => {
                entered.insert(*tid, (index, *args));
                continue;
            }
            Story::Exit { tid, name, result } => {
                let Some((enter, args)) = entered.remove(tid) else { continue };
                kept[enter] = false;
                add_name(&mut by_name, name, 1);
                eagain = eagain.saturating_add(is_eagain(*result).into());
                let (ready, useful) = reports_and_done(name, *result);
                reports = reports.saturating_add(ready);
                done = done.saturating_add(useful);
                habits.called(Called { tid: *tid, name, args: &args, result: *result });
                if let Some(sqes) = batch_of(name, args[1], *result) {
                    batches.add(sqes, 1);
                }
            }
            Story::Thinned {
                by_name: names,
                eagain: again,
                batches: earlier,
                reports: ready,
                done: useful,
                habits: before,
            } => {
                habits.go_on_from(before);
                reports = reports.saturating_add(*ready);
                done = done.saturating_add(*useful);
                for (name, count) in names {
                    add_name(&mut by_name, name, *count);
                }
                eagain = eagain.saturating_add(*again);
                batches.merge(earlier);
            }
            Story::Sqe { ring, operation, fd, user_data, .. } => {
                habits.rings.asks(*ring, *user_data, operation, *fd);
            }
            Story::Cqe { ring, user_data, result, flags, .. } => {
                habits.rings.completes(*ring, *user_data, *result, *flags);
            }
            Story::Sent { .. }
            | Story::Answered { .. }
            | Story::Work { .. }
            | Story::On { .. }
            | Story::Off { .. } => {}
        }
        kept[index] = false;
        last = Some(index);
    }
    // The sum stands where the last of them stood.
    if let Some(last) = last {
        kept[last] = true;
        let habits = Box::new(habits);
        run.records[last].1 =
            Record::Story(Story::Thinned { by_name, eagain, batches, reports, done, habits });
    }
}
