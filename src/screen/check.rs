//! Commands that show the same as a number or a part of a lab, with the real process or trial in them.

use super::widget::about;
use crate::lesson::{Kind, Lab, Show};
use crate::world::{MetricId, ServerView};

/// The command for a number of one server or trial, by its name in the lab.
///
/// `live`: whether the servers' processes are there to be looked at.
pub(crate) fn of_number(id: MetricId, name: &str, server: Option<&ServerView<'_>>, live: bool) -> String {
    match id.row().check {
        "" => "only the client knows; no other program sees both ends of a request".to_owned(),
        check => check.replace("{pid}", &pid(server, live)).replace("{name}", name),
    }
}

/// The command for a part of a lab: of the last of its servers that the part suits.
pub(crate) fn of_part(part: Show, lab: &Lab, servers: &[ServerView<'_>], live: bool) -> String {
    let about = about(part);
    let server = lab.servers.iter().rev().find_map(|name| {
        let server = servers.iter().find(|server| server.name == name)?;
        (about.ring_only <= server.has_ring()).then_some(server)
    });
    match lab.kind {
        Kind::Processes => {
            let suits = |server: &&ServerView<'_>| about.ring_only <= server.has_ring();
            let pid = servers.iter().rev().find(suits).and_then(ServerView::latest);
            about.check.replace("{pid}", &pid.map_or_else(|| "PID".into(), |run| run.start.pid.to_string()))
        }
        Kind::Servers => about.check.replace("{pid}", &pid(server, live)),
        Kind::Trials => {
            let last = lab.servers.last().map(String::as_str);
            of_trial(part, server.map(|server| server.name).or(last).unwrap_or_default())
        }
    }
}

/// The process, as long as it runs here: the number of one that is gone, or was never of this machine, may be
/// anybody's. Else a shell finds it.
fn pid(server: Option<&ServerView<'_>>, live: bool) -> String {
    let running = server.filter(|_| live).and_then(ServerView::latest).filter(|run| run.end.is_none());
    let pid = running.map(|run| run.start.pid);
    pid.map_or_else(|| "$(pgrep -f 'iolab serve')".into(), |pid| pid.to_string())
}

/// A trial's process is gone when anybody reads this: it is run again.
fn of_trial(part: Show, name: &str) -> String {
    match part {
        Show::Names => format!("strace -f -c iolab trial {name}"),
        Show::Lanes => format!("strace -f -r iolab trial {name}"),
        Show::Switches => format!("sudo perf stat -e context-switches iolab trial {name}"),
        Show::Rings | Show::Poller | Show::Interest => format!("iolab trial {name} --watch"),
        _ => format!("strace -f iolab trial {name}"),
    }
}
