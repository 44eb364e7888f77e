//! One event as the Trace Event Format has it, and the list that it goes into.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::track::Track;

/// What is said of an event beside its name.
pub(super) type Args = Map<String, Value>;

/// The phase of an event: its kind, one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Phase {
    /// The name of a process or thread, and its place on the screen.
    #[serde(rename = "M")]
    Metadata,
    /// Something with a beginning and a length.
    #[serde(rename = "X")]
    Complete,
    /// A moment.
    #[serde(rename = "i")]
    Instant,
    /// Numbers that are drawn as a curve.
    #[serde(rename = "C")]
    Counter,
    /// Something begins that may overlap others of its kind; its id leads to its end.
    #[serde(rename = "b")]
    Begin,
    /// Something happens to it meanwhile.
    #[serde(rename = "n")]
    Step,
    /// It ends.
    #[serde(rename = "e")]
    End,
}

/// How far a moment's mark reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Scope {
    /// Its thread.
    #[serde(rename = "t")]
    Thread,
    /// Its process.
    #[serde(rename = "p")]
    Process,
    /// Everything.
    #[serde(rename = "g")]
    Global,
}

/// A time or a length in nanoseconds; written in microseconds, as the format wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanos(pub u64);

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

/// An event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Event<'e> {
    name: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cat: &'static str,
    ph: Phase,
    #[serde(flatten)]
    track: Track,
    ts: Nanos,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<Nanos>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<Scope>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    args: Args,
}

impl<'e> Event<'e> {
    fn new(ph: Phase, name: &'e str, track: Track, t_ns: u64, args: Args) -> Self {
        Self { name, cat: "", ph, track, ts: Nanos(t_ns), dur: None, id: None, s: None, args }
    }

    /// Something between two times.
    pub fn complete(
        name: &'e str,
        cat: &'static str,
        track: Track,
        (from, to): (u64, u64),
        args: Args,
    ) -> Self {
        let dur = Some(Nanos(to.saturating_sub(from)));
        Self { cat, dur, ..Self::new(Phase::Complete, name, track, from, args) }
    }

    /// A moment.
    pub fn instant(name: &'e str, cat: &'static str, s: Scope, track: Track, t_ns: u64, args: Args) -> Self {
        Self { cat, s: Some(s), ..Self::new(Phase::Instant, name, track, t_ns, args) }
    }

    /// Numbers at a time.
    pub fn counter(name: &'e str, track: Track, t_ns: u64, args: Args) -> Self {
        Self::new(Phase::Counter, name, track, t_ns, args)
    }

    /// The beginning (or end) of something that may overlap others.
    pub fn paired(phase: Phase, pair: &'e Pair, track: Track, t_ns: u64, args: Args) -> Self {
        let id = Some(format!("{:#x}", pair.id));
        Self { cat: pair.cat, id, ..Self::new(phase, &pair.name, track, t_ns, args) }
    }

    /// A name, or a place.
    pub fn metadata(what: &'e str, track: Track, args: Args) -> Self {
        Self::new(Phase::Metadata, what, track, 0, args)
    }
}

/// What the two events of something that may overlap others have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Unique in the file.
    pub id: u64,
    pub cat: &'static str,
    pub name: String,
}

/// The file: an object whose last member is the list of events.
pub(super) struct Events<W> {
    out: W,
    is_first: bool,
}

impl<W: Write> Events<W> {
    /// Begins the file; `about` is what is said of all of it.
    pub fn begin(mut out: W, about: &Args) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"otherData\":")?;
        serde_json::to_writer(&mut out, about)?;
        out.write_all(b",\"traceEvents\":[")?;
        Ok(Self { out, is_first: true })
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        Ok(serde_json::to_writer(&mut self.out, event)?)
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
