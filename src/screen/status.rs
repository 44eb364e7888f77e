//! What the run is doing, in words: the first lines of the lab.

use super::number::seconds;
use super::paint::Paint;
use super::theme::Role;
use super::view::{Playhead, State, View};
use crate::lesson::{Lab, Lesson};
use crate::servers::Polls;
use crate::trace::{End, Pace};
use crate::world::{MetricId, ServerView};

/// A second without an answer is no pause between two requests any more.
const SILENCE_NS_MIN: u64 = 1_000_000_000;

/// A glyph, a sentence and how grave it is; nothing when all goes as it should and says so elsewhere.
pub(super) fn lines(
    paint: &Paint,
    view: &View,
    lesson: &Lesson,
    lab: &Lab,
    servers: &[ServerView<'_>],
) -> Vec<(&'static str, String, Role)> {
    let glyphs = paint.glyphs();
    let mut lines = Vec::new();
    let Some(state) = view.state(lesson) else { return lines };
    if let Some(why) = view.recorded() {
        lines.push((glyphs.recorded, format!("a recorded run: {why}"), Role::Warn));
    }
    match state {
        State::Failed(why) => lines.push((glyphs.bad, format!("{why}; r tries again"), Role::Bad)),
        State::Starting => {
            lines.push((glyphs.open, format!("starting {}", lab.servers.join(", ")), Role::Warn));
        }
        State::Over if view.playhead == Playhead::Live && servers.is_empty() => {
            lines.push((
                glyphs.stopped,
                "stopped before anything was seen; space runs it again".into(),
                Role::Quiet,
            ));
        }
        State::Running if matches!(view.playhead, Playhead::Frozen(_)) && view.recorded().is_none() => {
            lines.push((
                glyphs.frozen,
                "the load rests; , and . step through what was seen".into(),
                Role::Warn,
            ));
        }
        State::Running if takes_turns(servers) && view.recorded().is_none() => {
            let now = servers.iter().find(|server| server.is_under_way()).map(|server| server.name);
            let now = now.map(|name| format!("; now {name}")).unwrap_or_default();
            let says = format!("whoever polls takes turns with the others, or they would starve{now}");
            lines.push((glyphs.live, says, Role::Quiet));
        }
        State::Running | State::Over => {}
    }
    for server in servers {
        if let Some(refusal) = server.refused() {
            let mut says = format!("{} was refused: {}", server.name, refusal.says);
            if !refusal.try_this.is_empty() {
                says = format!("{says}; try: {}", refusal.try_this);
            }
            lines.push((glyphs.bad, says, Role::Bad));
            continue;
        }
        match server.runs.last().and_then(|run| run.end.as_ref()) {
            Some(End::ServerGone { says }) => {
                lines.push((
                    glyphs.bad,
                    format!("{} is gone: {says}; r starts it again", server.name),
                    Role::Bad,
                ));
            }
            Some(End::ClientFailed { says }) => {
                lines.push((
                    glyphs.bad,
                    format!("the client of {} could not go on: {says}", server.name),
                    Role::Bad,
                ));
            }
            _ => {}
        }
        let hides = view.is_hidden(lesson, server.name, MetricId::VoluntarySwitchesPerSyscall);
        let burden = server.burden(servers, hides).map(|says| format!("{}: {says}", server.name));
        lines.extend(burden.map(|says| (glyphs.warn, says, Role::Plain)));
        if let Some(run) = server.runs.last().filter(|run| run.is_observed()) {
            let remarks =
                run.remarks.iter().map(|says| (glyphs.warn, format!("{}: {says}", server.name), Role::Quiet));
            lines.extend(remarks);
            // What a program prints has no place of its own while the screen has the terminal.
            let printed =
                run.said.last().map(|line| (glyphs.bullet, format!("it printed: {line}"), Role::Quiet));
            lines.extend(printed);
        }
        let silent = silence(server).map(|says| format!("{}: {says}", server.name));
        lines.extend(silent.map(|says| (glyphs.warn, says, Role::Warn)));
        let late = server.lateness().map(|says| format!("{}: {says}", server.name));
        lines.extend(late.map(|says| (glyphs.warn, says, Role::Quiet)));
    }
    lines
}

/// Whether some of these cannot run at the same time.
fn takes_turns(servers: &[ServerView<'_>]) -> bool {
    let polls = |server: &ServerView<'_>| server.server.is_some_and(|server| server.polls != Polls::Never);
    servers.len() > 1 && servers.iter().any(polls)
}

/// A server that owes answers and gives none, or gave none until it was given up.
pub(crate) fn silence(server: &ServerView<'_>) -> Option<String> {
    let run = server.runs.last()?;
    let (silent_ns, waiting) = run.silence(server.load().pace == Pace::Max)?;
    let time = seconds(silent_ns);
    let says = match (run.end.is_some(), waiting) {
        (false, 1) => format!("no answer for {time}, 1 request waits for one"),
        (false, _) => format!("no answer for {time}, {waiting} requests wait for one"),
        (true, 1) => format!("no answer in its last {time}, 1 request was given up"),
        (true, _) => format!("no answer in its last {time}, {waiting} requests were given up"),
    };
    (silent_ns >= SILENCE_NS_MIN).then_some(says)
}
