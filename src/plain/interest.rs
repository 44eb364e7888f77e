//! Interest lists as lines: which descriptors are watched, and for what.

use crate::trace::{EpollSet, Interest};
use crate::world::ServerView;

/// What is told of each epoll set: neighbours that are watched for the same stand together.
pub(super) fn lines(view: &ServerView<'_>) -> Vec<String> {
    view.latest().map(|run| run.epoll_sets.as_slice()).unwrap_or_default().iter().map(line).collect()
}

fn line(set: &EpollSet) -> String {
    // The kernel lists them in the order of its tree.
    let mut all = set.interest.clone();
    all.sort_unstable_by_key(|interest| interest.fd);
    let mut runs: Vec<(i32, i32, u32)> = Vec::new();
    for interest in &all {
        match runs.last_mut() {
            Some((_, last, events))
                if last.checked_add(1) == Some(interest.fd) && *events == interest.events =>
            {
                *last = interest.fd;
            }
            _ => runs.push((interest.fd, interest.fd, interest.events)),
        }
    }
    let each: Vec<_> = runs.into_iter().map(run).collect();
    format!(
        "interest list of epoll fd {} (epoll-set), {} descriptors: {}",
        set.fd,
        set.interest.len(),
        each.join(", ")
    )
}

fn run((first, last, events): (i32, i32, u32)) -> String {
    let flags = Interest::names(events).join("|");
    if first == last { format!("fd {first} {flags}") } else { format!("fd {first} to {last} {flags}") }
}
