//! The one thing that is followed: chosen in a picture, or request by request.

use super::Stage;
use super::time::rest_at;
use crate::lesson::Show;
use crate::screen::view::{Focus, View};
use crate::trace::{Record, Story, Trace};
use crate::world::follow;
use crate::world::spot::{Spot, What, fd_of, offered, request_beside, told_run};

/// The run that the learner looks at: that of the spot, else the one that tells most about this instant, of the
/// server in focus or else of the last one, which is the lesson's point.
fn run_of(view: &View, stage: &Stage<'_>, trace: &Trace) -> Option<usize> {
    if let Some(spot) = view.spot {
        return Some(spot.run);
    }
    let lab = view.lab(stage.lesson)?;
    let focused = match view.focus {
        Focus::Number { column, .. } => lab.servers.get(column),
        _ => None,
    };
    let names = focused.into_iter().chain(lab.servers.iter().rev());
    let indices = names.filter_map(|name| trace.header().servers.iter().position(|server| server == name));
    let told = |server: usize| told_run(trace, u32::try_from(server).ok()?, view.t_ns());
    indices.filter_map(told).next()
}

/// The playhead on a run's own clock.
fn own_ns(view: &View, trace: &Trace, run: usize) -> u64 {
    let t_ns = view.t_ns().min(trace.end_ns());
    trace.runs().get(run).and_then(|run| run.own_ns(t_ns)).unwrap_or(0)
}

/// Follows the next request, or the one before; the first time, the one that is under way here or the last before.
pub(super) fn request(view: &mut View, stage: &Stage<'_>, forward: bool) {
    let Some(trace) = stage.trace else { return };
    let Some(run) = run_of(view, stage, trace) else {
        view.notice = Some("no window has told of requests one by one yet".into());
        return;
    };
    let here = view.spot.and_then(|spot| follow::request_of(trace, &spot));
    let found = match here {
        Some(spot) => request_beside(trace, run, spot.t_ns, forward),
        None => {
            let own_ns = own_ns(view, trace, run);
            let before = request_beside(trace, run, own_ns.saturating_add(1), false);
            before.or_else(|| request_beside(trace, run, own_ns, true))
        }
    };
    match found {
        Some(spot) => set(view, stage, spot),
        None if here.is_some() => {
            view.notice = Some(if forward { "no later request" } else { "no earlier request" }.into());
        }
        None => view.notice = Some("no request was noted one by one here".into()),
    }
}

/// Follows a spot. At rest, the instant goes to where its story is whole.
fn set(view: &mut View, stage: &Stage<'_>, spot: Spot) {
    view.spot = Some(spot);
    let Some(trace) = stage.trace.filter(|_| view.is_at_rest()) else { return };
    let Some(run) = trace.runs().get(spot.run) else { return };
    let end_ns = follow::follow(trace, &spot).map_or(spot.t_ns, |story| story.span_ns().1);
    let _ = rest_at(view, stage, run.began_ns.saturating_add(end_ns));
}

/// Follows what the part in focus shows; what is followed already is let go.
pub(super) fn pick(view: &mut View, stage: &Stage<'_>) {
    let offers = offers(view, stage);
    let chosen = view.spot.filter(|spot| offers.iter().any(|offer| offer.what == spot.what));
    match (chosen, offers.last()) {
        (Some(_), _) => view.spot = None,
        (None, Some(spot)) => set(view, stage, *spot),
        (None, None) => view.notice = Some("nothing in this picture can be followed here".into()),
    }
}

/// To what the part in focus offers beside the one that is followed; whether there is such a part.
pub(super) fn another(view: &mut View, stage: &Stage<'_>, forward: bool) -> bool {
    let (Focus::Panel(_), Some(spot)) = (&view.focus, view.spot) else { return false };
    let offers = offers(view, stage);
    let Some(at) = offers.iter().position(|offer| offer.what == spot.what) else { return false };
    let next = if forward { at.checked_add(1) } else { at.checked_sub(1) };
    match next.and_then(|next| offers.get(next)) {
        Some(offer) => view.spot = Some(*offer),
        None => view.notice = Some("this is the last one that is shown".into()),
    }
    true
}

/// What the part in focus offers, oldest first.
fn offers(view: &View, stage: &Stage<'_>) -> Vec<Spot> {
    let (Focus::Panel(part), Some(trace)) = (&view.focus, stage.trace) else { return Vec::new() };
    let Some(run) = run_of(view, stage, trace) else { return instant(view, trace) };
    let here_ns = own_ns(view, trace, run).max(view.spot.map_or(0, |spot| spot.t_ns));
    let requests = |story: &Story| match story {
        Story::Sent { port, ordinal } => Some(What::Request { port: *port, ordinal: *ordinal }),
        _ => None,
    };
    match part {
        Show::Story => offered(trace, run, here_ns, |story| match story {
            Story::Enter { name, args, .. } => fd_of(name, args).map(What::Fd),
            Story::Sqe { user_data, .. } | Story::Cqe { user_data, .. } => Some(What::UserData(*user_data)),
            _ => None,
        }),
        Show::Rings | Show::Batches => offered(trace, run, here_ns, |story| match story {
            Story::Sqe { user_data, .. } | Story::Cqe { user_data, .. } => Some(What::UserData(*user_data)),
            _ => None,
        }),
        Show::Interest => watched(trace, run, here_ns),
        Show::Lanes | Show::Receipt | Show::Follow => offered(trace, run, here_ns, requests),
        _ => instant(view, trace),
    }
}

/// The descriptors of the interest lists that the run's process was last seen with.
fn watched(trace: &Trace, run: usize, own_ns: u64) -> Vec<Spot> {
    let Some(of) = trace.runs().get(run) else { return Vec::new() };
    let same = trace.runs().iter().filter(|other| other.start.pid == of.start.pid);
    let sets = same.filter_map(|run| {
        run.readings().rev().find_map(|(_, record)| match record {
            Record::EpollSets { sets } => Some(sets),
            _ => None,
        })
    });
    let mut fds: Vec<i32> = sets.flatten().flat_map(|set| &set.interest).map(|one| one.fd).collect();
    fds.sort_unstable();
    fds.dedup();
    fds.into_iter().map(|fd| Spot { run, t_ns: own_ns, what: What::Fd(fd) }).collect()
}

/// The instant, where there is nothing else.
fn instant(view: &View, trace: &Trace) -> Vec<Spot> {
    let t_ns = view.t_ns().min(trace.end_ns());
    let run = trace.runs().iter().rposition(|run| run.began_ns <= t_ns);
    let spot = |run: usize| Spot { run, t_ns: own_ns(view, trace, run), what: What::Instant };
    run.map(spot).into_iter().collect()
}
