//! What the focused number is: its row of the catalogue, with the real process in the command.

use super::labelled;
use crate::lesson::{Lab, Show};
use crate::screen::check;
use crate::screen::number::Scale;
use crate::screen::paint::{width, wrap};
use crate::screen::text::Line;
use crate::screen::theme::{Role, Theme};
use crate::screen::update::Stage;
use crate::screen::view::{Focus, State, View, metrics};
use crate::screen::widget::about;
use crate::world::{Measured, MetricId, ServerView};

pub(super) fn lines(
    view: &View,
    stage: &Stage<'_>,
    servers: &[ServerView<'_>],
    columns: u16,
    theme: Theme,
) -> Vec<Line> {
    let Some(lab) = view.lab(stage.lesson) else { return Vec::new() };
    // A run of another step's lab says nothing about this one.
    let servers = if view.state(stage.lesson).is_some() { servers } else { &[] };
    let running = matches!(view.state(stage.lesson), Some(State::Running));
    let live = running && view.recorded().is_none();
    match view.focus {
        Focus::Panel(part) => part_lines(part, lab, servers, live, columns),
        Focus::Number { row, column } => {
            let (Some(id), Some(name)) = (metrics(lab).get(row).copied(), lab.servers.get(column)) else {
                return Vec::new();
            };
            let server = servers.iter().find(|server| server.name == name);
            let hidden = view.is_hidden(stage.lesson, name, id);
            number_lines(id, name, server, (hidden, live), columns, theme)
        }
        Focus::Text | Focus::Typing { .. } => Vec::new(),
    }
}

fn number_lines(
    id: MetricId,
    name: &str,
    server: Option<&ServerView<'_>>,
    (hidden, live): (bool, bool),
    columns: u16,
    theme: Theme,
) -> Vec<Line> {
    let row = id.row();
    let what = format!("{}, {}", row.label, row.unit);
    let of = [("  of ".to_owned(), Role::Plain), (name.to_owned(), Role::Code)];
    let mut lines = title(&what, columns);
    match lines.last_mut() {
        Some(last) if columns_of(last).saturating_add(columns_of(&of)) <= columns => last.extend(of),
        _ => lines.push(of.into()),
    }
    lines.push(Line::new());
    let measured = server.and_then(|server| server.metric(id));
    lines.extend(labelled(
        "value",
        &value(id, measured.as_ref(), server.is_some(), hidden, theme),
        Role::Number,
        columns,
    ));
    if let Some(rung) = measured.as_ref().and_then(Measured::rung) {
        lines.extend(labelled("rung", rung.word(), Role::Plain, columns));
    }
    lines.extend(labelled("means", row.meaning, Role::Plain, columns));
    lines.extend(labelled("measured", row.how, Role::Plain, columns));
    lines.extend(labelled("error", row.error, Role::Plain, columns));
    let check = check::of_number(id, name, server, live);
    lines.extend(labelled("check it", &check, Role::Code, columns));
    lines
}

fn title(text: &str, columns: u16) -> Vec<Line> {
    wrap(text, columns).into_iter().map(|line| vec![(line, Role::Title)]).collect()
}

fn columns_of(line: &[(String, Role)]) -> u16 {
    line.iter().map(|(text, _)| width(text)).fold(0, u16::saturating_add)
}

fn value(id: MetricId, measured: Option<&Measured>, ran: bool, hidden: bool, theme: Theme) -> String {
    match measured {
        _ if hidden => "yours to predict first".into(),
        Some(Measured::Known { value, spread, .. }) => {
            let scale = Scale::of(id, *value, theme.glyphs());
            let spread = spread.map(|spread| format!(" +/- {}", scale.text(spread))).unwrap_or_default();
            format!("{}{spread} {}", scale.text(*value), scale.unit)
        }
        Some(Measured::Unknown { why, .. }) => format!("not known: {why}"),
        None if ran => "does not apply here".into(),
        None => "not run yet".into(),
    }
}

fn part_lines(part: Show, lab: &Lab, servers: &[ServerView<'_>], live: bool, columns: u16) -> Vec<Line> {
    let about = about(part);
    let check = check::of_part(part, lab, servers, live);
    let mut lines = title(about.title, columns);
    lines.push(Line::new());
    lines.extend(labelled("means", about.meaning, Role::Plain, columns));
    lines.extend(labelled("measured", about.how, Role::Plain, columns));
    lines.extend(labelled("error", about.error, Role::Plain, columns));
    lines.extend(labelled("check it", &check, Role::Code, columns));
    lines
}
