//! Slow motion in lines: everything that the screen shows of a stop.

use std::sync::Arc;

use crate::trace::{Edge, Purpose, RingSight, Socket, Source, Stop, Trace};
use crate::world::ready::{Ready, of_set};
use crate::world::stops::{Seen, Stops, stop_times};
use crate::world::{Cursor, RunWorld, World, words};

/// A stop of a server, told whole.
pub fn stop(server: &str, seen: &Seen, stops: &Stops) -> String {
    let stop = &seen.stop;
    let mut out = format!("{server}, stop {}, {}: {}.\n", seen.number, seen.request(), seen.place());
    let mut line = |label: &str, says: &str| {
        if !says.is_empty() {
            out += &format!("  {label:<10} {says}\n");
        }
    };
    line("asked", &seen.said.asks);
    line("answered", seen.said.answers.as_deref().unwrap_or_default());
    line("call", &call(stop));
    line("source", &source(&stop.source));
    let changes: Vec<_> = seen.changes.iter().map(ToString::to_string).collect();
    line("since then", &changes.join("; "));
    for set in &stop.sets {
        let mut watched = of_set(set, &stop.sockets);
        watched.sort_by_key(|one| one.interest.fd);
        let listed: Vec<_> = watched
            .iter()
            .map(|one| format!("fd {} {}", one.interest.fd, words::events(one.interest.events)))
            .collect();
        line("interest", &format!("fd {}: {}", set.fd, listed.join(", ")));
        let ready: Vec<_> =
            watched.iter().filter_map(|one| Some((one.interest.fd, ready(one.ready)?))).collect();
        let ready: Vec<_> = ready.iter().map(|(fd, says)| format!("fd {fd} {says}")).collect();
        let says = if ready.is_empty() { "nothing".to_owned() } else { ready.join(", ") };
        line("ready", &format!("{says} (derived from the queues)"));
    }
    for ring in &stop.rings {
        line("SQ", &submissions(ring));
        line("CQ", &completions(ring, stops));
    }
    let queues: Vec<_> = stop.sockets.iter().map(queue).collect();
    line("queues", &queues.join("; "));
    out
}

/// Every stop of a trace up to a time, in order, each told whole; `None` where nothing in it was in slow motion.
pub fn story(trace: &Trace, until_ns: u64) -> Option<String> {
    let is_slow = trace.runs().iter().any(|run| run.start.purpose == Purpose::Slow);
    let mut cursor = Cursor::new();
    is_slow.then(|| {
        let times = stop_times(trace, None);
        let times = times.into_iter().take_while(|t_ns| *t_ns <= until_ns);
        times.map(|t_ns| at(&cursor.world(trace, t_ns), t_ns)).collect()
    })
}

/// The stops at a time, told whole.
pub fn at(world: &World<'_>, t_ns: u64) -> String {
    let there = |run: &&Arc<RunWorld>| {
        run.stops.now().is_some_and(|seen| run.began_ns.saturating_add(seen.t_ns) == t_ns)
    };
    let told = world.runs.iter().filter(there).filter_map(|run| {
        let name = &world.header.servers[run.start.server as usize];
        Some(stop(name, run.stops.now()?, &run.stops))
    });
    told.collect()
}

/// The call with its result: `epoll_wait(epfd 4, …) = 1`.
pub fn call(stop: &Stop) -> String {
    let arguments = || words::arguments(&stop.name, &stop.args);
    match stop.edge {
        Edge::Look => String::new(),
        Edge::Entry => arguments(),
        Edge::Exit { result } => match words::errno_name(result) {
            Some(name) => format!("{} = -{name}", arguments()),
            None => format!("{} = {result}", arguments()),
        },
    }
}

/// Where in the source, or why that is not known.
pub fn source(source: &Source) -> String {
    match source {
        Source::Line(line) if line.says.is_empty() => format!("{} line {}", line.file, line.line),
        Source::Line(line) => format!("{} line {}: {}", line.file, line.line, line.says),
        Source::Unknown { why } => format!("unknown: {why}"),
    }
}

fn ready(ready: Ready) -> Option<String> {
    Some(match ready {
        Ready::No => return None,
        Ready::Read { bytes } => format!("{bytes} bytes can be read"),
        Ready::Accept { connections: 1 } => "1 connection waits".into(),
        Ready::Accept { connections } => format!("{connections} connections wait"),
        Ready::Write => "has room".into(),
        Ready::NotKnown => "is not known".into(),
    })
}

fn ends(ends: (u64, u64), entries: u32) -> String {
    let slot = |counter: u64| counter & u64::from(entries.saturating_sub(1));
    format!("head {} (slot {}), tail {} (slot {})", ends.0, slot(ends.0), ends.1, slot(ends.1))
}

fn submissions(ring: &RingSight) -> String {
    let mut says = format!("fd {}, {} slots, {}", ring.fd, ring.entries.0, ends(ring.sq, ring.entries.0));
    for sqe in &ring.sqes {
        says +=
            &format!("; {} fd {}, {} bytes, user_data {:#x}", sqe.operation, sqe.fd, sqe.len, sqe.user_data);
    }
    if ring.sqes.is_empty() {
        says += "; nothing is queued";
    }
    if !ring.flags.is_empty() {
        says += &format!("; flags {}", ring.flags.join(" | "));
    }
    says
}

fn completions(ring: &RingSight, stops: &Stops) -> String {
    let mut says = format!("fd {}, {} slots, {}", ring.fd, ring.entries.1, ends(ring.cq, ring.entries.1));
    for cqe in &ring.cqes {
        says += &format!("; {}", stops.completion(ring.fd, cqe));
    }
    if ring.cqes.is_empty() {
        says += "; nothing waits";
    }
    says
}

fn queue(socket: &Socket) -> String {
    match socket.listening {
        true => format!("fd {} listens, {} wait to be accepted", socket.fd, socket.receive_queue_bytes),
        false => format!(
            "fd {} {} bytes to read, {} unacknowledged",
            socket.fd, socket.receive_queue_bytes, socket.send_queue_bytes
        ),
    }
}
