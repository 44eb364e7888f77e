//! A trial that ran in the lab, and what was told of it.

use iolab::trace::{End, EpollSet, Purpose, Record, RingTotals, Run, Story, Trace, file};
use serde_json::Value;

use super::program::{Program, iolab, open_folder};

/// What was told of one trial.
pub struct Told {
    /// The document's only server.
    pub document: Value,
    /// The whole trace.
    pub trace: Trace,
}

/// One call of a story: its name, its arguments, what came back.
#[derive(Debug)]
pub struct Call {
    pub tid: u32,
    pub name: String,
    pub args: [u64; 6],
    pub result: Option<i64>,
}

/// Runs a trial in the lab; it must go well.
#[track_caller]
pub fn watched(name: &str) -> Told {
    watched_by(iolab(&format!("trial {name} --watch --format json")), 0)
}

/// The same by a program that was prepared, which must end with that status.
#[track_caller]
pub fn watched_by(program: Program, code: i32) -> Told {
    let (_folder, path) = open_folder();
    let file = path.join("a.trace");
    let document = program.and("--record").with(&file).run().document(code);
    let trace = file::open(&file).unwrap();
    assert!(trace.damage.is_none());
    Told { document: document["servers"][0].clone(), trace: trace.trace }
}

/// Where the machine forbids rings, the lab says which layer it was, and nothing else.
#[track_caller]
pub fn refused(trial: &str) {
    let told = watched_by(iolab(&format!("trial {trial} --watch --format json")), 3);
    let refusal = &told.document["troubles"][0]["refusal"];
    assert!(refusal["says"].as_str().unwrap().contains("io_uring_setup"), "{refusal}");
}

impl Told {
    /// A metric's value; panics where it is not known.
    #[track_caller]
    pub fn metric(&self, key: &str) -> u64 {
        super::program::metric(&self.document, key) as u64
    }

    /// The run of that purpose.
    #[track_caller]
    pub fn run(&self, purpose: Purpose) -> &Run {
        let mut runs = self.trace.runs().iter().filter(|run| run.start.purpose == purpose);
        let run = runs.next().unwrap();
        assert!(runs.next().is_none(), "one run of each purpose");
        run
    }

    /// How a run ended.
    pub fn end(&self, purpose: Purpose) -> &End {
        match self.run(purpose).records.last() {
            Some((_, Record::End { end })) => end,
            other => panic!("no end: {other:?}"),
        }
    }

    /// The calls of its story, in the order they were entered.
    pub fn calls(&self) -> Vec<Call> {
        let mut calls: Vec<Call> = Vec::new();
        for (_, record) in &self.run(Purpose::Window).records {
            match record {
                Record::Story(Story::Enter { tid, name, args }) => {
                    calls.push(Call { tid: *tid, name: name.clone(), args: *args, result: None });
                }
                Record::Story(Story::Exit { tid, result, .. }) => {
                    let call = calls.iter_mut().rev().find(|call| call.tid == *tid).unwrap();
                    assert_eq!(call.result.replace(*result), None, "a call comes back once");
                }
                _ => {}
            }
        }
        calls
    }

    /// The results of the calls of that name, in order.
    pub fn results(&self, name: &str) -> Vec<i64> {
        let named = self.calls().into_iter().filter(|call| call.name == name);
        named.map(|call| call.result.unwrap_or_else(|| panic!("{name} did not come back"))).collect()
    }

    /// The rings at every reading of the measured run.
    pub fn rings(&self) -> Vec<RingTotals> {
        let records = self.run(Purpose::Measure).records.iter();
        records
            .filter_map(|(_, record)| match record {
                Record::Process(totals) => Some(totals.rings.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// What was seen in its rings, in order: user_data and result of each completion.
    pub fn completions(&self) -> Vec<(u64, i32)> {
        let records = self.run(Purpose::Window).records.iter();
        records
            .filter_map(|(_, record)| match record {
                Record::Story(Story::Cqe { user_data, result, .. }) => Some((*user_data, *result)),
                _ => None,
            })
            .collect()
    }

    /// The same of submissions: user_data, operation, flags.
    pub fn submissions(&self) -> Vec<(u64, String, u8)> {
        let records = self.run(Purpose::Window).records.iter();
        records
            .filter_map(|(_, record)| match record {
                Record::Story(Story::Sqe { user_data, operation, flags, .. }) => {
                    Some((*user_data, operation.clone(), *flags))
                }
                _ => None,
            })
            .collect()
    }

    /// The interest lists as they were read last.
    pub fn epoll_sets(&self) -> Vec<EpollSet> {
        let records = self.run(Purpose::Measure).records.iter().rev();
        let read = |(_, record): &(u64, Record)| match record {
            Record::EpollSets { sets } => Some(sets.clone()),
            _ => None,
        };
        records.map(read).find_map(|sets| sets).unwrap_or_default()
    }
}
