//! The entries of a server's rings, told while a window is open: seen as they pass by, so also those of a ring whose
//! kernel thread takes submissions without a call.

use std::sync::Arc;

use super::recorder::Recorder;
use crate::probe::ring::{Mirroring, Passed};
use crate::trace::{Record, RunId, Story};

/// A mirror at work.
pub struct Mirror(Mirroring);

impl Mirror {
    /// Begins to tell; `None` where the rings cannot be read, and then the story goes without their entries.
    pub fn start(pid: u32, recorder: Arc<Recorder>, run: RunId, zero_ns: u64) -> Option<Self> {
        let tell = move |at_ns: u64, ring, passed| {
            let t_ns = at_ns.saturating_sub(zero_ns);
            recorder.push(run, [(t_ns, Record::Story(story(ring, passed)))]);
        };
        Mirroring::start(pid, tell).ok().map(Self)
    }

    /// Ends it; how many completions passed that it could not tell.
    pub fn end(self) -> u64 {
        let contents = self.0.end().into_iter().filter_map(|ring| ring.contents);
        contents.fold(0, |lost, ring| lost + ring.passed.saturating_sub(ring.seen))
    }
}

fn story(ring: i32, passed: Passed) -> Story {
    match passed {
        Passed::Sqe(sqe) => Story::Sqe {
            ring,
            operation: sqe.operation,
            fd: sqe.fd,
            len: sqe.len,
            flags: sqe.flags,
            user_data: sqe.user_data,
            tid: None,
        },
        Passed::Cqe(cqe) => {
            Story::Cqe { ring, user_data: cqe.user_data, result: cqe.res, flags: cqe.flags, tid: None }
        }
    }
}
