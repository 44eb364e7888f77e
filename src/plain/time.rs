//! Places in the time of a run: windows, rules that begin to hold, marks, ends; and what a run can stop at.

use std::fmt::Write;

use crate::screen::number::clock;
use crate::trace::{End, Note, Record, Trace};
use crate::world::trigger::{Hit, TRIGGERS};
use crate::world::{insight, spot};

/// The marks, one a line.
pub fn marks(trace: &Trace) -> Vec<String> {
    marks_of(trace.notes()).collect()
}

/// Those among some notes.
pub fn marks_of(notes: &[(u64, Note)]) -> impl Iterator<Item = String> + '_ {
    let mark = |(t_ns, note): &(u64, Note)| match note {
        Note::Mark { says } if says.is_empty() => Some(format!("mark at {}", clock(*t_ns))),
        Note::Mark { says } => Some(format!("mark at {}: {says}", clock(*t_ns))),
        _ => None,
    };
    notes.iter().filter_map(mark)
}

/// Everything that a scrubber shows, in the order of time.
pub fn places(trace: &Trace) -> String {
    let mut places: Vec<(u64, String)> = Vec::new();
    let named = |server: u32| trace.header().servers.get(server as usize).map_or("", String::as_str);
    for run in trace.runs() {
        let since = |own_ns: u64| run.began_ns.saturating_add(own_ns);
        let server = named(run.start.server);
        for (from_ns, to_ns) in spot::windows(run) {
            let (from_ns, to_ns) = (since(from_ns), since(to_ns));
            places.push((from_ns, format!("{}, to {}: window of {server}", clock(from_ns), clock(to_ns))));
        }
        if let Some((t_ns, Record::End { end })) = run.landmarks().next_back()
            && !matches!(end, End::Done)
        {
            places.push((since(*t_ns), format!("{}: a run of {server} ends: {end}", clock(since(*t_ns)))));
        }
    }
    for found in trace.found() {
        let title = insight::by_id(found.id).map_or(found.id, |insight| insight.title);
        let says = format!("{}: {}: {title}", clock(found.t_ns), named(found.server));
        places.push((found.t_ns, says));
    }
    let marks = marks(trace).into_iter().zip(trace.notes().iter().filter(|(_, note)| is_mark(note)));
    places.extend(marks.map(|(says, (t_ns, _))| (*t_ns, says)));
    places.sort_by_key(|(t_ns, _)| *t_ns);
    let end_ns = trace.end_ns();
    let mut out = format!("from {} to {}\n", clock(0), clock(end_ns));
    for (_, says) in places {
        let _ = writeln!(out, "  {says}");
    }
    out
}

fn is_mark(note: &Note) -> bool {
    matches!(note, Note::Mark { .. })
}

/// Where a trigger fired.
pub fn hit(trace: &Trace, hit: &Hit) -> String {
    let server = trace.header().servers.get(hit.server as usize).map_or("", String::as_str);
    format!("{}, {server}: {}\n", clock(hit.t_ns), hit.says)
}

/// What a run can stop at.
pub fn triggers() -> String {
    let mut out = String::new();
    for trigger in TRIGGERS {
        let _ = writeln!(out, "  {:<9} {}: {}", trigger.id, trigger.title, trigger.needs);
    }
    out
}
