//! Where the runs of a trace stand in time: the first runs of all servers side by side, after them the second ones,
//! and so on. In a trace each run has a zero of its own.

use crate::trace::{Entry, Header, Purpose, Record, RunId};

/// The runs of a trace, found in one reading of it, and when each begins, nanoseconds.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Records after this time of each run are left out.
    until_ns: u64,
    /// The names of its columns; observed processes bring theirs along.
    servers: Vec<String>,
    runs: Vec<Placed>,
    entries: u64,
    last_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    server: usize,
    /// Its own length.
    length_ns: u64,
    began_ns: u64,
}

impl Layout {
    /// An empty one; what comes after `until_ns` of a run's own time does not count.
    pub fn new(header: &Header, until_ns: u64) -> Self {
        Self { until_ns, servers: header.servers.clone(), runs: Vec::new(), entries: 0, last_ns: 0 }
    }

    /// Takes an entry in.
    ///
    /// # Errors
    /// No recording can contain it.
    pub fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let count = self.runs.len();
        match (entry.run, &entry.record) {
            (None, Record::Note(_)) => {}
            (None, _) => return Err("a record that is not a note belongs to no run".into()),
            (Some(id), Record::Start(start)) => {
                let server = start.server as usize;
                if start.purpose == Purpose::Observe && server == self.servers.len() {
                    self.servers.push(format!("process {}", start.pid));
                }
                if id as usize != count || server >= self.servers.len() {
                    return Err(format!("run {id} starts out of turn"));
                }
                self.runs.push(Placed { server, length_ns: 0, began_ns: 0 });
            }
            (Some(id), record) => {
                let run = self.runs.get_mut(id as usize);
                let run = run.ok_or_else(|| format!("run {id} has not started"))?;
                if let Record::Program(program) = record {
                    self.servers[run.server] = program.column();
                }
                self.last_ns = self.last_ns.max(entry.t_ns);
                if entry.t_ns <= self.until_ns {
                    run.length_ns = run.length_ns.max(entry.t_ns);
                }
            }
        }
        self.entries += 1;
        Ok(())
    }

    /// Gives each run its place, once all entries were seen.
    #[must_use]
    pub fn placed(mut self) -> Self {
        let mut turns = vec![0; self.servers.len()];
        let turn_of: Vec<usize> = self
            .runs
            .iter()
            .map(|run| {
                let turn = turns[run.server];
                turns[run.server] += 1;
                turn
            })
            .collect();
        let mut lengths_ns = vec![0_u64; turns.iter().copied().max().unwrap_or(0)];
        for (run, &turn) in self.runs.iter().zip(&turn_of) {
            lengths_ns[turn] = lengths_ns[turn].max(run.length_ns);
        }
        let begins_ns: Vec<u64> = lengths_ns
            .iter()
            .scan(0_u64, |next_ns, length_ns| {
                let began_ns = *next_ns;
                *next_ns = next_ns.saturating_add(*length_ns);
                Some(began_ns)
            })
            .collect();
        for (run, turn) in self.runs.iter_mut().zip(turn_of) {
            run.began_ns = begins_ns[turn];
        }
        self
    }

    /// The time of the last record of any run on the run's own clock, those that are left out among them.
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// How many entries belong to the trace.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The names of the columns, once all entries were seen.
    pub(super) fn servers(&self) -> &[String] {
        &self.servers
    }

    /// Whether a record of that time is left out.
    pub(super) fn leaves_out(&self, t_ns: u64) -> bool {
        t_ns > self.until_ns
    }

    /// When a run begins.
    pub(super) fn began_ns(&self, run: RunId) -> u64 {
        self.runs.get(run as usize).map_or(0, |run| run.began_ns)
    }
}
