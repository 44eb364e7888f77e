//! What is found fast in a run however long it is: its rare records, and sums at regular places.

use super::{Record, Story, is_eagain};

/// Records between two sums that are kept.
const STRIDE: usize = 1024;

/// What a run came to up to one of its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// System calls entered, as far as a story tells them.
    pub calls: u64,
    /// Calls that answered EAGAIN, likewise.
    pub eagain: u64,
    /// How often a thread gave its processor up to wait, as far as a story tells it.
    pub gave_up: u64,
    /// How often one was put aside, likewise.
    pub put_aside: u64,
    /// Submissions that were seen one by one.
    pub sqes: u64,
    /// Completions likewise.
    pub cqes: u64,
    /// Requests that the client noted as sent.
    pub sent: u64,
    /// Requests that it noted as answered.
    pub answered: u64,
    /// Readings of the process's totals; the next four are of the latest.
    pub readings: u64,
    /// System calls that a counter has counted, cumulative; 0 where none counts.
    pub counted_calls: u64,
    /// Voluntary switches of all threads, cumulative.
    pub voluntary: u64,
    /// Involuntary ones.
    pub involuntary: u64,
    /// Requests answered as the client's latest totals have it.
    pub client_answered: u64,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Story(story) => self.tell(story),
            Record::Process(totals) => {
                self.readings += 1;
                self.counted_calls = totals.syscalls.as_ref().map_or(0, |counted| counted.total);
                let threads = totals.threads.iter();
                let switches = threads.map(|one| (one.voluntary_switches, one.involuntary_switches));
                (self.voluntary, self.involuntary) = switches.fold((0, 0), |(all, aside), (more, put)| {
                    (u64::saturating_add(all, more), u64::saturating_add(aside, put))
                });
            }
            Record::Client(totals) => self.client_answered = totals.answered,
            _ => {}
        }
    }

    fn tell(&mut self, story: &Story) {
        match story {
            Story::Enter { .. } => self.calls = self.calls.saturating_add(1),
            Story::Exit { result, .. } => self.eagain = self.eagain.saturating_add(is_eagain(*result).into()),
            Story::Off { preempted: true, .. } => self.put_aside += 1,
            Story::Off { .. } => self.gave_up += 1,
            Story::On { .. } | Story::Work { .. } => {}
            Story::Sqe { .. } => self.sqes += 1,
            Story::Cqe { .. } => self.cqes += 1,
            Story::Sent { .. } => self.sent += 1,
            Story::Answered { .. } => self.answered += 1,
            Story::Thinned { by_name, eagain, .. } => {
                self.calls = by_name.values().fold(self.calls, |sum, count| sum.saturating_add(*count));
                self.eagain = self.eagain.saturating_add(*eagain);
            }
        }
    }
}

/// The index of a run's records; grows with them.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Where records stand that are few: windows, notes, refusals, the end.
    rare: Vec<u32>,
    /// Where totals of the process stand, totals of the client, and readings of state.
    process: Vec<u32>,
    client: Vec<u32>,
    state: Vec<u32>,
    /// `sums[i]` is what the first `i * STRIDE` records came to.
    sums: Vec<Tally>,
    all: Tally,
    count: usize,
}

/// It says nothing that the records do not say.
impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Index {
    /// The index of these records.
    pub(super) fn of(records: &[(u64, Record)]) -> Self {
        let mut index = Self::default();
        records.iter().for_each(|(_, record)| index.push(record));
        index
    }

    /// One more record at the end.
    pub(super) fn push(&mut self, record: &Record) {
        if self.count.is_multiple_of(STRIDE) {
            self.sums.push(self.all);
        }
        let of_its_kind = match record {
            Record::Window { .. } | Record::Note(_) | Record::Refused { .. } | Record::End { .. } => {
                Some(&mut self.rare)
            }
            Record::Process(_) => Some(&mut self.process),
            Record::Client(_) => Some(&mut self.client),
            Record::EpollSets { .. } | Record::Sockets { .. } => Some(&mut self.state),
            _ => None,
        };
        if let Some(places) = of_its_kind {
            places.extend(u32::try_from(self.count));
        }
        self.all.add(record);
        self.count += 1;
    }

    pub(super) fn rare(&self) -> &[u32] {
        &self.rare
    }

    pub(super) fn process(&self) -> &[u32] {
        &self.process
    }

    pub(super) fn client(&self) -> &[u32] {
        &self.client
    }

    pub(super) fn state(&self) -> &[u32] {
        &self.state
    }

    /// What the first `count` of these records came to.
    pub(super) fn tally(&self, records: &[(u64, Record)], count: usize) -> Tally {
        let count = count.min(records.len());
        if count == self.count {
            return self.all;
        }
        let slot = (count / STRIDE).min(self.sums.len().saturating_sub(1));
        let mut tally = self.sums.get(slot).copied().unwrap_or_default();
        records[(slot * STRIDE).min(count)..count].iter().for_each(|(_, record)| tally.add(record));
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_at_any_place_is_what_the_records_before_it_came_to() {
        let records: Vec<(u64, Record)> = (0..5000_u32)
            .map(|n| {
                let story = match n % 5 {
                    0 => Story::Enter { tid: 1, name: "recvfrom".into(), args: [0; 6] },
                    1 => Story::Exit { tid: 1, name: "recvfrom".into(), result: -11 },
                    2 => Story::Off { tid: 1, cpu: 0, preempted: n % 2 == 0 },
                    3 => Story::Sent { port: 1, ordinal: u64::from(n) },
                    _ => return (u64::from(n), Record::EpollSets { sets: Vec::new() }),
                };
                (u64::from(n), Record::Story(story))
            })
            .collect();
        let index = Index::of(&records);
        for count in [0, 1, 1023, 1024, 1025, 3071, 4999, 5000, 9000] {
            let mut expected = Tally::default();
            records.iter().take(count).for_each(|(_, record)| expected.add(record));
            assert_eq!(index.tally(&records, count), expected, "{count}");
        }
        assert_eq!(index.tally(&records, 5000).calls, 1000);
    }
}
