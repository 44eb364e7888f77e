//! Slow motion in lines: everything that the screen shows of a stop.

use crate::trace::{RingSight, Socket, Source, Stop};
use crate::world::ready::{Ready, of_set};
use crate::world::stops::{Seen, Stops};
use crate::world::words;

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

/// The call with its result: `epoll_wait(epfd 4, …) = 1`.
pub fn call(stop: &Stop) -> String {
    use crate::trace::Edge;
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

/// Why nothing stops in a kernel thread that polls a ring.
pub const NOTHING_STOPS: &str = "The kernel thread that polls the submission queue makes no system calls, so there is \
                                 nothing to stop it at: while it works its rings are looked at instead, every 150 µs.";
