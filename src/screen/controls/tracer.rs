//! The control that has the servers stopped at each call: by nobody, from their own processor, from another one, or
//! each of these side by side.

use crate::lesson::Lab;
use crate::servers::{Column, TracedFrom};

/// The tracers that stand side by side, and what that is called.
const SETTINGS: &[(&[Option<TracedFrom>], &str)] = &[
    (&[None], "none"),
    (&[Some(TracedFrom::Same)], "same processor"),
    (&[Some(TracedFrom::Other)], "other processor"),
    (&[None, Some(TracedFrom::Same), Some(TracedFrom::Other)], "all three, side by side"),
];

/// What it stands at.
pub(super) fn value(lab: &Lab) -> &'static str {
    place(lab).map_or("of each column's own", |place| SETTINGS[place].1)
}

/// One setting further; `None` where it goes no further. What cannot be traced (a trial) stays as it is.
pub(super) fn turn(lab: &mut Lab, up: bool) -> Option<()> {
    let place = match place(lab) {
        Some(place) if up => place.checked_add(1)?,
        Some(place) => place.checked_sub(1)?,
        None => 0,
    };
    let (tracers, _) = SETTINGS.get(place)?;
    let mut bare: Vec<String> = Vec::new();
    for column in columns(lab) {
        let name = Column { traced: None, ..column }.to_string();
        if !bare.contains(&name) {
            bare.push(name);
        }
    }
    let bare = bare.iter().filter_map(|name| Column::parse(name));
    let servers: Vec<_> = bare
        .flat_map(|column| tracers.iter().map(move |&traced| Column { traced, ..column }.to_string()))
        .collect();
    if servers.is_empty() {
        return None;
    }
    lab.servers = servers;
    Some(())
}

fn columns(lab: &Lab) -> impl Iterator<Item = Column> {
    lab.servers.iter().filter_map(|name| Column::parse(name))
}

/// Which setting the lab has: every server with these tracers and no others.
fn place(lab: &Lab) -> Option<usize> {
    let mut tracers: Vec<_> = columns(lab).map(|column| column.traced).collect();
    tracers.sort();
    tracers.dedup();
    SETTINGS.iter().position(|(setting, _)| *setting == tracers)
}
