//! The story as events: calls on their threads, threads on their processors, entries of rings and requests from
//! their beginning to their end.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::event::{Args, Event, Pair, Phase, Scope};
use super::open::Open;
use super::track::{Of, Program, Track};
use super::{Perfetto, object};
use crate::trace::{Source, Story};
use crate::world::stops::Seen;
use crate::world::{Call, RingEntry, SeenEntry, words};

/// The largest whole number that every reader of JSON keeps exactly.
const EXACT_MAX: u64 = 1 << 53;

/// What of a run's story is under way.
#[derive(Debug, Default)]
pub(super) struct Underway {
    /// By thread.
    calls: Open<u32, Call>,
    /// By processor: which thread has it, and since when.
    processors: Open<u32, (u32, u64)>,
    /// By ring and name.
    entries: Open<(i32, u64), Pair>,
    /// By port and ordinal.
    requests: Open<(u16, u64), Pair>,
}

/// IORING_CQE_F_MORE: the submission brings further completions.
const MORE: u32 = 2;

/// Whose story it is, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub server: u32,
    /// The run's zero.
    pub began_ns: u64,
    /// On the run's own clock.
    pub t_ns: u64,
}

impl At {
    /// On the clock of the file.
    pub fn ns(self) -> u64 {
        self.of(self.t_ns)
    }

    /// Another time of the same run, on the clock of the file.
    pub fn of(self, own_ns: u64) -> u64 {
        self.began_ns.saturating_add(own_ns)
    }
}

impl<W: Write> Perfetto<W> {
    /// Writes what an event of the story completes; `false` where it has no form of its own here.
    pub(super) fn story(&mut self, at: At, underway: &mut Underway, story: &Story) -> io::Result<bool> {
        let t_ns = at.t_ns;
        match story {
            Story::Enter { tid, name, args } => {
                let call =
                    Call { t_ns, tid: *tid, name: name.clone(), args: *args, result: None, until_ns: None };
                if let Some(lost) = underway.calls.begin(*tid, call) {
                    self.call(at, &lost)?;
                }
            }
            Story::Exit { tid, result, .. } => {
                if let Some(call) = underway.calls.end(tid) {
                    self.call(at, &Call { result: Some(*result), until_ns: Some(t_ns), ..call })?;
                }
            }
            Story::On { tid, cpu } => {
                if let Some((before, since_ns)) = underway.processors.begin(*cpu, (*tid, t_ns)) {
                    self.ran(at, *cpu, before, since_ns, "not seen")?;
                }
            }
            Story::Off { tid, cpu, preempted } => {
                let left = if *preempted { "it was put aside" } else { "it waits" };
                match underway.processors.end(cpu) {
                    Some((on, since_ns)) if on == *tid => self.ran(at, *cpu, on, since_ns, left)?,
                    Some((other, since_ns)) => self.ran(at, *cpu, other, since_ns, "not seen")?,
                    None => {}
                }
            }
            Story::Sqe { ring, operation, fd, len, flags, user_data, tid } => {
                let pair = self.pair("ring entry", operation);
                let seen = SeenEntry::Sqe { operation: operation.clone(), fd: *fd, len: *len, flags: *flags };
                let mut args = entry_args(*ring, RingEntry { t_ns, user_data: *user_data, seen });
                args.extend(tid.map(|tid| ("handed over by thread".to_owned(), json!(tid))));
                self.paired(Phase::Begin, Program::Server(at.server), &pair, at.ns(), args)?;
                if let Some(again) = underway.entries.begin((*ring, *user_data), pair) {
                    let args = object([("completion", json!("not seen"))]);
                    self.paired(Phase::End, Program::Server(at.server), &again, at.ns(), args)?;
                }
            }
            Story::Cqe { ring, user_data, result, flags, tid } => {
                let seen = SeenEntry::Cqe { result: *result };
                let mut args = entry_args(*ring, RingEntry { t_ns, user_data: *user_data, seen });
                args.extend(tid.map(|tid| ("in the time of thread".to_owned(), json!(tid))));
                let goes_on = flags & MORE != 0;
                self.completion(at, underway, (*ring, *user_data), goes_on, args)?;
            }
            Story::Work { ring, what, user_data, count, tid } => {
                let track = self.thread(at.server, *tid)?;
                let mut args = object([("ring", json!(ring))]);
                args.extend(user_data.map(|name| ("user_data".to_owned(), json!(format!("{name:#x}")))));
                args.extend(count.map(|count| ("count".to_owned(), exact(count))));
                self.events.add(&Event::instant(what, "io_uring", Scope::Thread, track, at.ns(), args))?;
            }
            Story::Sent { port, ordinal } => {
                let pair = self.pair("request", "request");
                let args = object([("port", json!(port)), ("ordinal", exact(*ordinal))]);
                self.paired(Phase::Begin, Program::Client(at.server), &pair, at.ns(), args)?;
                if let Some(again) = underway.requests.begin((*port, *ordinal), pair) {
                    self.paired(Phase::End, Program::Client(at.server), &again, at.ns(), Args::new())?;
                }
            }
            Story::Answered { port, ordinal } => {
                if let Some(pair) = underway.requests.end(&(*port, *ordinal)) {
                    self.paired(Phase::End, Program::Client(at.server), &pair, at.ns(), Args::new())?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A server stands still: what is asked and answered there, and which line of its source asks.
    pub(super) fn stop(&mut self, at: At, seen: &Seen) -> io::Result<()> {
        let track = self.thread(at.server, seen.stop.tid)?;
        let mut args = object([
            ("stop", json!(seen.number)),
            ("request", json!(seen.request())),
            ("asked", json!(seen.said.asks)),
        ]);
        args.extend(seen.said.answers.as_ref().map(|answer| ("answered".to_owned(), json!(answer))));
        args.extend(match &seen.stop.source {
            Source::Line(line) => [
                ("source".to_owned(), json!(format!("{}:{}", line.file, line.line))),
                ("says".to_owned(), json!(line.says)),
            ],
            Source::Unknown { why } => {
                [("source".to_owned(), json!("unknown")), ("why".to_owned(), json!(why))]
            }
        });
        self.events.add(&Event::instant(&seen.place(), "stop", Scope::Thread, track, at.ns(), args))?;
        for ring in &seen.stop.rings {
            self.depth(at, ring.fd, ring.sq, ring.cq)?;
        }
        Ok(())
    }

    /// Ends what is under way where its run ends: nobody saw its own end.
    pub(super) fn leave(&mut self, at: At, underway: &mut Underway) -> io::Result<()> {
        for (_, call) in underway.calls.drain() {
            self.call(at, &call)?;
        }
        for (cpu, (tid, since_ns)) in underway.processors.drain() {
            self.ran(at, cpu, tid, since_ns, "not seen")?;
        }
        let unseen = || object([("end", json!("not seen"))]);
        for (_, pair) in underway.entries.drain() {
            self.paired(Phase::End, Program::Server(at.server), &pair, at.ns(), unseen())?;
        }
        for (_, pair) in underway.requests.drain() {
            self.paired(Phase::End, Program::Client(at.server), &pair, at.ns(), unseen())?;
        }
        Ok(())
    }

    fn call(&mut self, at: At, call: &Call) -> io::Result<()> {
        let track = self.thread(at.server, call.tid)?;
        let arguments: Vec<_> = call.args.iter().map(|argument| format!("{argument:#x}")).collect();
        let mut args = object([
            ("asked", json!(words::ask(call))),
            ("answered", json!(words::answer(call))),
            ("arguments", json!(arguments)),
        ]);
        args.extend(call.result.map(|result| ("result".to_owned(), signed(result))));
        let times = (at.of(call.t_ns), at.of(call.until_ns.unwrap_or(at.t_ns)));
        self.events.add(&Event::complete(&call.name, "system call", track, times, args))
    }

    /// A thread had a processor from then until now.
    fn ran(&mut self, at: At, cpu: u32, tid: u32, since_ns: u64, left: &str) -> io::Result<()> {
        let track = self.track(Program::Server(at.server), Of::Processor(cpu))?;
        let name = self.comms.get(&(at.server, tid)).map_or_else(|| format!("thread {tid}"), Clone::clone);
        let args = object([("thread", json!(tid)), ("left because", json!(left))]);
        self.events.add(&Event::complete(&name, "processor", track, (at.of(since_ns), at.ns()), args))
    }

    fn completion(
        &mut self,
        at: At,
        underway: &mut Underway,
        key: (i32, u64),
        goes_on: bool,
        args: Args,
    ) -> io::Result<()> {
        let server = Program::Server(at.server);
        if let Some(pair) = underway.entries.get(&key).filter(|_| goes_on) {
            return self.paired(Phase::Step, server, pair, at.ns(), args);
        }
        match underway.entries.end(&key) {
            Some(pair) => self.paired(Phase::End, server, &pair, at.ns(), args),
            // Of a submission from before the window.
            None => {
                let track = self.track(server, Of::Remarks)?;
                let event = Event::instant("CQE", "ring entry", Scope::Thread, track, at.ns(), args);
                self.events.add(&event)
            }
        }
    }

    fn paired(
        &mut self,
        phase: Phase,
        program: Program,
        pair: &Pair,
        t_ns: u64,
        args: Args,
    ) -> io::Result<()> {
        let track = self.track(program, Of::Runs)?;
        self.events.add(&Event::paired(phase, pair, track, t_ns, args))
    }

    fn pair(&mut self, cat: &'static str, name: &str) -> Pair {
        self.last_id += 1;
        Pair { id: self.last_id, cat, name: name.to_owned() }
    }

    fn thread(&mut self, server: u32, tid: u32) -> io::Result<Track> {
        let track = self.track(Program::Server(server), Of::Thread(tid))?;
        if let Some(comm) = self.comms.get(&(server, tid)) {
            self.names.thread(&mut self.events, track, comm)?;
        }
        Ok(track)
    }
}

fn entry_args(ring: i32, entry: RingEntry) -> Args {
    let mut args = object([
        ("ring", json!(ring)),
        ("says", json!(words::entry(&entry))),
        ("user_data", json!(format!("{:#x}", entry.user_data))),
    ]);
    if let SeenEntry::Cqe { result } = entry.seen {
        args.insert("result".into(), json!(result));
    }
    args
}

/// A number that every reader keeps as it is.
pub(super) fn exact(number: u64) -> Value {
    if number <= EXACT_MAX { json!(number) } else { json!(number.to_string()) }
}

fn signed(number: i64) -> Value {
    if number.unsigned_abs() <= EXACT_MAX { json!(number) } else { json!(number.to_string()) }
}
