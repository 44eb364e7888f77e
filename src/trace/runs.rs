//! A trace in memory: the header and the runs, each a list of records ordered by their time.

use super::index::{Index, Tally};
use super::{ClientTotals, Entry, Header, Note, ProcessTotals, Purpose, Record, RunId, Start};

/// The most runs a trace may have: bounds what a foreign file can make us allocate.
const RUNS_MAX: RunId = 10_000;

/// A whole trace. Grows at the end only.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    header: Header,
    pub(super) runs: Vec<Run>,
    notes: Vec<(u64, Note)>,
    /// In which order entries came, to write them out as they were: (run, index in the run) or a note.
    pub(super) order: Vec<Place>,
    /// Whether its runs follow each other, as they do for somebody who watches; else all begin at one zero.
    in_sequence: bool,
    /// What was found in it so far.
    found: Findings,
}

/// A rule began to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// When, nanoseconds since the trace's zero: as close as was looked.
    pub t_ns: u64,
    /// For which of the header's servers.
    pub server: u32,
    /// The rule's id.
    pub id: &'static str,
}

/// What rules found. It follows from the rest of a trace, so it makes no two traces differ.
#[derive(Clone, Debug, Default)]
struct Findings(Vec<Found>);

impl PartialEq for Findings {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One run of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// How it began.
    pub start: Start,
    /// Its records after the start, by their time; nanoseconds since the run's zero.
    pub records: Vec<(u64, Record)>,
    /// Its zero, nanoseconds since the trace's: 0 but in a trace whose runs follow each other.
    pub began_ns: u64,
    pub(super) index: Index,
}

impl Run {
    /// How many of its records are not later than `own_ns`, nanoseconds since its own zero.
    pub fn position(&self, own_ns: u64) -> usize {
        self.records.partition_point(|(at_ns, _)| *at_ns <= own_ns)
    }

    /// What its first `count` records came to.
    pub fn tally(&self, count: usize) -> Tally {
        self.index.tally(&self.records, count)
    }

    /// Its few records that are neither totals, readings nor story, in order: windows, notes, refusals, the end.
    pub fn landmarks(&self) -> impl DoubleEndedIterator<Item = &(u64, Record)> {
        self.at(self.index.rare())
    }

    /// Its totals of the process, in order, found without looking through the story.
    pub fn process_totals(&self) -> impl DoubleEndedIterator<Item = (u64, &ProcessTotals)> {
        self.at(self.index.process()).filter_map(|(t_ns, record)| match record {
            Record::Process(totals) => Some((*t_ns, totals)),
            _ => None,
        })
    }

    /// Its totals of the client likewise.
    pub fn client_totals(&self) -> impl DoubleEndedIterator<Item = (u64, &ClientTotals)> {
        self.at(self.index.client()).filter_map(|(t_ns, record)| match record {
            Record::Client(totals) => Some((*t_ns, totals)),
            _ => None,
        })
    }

    /// Its readings of interest lists and sockets likewise.
    pub fn readings(&self) -> impl DoubleEndedIterator<Item = &(u64, Record)> {
        self.at(self.index.state())
    }

    fn at<'r>(&'r self, places: &'r [u32]) -> impl DoubleEndedIterator<Item = &'r (u64, Record)> {
        places.iter().filter_map(|place| self.records.get(*place as usize))
    }

    /// The time of its last record, nanoseconds since the trace's zero.
    pub fn end_ns(&self) -> u64 {
        let last_ns = self.records.last().map_or(0, |(t_ns, _)| *t_ns);
        self.began_ns.saturating_add(last_ns)
    }

    /// What the trace's time is on the run's own clock; `None` before it began.
    pub fn own_ns(&self, t_ns: u64) -> Option<u64> {
        t_ns.checked_sub(self.began_ns)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    Start(RunId),
    Record(RunId, u32),
    Note(u32),
}

impl Trace {
    /// An empty trace.
    pub fn new(header: Header) -> Self {
        Self {
            header,
            runs: Vec::new(),
            notes: Vec::new(),
            order: Vec::new(),
            in_sequence: false,
            found: Findings::default(),
        }
    }

    /// An empty trace of a lab that somebody watches: its time goes on from run to run. A run begins where those
    /// that were over by then had ended; what lies between two runs is not counted.
    pub fn in_sequence(header: Header) -> Self {
        Self { in_sequence: true, ..Self::new(header) }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The runs, in the order they started.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// What rules found, in the order in which they began to hold; only as far as somebody has looked.
    pub fn found(&self) -> &[Found] {
        &self.found.0
    }

    /// Takes down that a rule began to hold; once for each rule and server.
    pub fn find(&mut self, found: Found) {
        let known = |other: &Found| (other.server, other.id) == (found.server, found.id);
        if !self.found.0.iter().any(known) {
            let at = self.found.0.partition_point(|other| other.t_ns <= found.t_ns);
            self.found.0.insert(at, found);
        }
    }

    /// Notes about the whole trace, with their times, in the order of these.
    pub fn notes(&self) -> &[(u64, Note)] {
        &self.notes
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing was recorded yet.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The time of the last record of any run, nanoseconds since the trace's zero.
    pub fn end_ns(&self) -> u64 {
        self.runs.iter().map(Run::end_ns).max().unwrap_or(0)
    }

    /// Appends one entry. Refuses what no recording can contain, in words.
    pub fn push(&mut self, entry: Entry) -> Result<(), String> {
        let Entry { run, t_ns, record } = entry;
        let place = match (run, record) {
            (None, Record::Note(note)) => self.note(t_ns, note),
            (None, _) => return Err("a record that is not a note belongs to no run".into()),
            (Some(id), Record::Start(start)) => self.begin(id, start)?,
            (Some(id), record) => self.extend(id, t_ns, record)?,
        };
        self.order.push(place);
        Ok(())
    }

    /// A note stands where its time is: a mark may be set in what is long past.
    fn note(&mut self, t_ns: u64, note: Note) -> Place {
        let at = self.notes.partition_point(|(other_ns, _)| *other_ns <= t_ns);
        if at < self.notes.len() {
            for place in &mut self.order {
                if let Place::Note(index) = place {
                    *index += u32::from(*index as usize >= at);
                }
            }
        }
        self.notes.insert(at, (t_ns, note));
        Place::Note(at as u32)
    }

    fn begin(&mut self, id: RunId, start: Start) -> Result<Place, String> {
        if id as usize != self.runs.len() || id >= RUNS_MAX {
            return Err(format!("run {id} starts out of turn"));
        }
        if start.purpose == Purpose::Observe && start.server as usize == self.header.servers.len() {
            // Nobody knows beforehand which processes there will be: each brings its own column.
            self.header.servers.push(format!("process {}", start.pid));
        }
        if start.server as usize >= self.header.servers.len() {
            return Err(format!("run {id} is of server {}, the header has none such", start.server));
        }
        let over = |run: &&Run| matches!(run.records.last(), Some((_, Record::End { .. })));
        let before = self.runs.iter().filter(|_| self.in_sequence).filter(over);
        let began_ns = before.map(Run::end_ns).max().unwrap_or(0);
        self.runs.push(Run { start, records: Vec::new(), began_ns, index: Index::default() });
        Ok(Place::Start(id))
    }

    fn extend(&mut self, id: RunId, t_ns: u64, record: Record) -> Result<Place, String> {
        let run = self.runs.get_mut(id as usize).ok_or_else(|| format!("run {id} has not started"))?;
        // Several threads observe one run; a record that comes a little late takes the time of the one
        // before it rather than going back.
        let t_ns = run.records.last().map_or(t_ns, |(last_ns, _)| t_ns.max(*last_ns));
        if let Record::Program(program) = &record {
            self.header.servers[run.start.server as usize] = program.column();
        }
        run.index.push(&record);
        run.records.push((t_ns, record));
        Ok(Place::Record(id, (run.records.len() - 1) as u32))
    }

    /// All entries in the order they came.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.order.iter().map(|place| match *place {
            Place::Note(index) => {
                let (t_ns, note) = &self.notes[index as usize];
                Entry { run: None, t_ns: *t_ns, record: Record::Note(note.clone()) }
            }
            Place::Start(id) => {
                let start = self.runs[id as usize].start.clone();
                Entry { run: Some(id), t_ns: 0, record: Record::Start(start) }
            }
            Place::Record(id, index) => {
                let (t_ns, record) = &self.runs[id as usize].records[index as usize];
                Entry { run: Some(id), t_ns: *t_ns, record: record.clone() }
            }
        })
    }
}
