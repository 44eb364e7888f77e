//! Where events stand: a process for each server, one for its client, and in them a track for each thread.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use super::event::{Args, Event, Events};
use super::object;

/// Linux gives no thread a number as high as this (PID_MAX_LIMIT, 4 194 304): tracks that are no threads begin
/// here.
const BEYOND_THREADS: u32 = 5_000_000;

/// A track: the process and the thread that an event is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Track {
    pid: u32,
    tid: u32,
}

/// What a track is about, within its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The runs, one after the other.
    Runs,
    /// The windows in which calls were told.
    Windows,
    /// Marks, findings, what the program said.
    Remarks,
    /// A processor, from 0.
    Processor(u32),
    /// A thread of the program's.
    Thread(u32),
}

impl Of {
    fn tid(self) -> u32 {
        match self {
            Self::Runs => BEYOND_THREADS,
            Self::Windows => BEYOND_THREADS + 1,
            Self::Remarks => BEYOND_THREADS + 2,
            Self::Processor(cpu) => (BEYOND_THREADS + 1000).saturating_add(cpu),
            Self::Thread(tid) => tid,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Runs => "runs".into(),
            Self::Windows => "windows".into(),
            Self::Remarks => "remarks".into(),
            Self::Processor(cpu) => format!("processor {cpu}"),
            Self::Thread(tid) => format!("thread {tid}"),
        }
    }

    /// From top to bottom.
    fn place(self) -> u32 {
        match self {
            Self::Runs => 0,
            Self::Windows => 1,
            Self::Remarks => 2,
            Self::Processor(cpu) => cpu.saturating_add(10),
            Self::Thread(_) => 10_000,
        }
    }
}

/// The program whose process an event belongs to, by the server's index in the header. Their numbers are not those
/// of the kernel: each round of a server has another one there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// The server, or the program that was observed.
    Server(u32),
    /// Its client.
    Client(u32),
    /// The lab as a whole.
    Lab,
}

impl Program {
    fn pid(self) -> u32 {
        match self {
            Self::Lab => 1,
            Self::Server(server) => server.saturating_mul(2).saturating_add(2),
            Self::Client(server) => server.saturating_mul(2).saturating_add(3),
        }
    }

    /// A track of it.
    pub fn track(self, of: Of) -> Track {
        Track { pid: self.pid(), tid: of.tid() }
    }
}

/// Which names were written already: each is, before the first event of its track.
#[derive(Debug, Default)]
pub(super) struct Names {
    written: BTreeMap<Track, String>,
}

impl Names {
    /// Sees to it that a program and one of its tracks have their names, and answers the track.
    pub fn track<W: Write>(
        &mut self,
        events: &mut Events<W>,
        servers: &[String],
        program: Program,
        of: Of,
    ) -> io::Result<Track> {
        let track = program.track(of);
        if !self.written.contains_key(&track) {
            self.process(events, servers, program)?;
            self.write(events, track, of.name())?;
            events.add(&Event::metadata(
                "thread_sort_index",
                track,
                object([("sort_index", json!(of.place()))]),
            ))?;
        }
        Ok(track)
    }

    /// A thread's own name, once it is known.
    pub fn thread<W: Write>(&mut self, events: &mut Events<W>, track: Track, comm: &str) -> io::Result<()> {
        match self.written.get(&track) {
            Some(known) if known != comm => self.write(events, track, comm.to_owned()),
            _ => Ok(()),
        }
    }

    fn write<W: Write>(&mut self, events: &mut Events<W>, track: Track, name: String) -> io::Result<()> {
        events.add(&Event::metadata("thread_name", track, named(&name)))?;
        self.written.insert(track, name);
        Ok(())
    }

    fn process<W: Write>(
        &mut self,
        events: &mut Events<W>,
        servers: &[String],
        program: Program,
    ) -> io::Result<()> {
        let track = program.track(Of::Runs);
        let server = |index: u32| servers.get(index as usize).map_or("?", String::as_str);
        let name = match program {
            Program::Server(index) => server(index).to_owned(),
            Program::Client(index) => format!("client of {}", server(index)),
            Program::Lab => "the lab".to_owned(),
        };
        // The process's own entry stands for it: its number is that of no track.
        let process = Track { tid: 0, ..track };
        if self.written.insert(process, name.clone()).is_some() {
            return Ok(());
        }
        events.add(&Event::metadata("process_name", process, named(&name)))?;
        let place = object([("sort_index", json!(process.pid))]);
        events.add(&Event::metadata("process_sort_index", process, place))
    }
}

fn named(name: &str) -> Args {
    object([("name", json!(name))])
}
