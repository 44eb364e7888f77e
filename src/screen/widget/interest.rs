//! The interest list of an epoll set, what the program asked to be told; and the ready list, which is derived.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::layout::{left, top};
use crate::screen::number::count;
use crate::screen::paint::{Paint, width};
use crate::screen::theme::Role;
use crate::trace::Interest;
use crate::world::ready::{self, Ready, Watched, watched};
use crate::world::{Lit, ServerView};

/// Columns of `interest` and `ready` with a space after them.
const LABEL_COLUMNS: u16 = 10;

/// Rows of watched descriptors at most, and of ready ones.
const ROWS_MAX: (u16, u16) = (5, 3);

pub(super) fn of<'s>(scene: &'s Scene<'_>) -> Option<&'s ServerView<'s>> {
    scene.chosen(|server| server.latest().is_some_and(|run| !run.epoll_sets.is_empty()))
}

fn all(server: &ServerView<'_>) -> Vec<Watched> {
    let mut watched = server.latest().map(watched).unwrap_or_default();
    // The kernel lists them by the addresses of its own structures.
    watched.sort_by_key(|one| one.interest.fd);
    watched
}

/// Descriptors whose bytes nobody fetches.
fn unread(server: &ServerView<'_>) -> BTreeSet<i32> {
    server.latest().map(ready::unread).unwrap_or_default()
}

/// An event mask in its names: `IN|ET`. An entry that fired once and was not armed again watches for nothing.
fn flags(events: u32) -> String {
    const NAMES: [(u32, &str); 6] = [
        (Interest::IN, "IN"),
        (Interest::OUT, "OUT"),
        (Interest::RDHUP, "RDHUP"),
        (Interest::EXCLUSIVE, "EXCLUSIVE"),
        (Interest::ONESHOT, "ONESHOT"),
        (Interest::ET, "ET"),
    ];
    let names: Vec<_> = NAMES.iter().filter(|(bit, _)| events & bit != 0).map(|(_, name)| *name).collect();
    names.join("|")
}

/// One row, or several: entries side by side, and what stands at the end.
struct List {
    label: &'static str,
    entries: Vec<String>,
    end: String,
}

/// Before what belongs to what is followed.
const FOLLOWED: char = '▸';

fn mark(lit: Option<&Lit>, fd: i32) -> String {
    match lit.is_some_and(|lit| lit.has_fd(fd)) {
        true => FOLLOWED.to_string(),
        false => String::new(),
    }
}

fn interest(watched: &[Watched], lit: Option<&Lit>) -> List {
    let entry = |one: &Watched| {
        let fd = one.interest.fd;
        format!("{}fd{fd} {}", mark(lit, fd), flags(one.interest.events))
    };
    let end = format!("{} fds (fdinfo)", watched.len());
    List { label: "interest", entries: watched.iter().map(entry).collect(), end }
}

/// What is ready; bytes that nobody fetches are called so.
fn ready(watched: &[Watched], unread: &BTreeSet<i32>, lit: Option<&Lit>) -> List {
    let entry = |one: &Watched| {
        let fd = one.interest.fd;
        let says = match one.ready {
            Ready::Read { bytes } if unread.contains(&fd) => {
                Some(format!("fd{fd} {} B unread", count(bytes.into())))
            }
            Ready::Read { bytes } => Some(format!("fd{fd} {} B", count(bytes.into()))),
            Ready::Accept { connections } => Some(format!("fd{fd} +{connections}")),
            Ready::Write => Some(format!("fd{fd} room")),
            Ready::No | Ready::NotKnown => None,
        };
        says.map(|says| mark(lit, fd) + &says)
    };
    let entries: Vec<_> = watched.iter().filter_map(entry).collect();
    let unknown = watched.iter().filter(|one| one.ready == Ready::NotKnown).count();
    let all = watched.len();
    let end = match (entries.len(), unknown) {
        (0, unknown) if unknown == all => "not known: no queue of a socket was read".to_owned(),
        (0, 0) => "none at this reading (derived)".to_owned(),
        (0, unknown) => format!("none at this reading, {unknown} not known (derived)"),
        (ready, 0) => format!("{ready} of {all} (derived)"),
        (ready, unknown) => format!("{ready} of {all}, {unknown} not known (derived)"),
    };
    List { label: "ready", entries, end }
}

impl List {
    /// Columns of an entry and the space after it.
    fn each(&self) -> u16 {
        self.entries.iter().map(|entry| width(entry)).max().unwrap_or(0).saturating_add(2)
    }

    /// Rows that all entries take, the end in the same row as the last of them or below.
    fn rows(&self, columns: u16) -> u16 {
        let room = columns.saturating_sub(LABEL_COLUMNS);
        let in_row = (room / self.each().max(1)).max(1);
        let count = u16::try_from(self.entries.len()).unwrap_or(u16::MAX);
        let last = (count % in_row).saturating_mul(self.each());
        let ends_apart = (count > 0 && count % in_row == 0) || last.saturating_add(width(&self.end)) > room;
        count.div_ceil(in_row).max(1).saturating_add(u16::from(ends_apart && count > 0))
    }

    fn draw(&self, paint: &mut Paint, area: Rect, role: Role) {
        paint.text(area, 0, 0, self.label, Role::Quiet);
        let (_, area) = left(area, LABEL_COLUMNS);
        let each = self.each().max(1);
        let in_row = usize::from((area.width / each).max(1));
        let places = in_row.saturating_mul(usize::from(area.height));
        let at = |index: usize| {
            let column = u16::try_from(index % in_row).unwrap_or(u16::MAX).saturating_mul(each);
            (column, u16::try_from(index / in_row).unwrap_or(u16::MAX))
        };
        let tail = |rest: usize| match rest {
            0 => self.end.clone(),
            rest => format!("+{rest}  {}", self.end),
        };
        // As many as leave room for what stands at the end.
        let fits = |shown: &usize| {
            let (column, row) = at(*shown);
            let tail = width(&tail(self.entries.len() - shown));
            row < area.height && column.saturating_add(tail) <= area.width
        };
        let most = self.entries.len().min(places);
        let shown = (0..=most).rev().find(fits).unwrap_or(0);
        for (index, entry) in self.entries.iter().take(shown).enumerate() {
            let (column, row) = at(index);
            let followed = entry.starts_with(FOLLOWED);
            let any = self.entries.iter().any(|entry| entry.starts_with(FOLLOWED));
            let role = match (followed, any) {
                (true, _) => Role::Focus,
                (false, true) => Role::Quiet,
                (false, false) => role,
            };
            paint.text(area, column, row, entry, role);
        }
        let (column, row) = at(shown);
        paint.text(area, column, row, &tail(self.entries.len() - shown), Role::Quiet);
    }
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    let Some(server) = of(scene) else { return (0, 0) };
    let watched = all(server);
    let lit = scene.lit_of(server);
    let interest = interest(&watched, lit).rows(columns).min(ROWS_MAX.0);
    let ready = ready(&watched, &unread(server), lit).rows(columns).min(ROWS_MAX.1);
    (2, interest.saturating_add(ready))
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let Some(server) = of(scene) else { return };
    let (watched, unread) = (all(server), unread(server));
    let lit = scene.lit_of(server);
    let (interest, ready) = (interest(&watched, lit), ready(&watched, &unread, lit));
    let below = ready.rows(area.width).min(ROWS_MAX.1).min(area.height / 2);
    let (above, below) = top(area, area.height.saturating_sub(below).min(interest.rows(area.width)));
    interest.draw(paint, above, Role::Plain);
    ready.draw(paint, below, if unread.is_empty() { Role::Number } else { Role::Warn });
}
