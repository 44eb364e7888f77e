//! What the focused number is: its row of the catalogue, with the real process in the command.

use super::labelled;
use crate::lesson::{Kind, Lab, Show};
use crate::screen::number::Scale;
use crate::screen::text::Line;
use crate::screen::theme::{Role, Theme};
use crate::screen::update::Stage;
use crate::screen::view::{Focus, View, metrics};
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
    match view.focus {
        Focus::Panel(part) => part_lines(part, lab, servers, columns),
        Focus::Number { row, column } => {
            let (Some(id), Some(name)) = (metrics(lab).get(row).copied(), lab.servers.get(column)) else {
                return Vec::new();
            };
            let server = servers.iter().find(|server| server.name == name);
            let hidden = view.is_hidden(stage.lesson, name, id);
            number_lines(id, name, server, hidden, columns, theme)
        }
        Focus::Text | Focus::Typing { .. } => Vec::new(),
    }
}

fn number_lines(
    id: MetricId,
    name: &str,
    server: Option<&ServerView<'_>>,
    hidden: bool,
    columns: u16,
    theme: Theme,
) -> Vec<Line> {
    let row = id.row();
    let mut lines = vec![vec![
        (format!("{}, {}", row.label, row.unit), Role::Title),
        ("  of ".into(), Role::Plain),
        (name.to_owned(), Role::Code),
    ]];
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
    let check = match row.check {
        "" => "only the client knows; no other program sees both ends of a request".to_owned(),
        check => check.replace("{pid}", &pid(server)).replace("{name}", name),
    };
    lines.extend(labelled("check it", &check, Role::Code, columns));
    lines
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

/// The process, if it still runs or ran; a shell variable to be filled in otherwise.
fn pid(server: Option<&ServerView<'_>>) -> String {
    let pid = server.and_then(ServerView::latest).map(|run| run.start.pid);
    pid.map_or_else(|| "$(pgrep -f 'iolab serve')".into(), |pid| pid.to_string())
}

fn part_lines(part: Show, lab: &Lab, servers: &[ServerView<'_>], columns: u16) -> Vec<Line> {
    let about = about(part);
    let server = lab.servers.iter().rev().find_map(|name| {
        let server = servers.iter().find(|server| server.name == name)?;
        (about.ring_only <= server.has_ring()).then_some(server)
    });
    let check = match lab.kind {
        Kind::Servers => about.check.replace("{pid}", &pid(server)),
        Kind::Trials => {
            check_of_trial(part, server.map(|server| server.name).or(lab.servers.last().map(String::as_str)))
        }
    };
    let mut lines = vec![vec![(about.title.to_owned(), Role::Title)], Line::new()];
    lines.extend(labelled("means", about.meaning, Role::Plain, columns));
    lines.extend(labelled("measured", about.how, Role::Plain, columns));
    lines.extend(labelled("error", about.error, Role::Plain, columns));
    lines.extend(labelled("check it", &check, Role::Code, columns));
    lines
}

/// A trial's process is gone when anybody reads this: it is run again.
fn check_of_trial(part: Show, name: Option<&str>) -> String {
    let name = name.unwrap_or_default();
    match part {
        Show::Names => format!("strace -f -c iolab trial {name}"),
        Show::Lanes => format!("strace -f -r iolab trial {name}"),
        Show::Switches => format!("sudo perf stat -e context-switches iolab trial {name}"),
        Show::Rings | Show::Poller | Show::Interest => format!("iolab trial {name} --watch"),
        _ => format!("strace -f iolab trial {name}"),
    }
}
