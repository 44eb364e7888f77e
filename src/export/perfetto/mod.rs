//! A trace in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open.
//!
//! Each server is a process there, its client another one; threads and processors are tracks. Calls and times on a
//! processor are complete events (`X`), requests and entries of rings pairs (`b`, `e`), totals counters (`C`),
//! marks and findings instants (`i`). What this iolab has no form for is an instant, too, with all that is known.
//!
//! It is written entry by entry: of a run no more is kept than the fold and what is under way.

mod event;
mod layout;
mod open;
mod story;
mod totals;
mod track;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

pub use self::layout::Layout;

use self::event::{Args, Event, Events, Scope};
use self::story::{At, Underway};
use self::track::{Names, Of, Program, Track};
use crate::trace::{End, Entry, Header, Note, Purpose, Record, RunId, Start, Window};
use crate::world::{RunWorld, World, insight};

/// Between two looks at what the rules say, nanoseconds of the trace.
const LOOK_NS: u64 = 500_000_000;

/// The file that is being written.
pub struct Perfetto<W> {
    events: Events<W>,
    header: Header,
    layout: Layout,
    names: Names,
    /// Names of threads, by server and thread.
    comms: BTreeMap<(u32, u32), String>,
    /// Each run as far as it has come.
    worlds: Vec<Arc<RunWorld>>,
    underway: BTreeMap<RunId, Underway>,
    /// What the rules have said already: the server's name and the rule's.
    found: BTreeSet<(String, String)>,
    looked_ns: u64,
    last_id: u64,
}

impl<W: Write> Perfetto<W> {
    /// Begins the file of a trace whose runs stand as `layout` has them.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(out: W, header: &Header, layout: Layout) -> io::Result<Self> {
        let header = Header { servers: layout.servers().to_vec(), ..header.clone() };
        let about = object([
            ("program", json!(concat!("iolab ", env!("CARGO_PKG_VERSION")))),
            ("machine", json!(header.capabilities.machine)),
            ("load", json!(header.load)),
            ("servers", json!(header.servers)),
        ]);
        Ok(Self {
            events: Events::begin(out, &about)?,
            header,
            layout,
            names: Names::default(),
            comms: BTreeMap::new(),
            worlds: Vec::new(),
            underway: BTreeMap::new(),
            found: BTreeSet::new(),
            looked_ns: 0,
            last_id: 0,
        })
    }

    /// Writes what an entry tells. The entries must be those that the layout has seen, in the same order.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        match (entry.run, &entry.record) {
            _ if self.layout.leaves_out(entry.t_ns) => Ok(()),
            (None, record) => {
                let track = self.track(Program::Lab, Of::Remarks)?;
                self.moment(track, Scope::Global, entry.t_ns, record)
            }
            (Some(run), Record::Start(start)) => {
                let mut world = RunWorld::new(start.clone());
                world.began_ns = self.layout.began_ns(run);
                self.worlds.push(Arc::new(world));
                self.underway.insert(run, Underway::default());
                self.track(Program::Server(start.server), Of::Runs).map(drop)
            }
            (Some(run), record) => self.of_run(run, entry.t_ns, record),
        }
    }

    /// Ends the file: runs without an end of their own end where they were last heard of.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        for run in self.underway.keys().copied().collect::<Vec<_>>() {
            self.end(run, None)?;
        }
        self.events.finish()
    }

    fn of_run(&mut self, run: RunId, t_ns: u64, record: &Record) -> io::Result<()> {
        let Some(world) = self.worlds.get_mut(run as usize) else { return Ok(()) };
        // Several observers tell of a run, one of them now and then a little late.
        let t_ns = t_ns.max(world.t_ns);
        let at = At { server: world.start.server, began_ns: world.began_ns, t_ns };
        let world = Arc::make_mut(world);
        world.apply(t_ns, record);
        let server = Program::Server(at.server);
        match record {
            Record::Process(totals) => {
                // Shared for a moment, not copied: it is what the curves are counted from.
                let world = Arc::clone(&self.worlds[run as usize]);
                self.process(at, world.first.as_ref(), totals)?;
                drop(world);
                self.look(at, false)
            }
            Record::Client(totals) => self.client(at, totals),
            Record::EpollSets { sets } => self.epoll_sets(at, sets),
            Record::Sockets { sockets } => self.sockets(at, sockets),
            Record::Story(story) => {
                let mut underway = self.underway.remove(&run).unwrap_or_default();
                let is_told = self.story(at, &mut underway, story);
                self.underway.insert(run, underway);
                if is_told? {
                    return Ok(());
                }
                let track = self.track(server, Of::Remarks)?;
                self.moment(track, Scope::Thread, at.ns(), record)
            }
            Record::Stop(_) => {
                let world = Arc::clone(&self.worlds[run as usize]);
                world.stops.now().map_or(Ok(()), |seen| self.stop(at, seen))
            }
            Record::Window { duration_ns, window } => self.window(at, *duration_ns, window),
            Record::End { end } => self.end(run, Some(end)),
            other => {
                let track = self.track(server, Of::Remarks)?;
                self.moment(track, Scope::Process, at.ns(), other)
            }
        }
    }

    fn window(&mut self, at: At, duration_ns: u64, window: &Window) -> io::Result<()> {
        let track = self.track(Program::Server(at.server), Of::Windows)?;
        let from_ns = at.of(at.t_ns.saturating_sub(duration_ns));
        let Window { rung, lost, requests, syscalls } = window;
        let args = object([
            ("system calls", json!(syscalls)),
            ("requests answered", json!(requests)),
            ("records lost", json!(lost)),
        ]);
        let name = format!("window: {}", rung.word());
        self.events.add(&Event::complete(&name, "window", track, (from_ns, at.ns()), args))
    }

    fn end(&mut self, run: RunId, end: Option<&End>) -> io::Result<()> {
        let Some(world) = self.worlds.get(run as usize).map(Arc::clone) else { return Ok(()) };
        let at = At { server: world.start.server, began_ns: world.began_ns, t_ns: world.t_ns };
        if let Some(mut underway) = self.underway.remove(&run) {
            self.leave(at, &mut underway)?;
        }
        let track = self.track(Program::Server(at.server), Of::Runs)?;
        let ended = end.map_or_else(|| "not seen".to_owned(), End::to_string);
        let mut args = object([("process", json!(world.start.pid)), ("end", json!(ended))]);
        args.extend(world.start.load.as_ref().map(|load| ("load".to_owned(), json!(load))));
        let times = (at.of(0), at.ns());
        self.events.add(&Event::complete(&title(&world.start), "run", track, times, args))?;
        drop(world);
        self.look(at, true)
    }

    /// Writes what the rules say and have not said yet; seldom, but always at the end of a run.
    fn look(&mut self, at: At, now: bool) -> io::Result<()> {
        if !now && at.ns() < self.looked_ns.saturating_add(LOOK_NS) {
            return Ok(());
        }
        self.looked_ns = self.looked_ns.max(at.ns());
        let world = World::of_runs(&self.header, self.worlds.clone());
        let views = world.servers();
        let Some(view) = views.get(at.server as usize) else { return Ok(()) };
        let fresh = view.insights().into_iter();
        let name = view.name.to_owned();
        let fresh: Vec<_> =
            fresh.filter(|finding| self.found.insert((name.clone(), finding.id.clone()))).collect();
        drop(views);
        drop(world);
        for finding in fresh {
            let rule = insight::by_id(&finding.id);
            let mut args = object([("rule", json!(finding.id)), ("says", json!(finding.says))]);
            if let Some(rule) = rule {
                args.insert("about".into(), json!(rule.general));
                args.insert("what to do".into(), json!(rule.fix));
            }
            let title = rule.map_or(finding.id.as_str(), |rule| rule.title);
            let track = self.track(Program::Server(at.server), Of::Remarks)?;
            let event = Event::instant(title, "insight", Scope::Process, track, at.ns(), args);
            self.events.add(&event)?;
        }
        Ok(())
    }

    /// A record that is a moment: its own words are its name, all its fields stand beside them.
    fn moment(&mut self, track: Track, scope: Scope, t_ns: u64, record: &Record) -> io::Result<()> {
        let mut args = match serde_json::to_value(record)? {
            Value::Object(fields) => fields,
            other => object([("record", other)]),
        };
        let kinds: Vec<String> = ["kind", "note", "event"]
            .iter()
            .filter_map(|key| args.remove(*key)?.as_str().map(ToOwned::to_owned))
            .collect();
        let name = match record {
            Record::Note(Note::Mark { says }) => says.clone(),
            Record::Note(Note::Said { line }) => format!("said: {line}"),
            _ => kinds.join(" "),
        };
        let cat = if matches!(record, Record::Note(_)) { "note" } else { "record" };
        self.events.add(&Event::instant(&name, cat, scope, track, t_ns, args))
    }

    fn track(&mut self, program: Program, of: Of) -> io::Result<Track> {
        self.names.track(&mut self.events, &self.header.servers, program, of)
    }
}

/// A run in a few words.
fn title(start: &Start) -> String {
    let round = start.round.saturating_add(1);
    match start.purpose {
        Purpose::Measure => format!("measured, round {round}"),
        Purpose::Unobserved => format!("without probes, round {round}"),
        Purpose::Observe => "observed".to_owned(),
        Purpose::Slow => format!("slow motion, round {round}"),
        Purpose::Window => format!("calls told, round {round}"),
    }
}

fn object<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> Args {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
