//! The last system calls in order, in plain words: what was asked, and what came back.

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::layout::top;
use crate::screen::number::count;
use crate::screen::paint::{Paint, shorten, width};
use crate::screen::theme::Role;
use crate::world::{Call, RingEntry, SeenEntry, ServerView, Told, words};

/// A server's name and at least two of its calls.
const SERVER_ROWS_MIN: u16 = 3;

/// More calls of one server than this are not read.
const CALLS_MAX: u16 = 12;

/// Those of a trial are: its story is what it is for.
const STORY_MAX: u16 = 60;

/// A server's calls one by one; of a trial, which may do one thing many times, with how often in a row, and with
/// what was seen in its rings.
fn lines<'s>(server: &'s ServerView<'_>) -> Vec<(Told<'s>, u64)> {
    match server.trial {
        Some(_) => server.window.told(),
        None => server.window.calls.iter().map(|call| (Told::Call(call), 1)).collect(),
    }
}

fn told<'s>(scene: &Scene<'s>) -> Vec<&'s ServerView<'s>> {
    scene.servers.iter().copied().filter(|server| !server.window.calls.is_empty()).collect()
}

pub(super) fn rows(scene: &Scene<'_>) -> (u16, u16) {
    let servers = told(scene);
    if servers.is_empty() {
        return (u16::from(!scene.servers.is_empty()), 1);
    }
    let rows = |server: &&ServerView<'_>| {
        let most = if server.trial.is_some() { STORY_MAX } else { CALLS_MAX };
        u16::try_from(lines(server).len()).unwrap_or(u16::MAX).min(most).saturating_add(1)
    };
    (SERVER_ROWS_MIN, servers.iter().map(rows).fold(0, u16::saturating_add))
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let mut servers = told(scene);
    if servers.is_empty() {
        paint.text(area, 0, 0, "no window has been opened yet", Role::Quiet);
        return;
    }
    let fit = usize::from(area.height / SERVER_ROWS_MIN).max(1);
    if servers.len() > fit {
        // The one in focus, else the last, which is the lesson's point.
        servers = scene.chosen(|server| !server.window.calls.is_empty()).into_iter().collect();
    }
    let mut rest = area;
    for (rows, server) in share(&servers, area.height).into_iter().zip(servers) {
        let (here, below) = top(rest, rows);
        draw_server(paint, here, scene, server);
        rest = below;
    }
}

/// Rows of each: the same for all, and what the short stories leave is the others'.
fn share(servers: &[&ServerView<'_>], rows: u16) -> Vec<u16> {
    let wanted = |server: &&ServerView<'_>| u16::try_from(lines(server).len()).unwrap_or(u16::MAX);
    let wanted: Vec<_> = servers.iter().map(|server| wanted(server).saturating_add(1)).collect();
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted[*index]);
    let (mut given, mut left) = (vec![0; wanted.len()], rows);
    for (done, index) in order.into_iter().enumerate() {
        let more = u16::try_from(wanted.len() - done).unwrap_or(u16::MAX);
        given[index] = wanted[index].min(left / more);
        left = left.saturating_sub(given[index]);
    }
    given
}

fn draw_server(paint: &mut Paint, area: Rect, scene: &Scene<'_>, server: &ServerView<'_>) {
    let lit = scene.lit_of(server);
    let (head, body) = top(area, u16::from(area.height > 1));
    paint.text(head, 0, 0, server.name, Role::Code);
    let calls = lines(server);
    let first = calls.len().saturating_sub(usize::from(body.height));
    // Of a server the last calls are shown; a trial's story has a beginning, which must not seem to be here.
    let is_cut = server.trial.is_some() && first > 0 && body.height > 1;
    let (body, first) = if is_cut {
        let (cut, body) = top(body, 1);
        let says = format!("{} {} before", paint.glyphs().ellipsis, before(server, &calls[..=first]));
        paint.text(cut, 1, 0, &says, Role::Quiet);
        (body, first + 1)
    } else {
        (body, first)
    };
    let shown = &calls[first..];
    let name = |line: &Told<'_>| if let Told::Call(call) = line { width(&call.name) } else { 0 };
    let names = shown.iter().map(|(line, _)| name(line)).max().unwrap_or(0).min(area.width / 3);
    for (row, (line, times)) in (0_u16..).zip(shown) {
        let belongs = lit.map(|lit| match line {
            Told::Call(call) => lit.has_call(call),
            Told::Entry(entry) => lit.has_entry(entry),
        });
        let tone = Tone(belongs);
        if belongs == Some(true) {
            paint.text(body, 0, row, paint.glyphs().ask, Role::Focus);
        }
        match line {
            Told::Call(call) => draw_call(paint, body, row, names, (call, *times), tone),
            Told::Entry(entry) => draw_entry(paint, body, row, names, (entry, *times), tone),
        }
    }
}

/// How many calls came before those that are shown.
fn before(server: &ServerView<'_>, hidden: &[(Told<'_>, u64)]) -> String {
    let window = &server.window;
    let all = window.by_name.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let forgotten = all.saturating_sub(u64::try_from(window.calls.len()).unwrap_or(u64::MAX));
    let calls = hidden.iter().filter(|(line, _)| matches!(line, Told::Call(_))).map(|(_, times)| *times);
    match calls.fold(forgotten, u64::saturating_add) {
        1 => "1 call".to_owned(),
        calls => format!("{} calls", count(calls)),
    }
}

/// Whether a line belongs to what is followed; `None`: nothing is.
#[derive(Clone, Copy)]
struct Tone(Option<bool>);

impl Tone {
    /// What does not belong is dimmed.
    fn of(self, role: Role) -> Role {
        if self.0 == Some(false) { Role::Quiet } else { role }
    }
}

/// What stood in a ring, below the call at whose edge it was seen.
fn draw_entry(
    paint: &mut Paint,
    area: Rect,
    row: u16,
    names: u16,
    (entry, times): (&RingEntry, u64),
    tone: Tone,
) {
    let role = match entry.seen {
        SeenEntry::Sqe { .. } => Role::Submission,
        SeenEntry::Cqe { result: ..0 } => Role::Warn,
        SeenEntry::Cqe { .. } => Role::Completion,
    };
    let indent = names.saturating_add(3).min(area.width / 3);
    let room = area.width.saturating_sub(indent);
    let says = words::entry(entry) + &again(times);
    let says = shorten(&says, room, paint.glyphs());
    paint.text(area, indent, row, &says, tone.of(role));
}

/// How often a line stands for itself.
fn again(times: u64) -> String {
    if times > 1 { format!(" ({times} times)") } else { String::new() }
}

/// Name, question, answer. A long answer leaves the question this much, a third of the room.
const QUESTION_SHARE: u16 = 3;

/// So much of an explanation is worth showing.
const EXPLANATION_MIN: u16 = 8;

/// The answer is cut only where the question would be lost otherwise.
fn draw_call(paint: &mut Paint, area: Rect, row: u16, names: u16, (call, times): (&Call, u64), tone: Tone) {
    let glyphs = paint.glyphs();
    let name = if tone.0 == Some(true) { Role::Focus } else { tone.of(Role::Plain) };
    paint.text(area, 1, row, &shorten(&call.name, names, glyphs), name);
    let indent = names.saturating_add(3);
    let answer = format!(" {} {}", glyphs.arrow, words::answer(call));
    let ask = words::ask(call);
    // How often is never cut: it is what the line is about. Of an error its name.
    let again = again(times);
    let room = area.width.saturating_sub(indent);
    let (name, explained) = match answer.split_once(": ") {
        Some((name, _)) if call.result.is_some_and(|result| result < 0) => (name, true),
        _ => (answer.as_str(), false),
    };
    let least = width(&ask).min(room / QUESTION_SHARE);
    let whole = if explained { width(&ask).min(room.saturating_sub(width(name))) } else { least };
    let left = room.saturating_sub(width(&again)).saturating_sub(whole.max(least));
    let answer = match left.saturating_sub(width(name)) {
        // Too little for a word of the explanation.
        ..EXPLANATION_MIN if explained && left < width(&answer) => shorten(name, left, glyphs),
        _ => shorten(&answer, left, glyphs),
    } + &again;
    let room = area.width.saturating_sub(indent);
    let room = room.saturating_sub(width(&answer));
    let column = paint.text(area, indent, row, &shorten(&ask, room, glyphs), tone.of(Role::Plain));
    let role = if call.result.is_some_and(|result| result < 0) { Role::Warn } else { Role::Number };
    paint.text(area, column, row, &answer, tone.of(role));
}
