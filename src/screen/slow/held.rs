//! What the kernel holds for a server without rings: the interest list with the ready list, which is derived, or the
//! queues of its sockets alone.

use super::part::{Part, line};
use crate::screen::paint::{shorten, width};
use crate::screen::text::Line;
use crate::screen::theme::{Glyphs, Role};
use crate::trace::{EpollSet, Socket, Stop};
use crate::world::ready::{Ready, Watched, of_set};
use crate::world::words;

/// The interest lists, one part each.
pub(super) fn interest(stop: &Stop, columns: u16, glyphs: &Glyphs) -> Vec<Part> {
    stop.sets.iter().map(|set| of_list(set, &stop.sockets, columns, glyphs)).collect()
}

fn of_list(set: &EpollSet, sockets: &[Socket], columns: u16, glyphs: &Glyphs) -> Part {
    let mut watched = of_set(set, sockets);
    watched.sort_by_key(|one| one.interest.fd);
    let names = watched.iter().map(|one| width(&asks(one))).max().unwrap_or(0);
    let lines = watched.iter().map(|one| row(one, names, columns, glyphs)).collect();
    let ready =
        watched.iter().filter(|one| one.ready.is_ready()).map(|one| format!("fd {}", one.interest.fd));
    let ready = ready.collect::<Vec<_>>().join(", ");
    let ready = if ready.is_empty() { "none".to_owned() } else { ready };
    let short = vec![
        line(format!("{} watched", watched.len()), Role::Plain),
        line(format!("ready: {ready} (derived)"), Role::Good),
    ];
    let title = format!("interest list of fd {}", set.fd);
    Part { remark: "ready is derived".into(), short, ..Part::new(title, lines, 2) }
}

/// What it is watched for; errors and hang-ups are reported unasked.
fn asks(one: &Watched) -> String {
    const UNASKED: u32 = 0x8 | 0x10;
    words::events(one.interest.events & !UNASKED)
}

fn row(one: &Watched, names: u16, columns: u16, glyphs: &Glyphs) -> Line {
    let says = match one.ready {
        Ready::No => "nothing there",
        Ready::NotKnown => "not known",
        _ => "ready",
    };
    let detail = match one.ready {
        Ready::Read { bytes } => format!(": {bytes} bytes"),
        Ready::Accept { connections: 1 } => ": a connection".into(),
        Ready::Accept { connections } => format!(": {connections} connections"),
        Ready::Write => ": room to send".into(),
        _ => String::new(),
    };
    let ready = one.ready.is_ready();
    let (glyph, role) = if ready { (glyphs.arrow, Role::Good) } else { (glyphs.empty, Role::Quiet) };
    let text = shorten(&format!("{says}{detail}"), columns.saturating_sub(14).saturating_sub(names), glyphs);
    let name = asks(one);
    let gap = usize::from(names.saturating_sub(width(&name))) + 2;
    vec![
        (format!("fd {:<3} ", one.interest.fd), Role::Code),
        (name, Role::Plain),
        (format!("{}{glyph} ", " ".repeat(gap)), role),
        (text, role),
    ]
}

/// The queues of its sockets.
pub(super) fn queues(sockets: &[Socket], columns: u16, glyphs: &Glyphs) -> Part {
    let lines: Vec<_> =
        sockets.iter().filter(|socket| socket.fd >= 0).map(|socket| queue(socket, columns, glyphs)).collect();
    Part::new("queues of its sockets", lines, 1)
}

fn queue(socket: &Socket, columns: u16, glyphs: &Glyphs) -> Line {
    let held = socket.receive_queue_bytes;
    let (says, role) = match (socket.listening, held) {
        (true, 0) => ("listens, nobody waits".to_owned(), Role::Quiet),
        (true, 1) => ("listens, 1 connection waits".to_owned(), Role::Good),
        (true, n) => (format!("listens, {n} connections wait"), Role::Good),
        (false, 0) => ("nothing to read".to_owned(), Role::Quiet),
        (false, n) => (format!("{n} bytes to read"), Role::Good),
    };
    let sent = match socket.send_queue_bytes {
        0 => String::new(),
        n if !socket.listening => format!(", {n} not acknowledged"),
        _ => String::new(),
    };
    let says = shorten(&format!("{says}{sent}"), columns.saturating_sub(7), glyphs);
    vec![(format!("fd {:<3} ", socket.fd), Role::Code), (says, role)]
}
