//! What the calls of a story add up to, once they are not kept one by one.

use std::collections::BTreeMap;

use super::habits::{Called, Habits};
use super::{Counts, Story, add_name, batch_of, is_eagain, reports_and_done};

/// What calls come to that are no longer kept.
#[derive(Default)]
pub(super) struct Sum<'r> {
    by_name: BTreeMap<String, u64>,
    batches: Counts,
    eagain: u64,
    reports: u64,
    done: u64,
    habits: Habits,
    /// Calls that have not come back, by thread.
    entered: BTreeMap<u32, Entered<'r>>,
    /// The last record that is in the sum.
    last: Option<usize>,
}

/// A call that has not come back: where it stands, its name and its arguments.
type Entered<'r> = (usize, &'r str, &'r [u64; 6]);

impl<'r> Sum<'r> {
    /// Takes the record at `index` in, where it is not needed for itself.
    pub(super) fn add(&mut self, index: usize, story: &'r Story, kept: &mut [bool]) {
        match story {
            Story::Enter { tid, name, args } => {
                // An earlier one whose end was lost, or not seen.
                if let Some(before) = self.entered.insert(*tid, (index, name, args)) {
                    self.take(before, kept);
                }
                return;
            }
            Story::Exit { tid, name, result } => {
                if let Some(enter) = self.entered.remove(tid) {
                    self.take(enter, kept);
                    self.came_back(enter, *tid, name, *result);
                }
                let (ready, useful) = reports_and_done(name, *result);
                self.eagain = self.eagain.saturating_add(is_eagain(*result).into());
                self.reports = self.reports.saturating_add(ready);
                self.done = self.done.saturating_add(useful);
            }
            Story::Thinned { by_name, eagain, batches, reports, done, habits } => {
                self.habits.go_on_from(habits);
                self.reports = self.reports.saturating_add(*reports);
                self.done = self.done.saturating_add(*done);
                self.eagain = self.eagain.saturating_add(*eagain);
                self.batches.merge(batches);
                for (name, count) in by_name {
                    add_name(&mut self.by_name, name, *count);
                }
            }
            Story::Sqe { ring, operation, fd, user_data, .. } => {
                self.habits.rings.asks(*ring, *user_data, operation, *fd);
            }
            Story::Cqe { ring, user_data, result, flags, .. } => {
                self.habits.rings.completes(*ring, *user_data, *result, *flags);
            }
            Story::Sent { .. }
            | Story::Answered { .. }
            | Story::Work { .. }
            | Story::On { .. }
            | Story::Off { .. } => {}
        }
        kept[index] = false;
        self.last = Some(index);
    }

    /// A call came back; one of another name has lost its beginning.
    fn came_back(&mut self, (_, entered, args): Entered<'r>, tid: u32, name: &str, result: i64) {
        if entered != name {
            return;
        }
        self.habits.called(Called { tid, name, args, result });
        if let Some(sqes) = batch_of(name, args[1], result) {
            self.batches.add(sqes, 1);
        }
    }

    /// The sum as an event, and where it stands; `None` where nothing was taken in.
    pub(super) fn told(self) -> Option<(usize, Story)> {
        let Self { by_name, batches, eagain, reports, done, habits, last, .. } = self;
        let habits = Box::new(habits);
        Some((last?, Story::Thinned { by_name, eagain, batches, reports, done, habits }))
    }

    /// A window was closed: what then became of calls under way nobody saw.
    pub(super) fn close(&mut self, kept: &mut [bool]) {
        for enter in std::mem::take(&mut self.entered).into_values() {
            self.take(enter, kept);
        }
    }

    /// Takes the entry of a call into the sum.
    fn take(&mut self, (index, name, _): Entered<'_>, kept: &mut [bool]) {
        add_name(&mut self.by_name, name, 1);
        kept[index] = false;
        self.last = self.last.max(Some(index));
    }
}
