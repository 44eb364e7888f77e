//! What belongs to the one thing that is looked at: pictures light it and dim the rest.

use std::collections::BTreeSet;

use super::follow::{self, Followed};
use super::spot::{Spot, What, fd_of};
use super::{Call, RingEntry};
use crate::trace::Trace;

/// What is lit.
#[derive(Clone, Debug, PartialEq)]
pub struct Lit {
    /// The thing itself.
    pub spot: Spot,
    /// Which of the header's servers.
    pub server: u32,
    /// What it is, in a few words.
    pub title: String,
    /// The request's story, where there is one.
    pub followed: Option<Followed>,
    fds: BTreeSet<i32>,
    names: BTreeSet<u64>,
    /// From when to when it is about, nanoseconds since the run's zero.
    span_ns: (u64, u64),
}

impl Lit {
    /// What belongs to a spot; `None` where its run is gone.
    pub fn of(trace: &Trace, spot: &Spot) -> Option<Self> {
        let server = trace.runs().get(spot.run)?.start.server;
        let followed = follow::follow(trace, spot);
        let mut fds: BTreeSet<i32> = followed.iter().filter_map(|story| story.fd).map(|(fd, _)| fd).collect();
        let mut names = followed.as_ref().map(|story| story.names.clone()).unwrap_or_default();
        match spot.what {
            What::Fd(fd) => {
                fds.insert(fd);
            }
            What::UserData(name) => {
                names.insert(name);
            }
            What::Request { .. } | What::Instant => {}
        }
        let span_ns = followed.as_ref().map_or((spot.t_ns, spot.t_ns), Followed::span_ns);
        let title = match (&followed, spot.what) {
            (Some(story), What::Request { .. }) => story.title.clone(),
            (Some(story), _) => format!("{}: {}", spot.words(trace), story.title),
            (None, _) => spot.words(trace),
        };
        Some(Self { spot: *spot, server, title, followed, fds, names, span_ns })
    }

    /// Whether a descriptor belongs to it.
    pub fn has_fd(&self, fd: i32) -> bool {
        self.fds.contains(&fd)
    }

    /// Whether entries of this name do.
    pub fn has_name(&self, user_data: u64) -> bool {
        self.names.contains(&user_data)
    }

    /// The names of its entries.
    pub fn names(&self) -> impl Iterator<Item = &u64> {
        self.names.iter()
    }

    /// Whether a call does.
    pub fn has_call(&self, call: &Call) -> bool {
        self.has_asked(call.tid, call.t_ns, &call.name, &call.args, call.until_ns)
    }

    /// The same of a call that is told by its parts.
    pub fn has_asked(&self, tid: u32, t_ns: u64, name: &str, args: &[u64; 6], back_ns: Option<u64>) -> bool {
        match &self.followed {
            Some(story) => story.calls.contains(&(tid, t_ns)),
            None if self.spot.what == What::Instant => {
                t_ns <= self.spot.t_ns && back_ns.is_none_or(|back_ns| back_ns >= self.spot.t_ns)
            }
            None => fd_of(name, args).is_some_and(|fd| self.has_fd(fd)),
        }
    }

    /// Whether an entry of a ring does.
    pub fn has_entry(&self, entry: &RingEntry) -> bool {
        self.has_entry_at(entry.t_ns, entry.user_data)
    }

    /// The same of an entry that is told by its parts.
    pub fn has_entry_at(&self, t_ns: u64, user_data: u64) -> bool {
        let (from_ns, to_ns) = self.span_ns;
        let in_time = self.followed.is_none() || (from_ns..=to_ns).contains(&t_ns);
        self.has_name(user_data) && in_time
    }

    /// Whether a request does.
    pub fn has_request(&self, port: u16, ordinal: u64) -> bool {
        let of = self.followed.as_ref().map_or(self.spot.what, |story| story.spot.what);
        of == What::Request { port, ordinal }
    }

    /// Whether a thread takes part; `None` where that is not known.
    pub fn has_thread(&self, tid: u32) -> Option<bool> {
        let story = self.followed.as_ref()?;
        (!story.calls.is_empty()).then(|| story.calls.iter().any(|(of, _)| *of == tid))
    }
}
