//! The entries of a server's rings, told at the edges of its calls: there its thread stands still, and what was
//! written to the rings since the last edge can be read, whether or not it was taken meanwhile.

use std::collections::BTreeMap;

use crate::probe::ring::Rings;
use crate::trace::Story;

/// What has been told of a process's rings.
pub(super) struct Entries {
    rings: Option<Rings>,
    /// Where the tails of both queues stood, by ring.
    tails: BTreeMap<i32, (u32, u32)>,
}

impl Entries {
    /// Those of a process whose rings exist already; what stands there now is old. Where rings cannot be read, the
    /// story goes without their entries.
    pub fn of(pid: u32) -> Self {
        let rings = Rings::open(pid).ok().filter(|rings| !rings.is_empty());
        let mut entries = Self { rings, tails: BTreeMap::new() };
        entries.news();
        entries
    }

    /// What has come into the rings since the last edge.
    pub fn news(&mut self) -> Vec<Story> {
        let Some(rings) = &self.rings else { return Vec::new() };
        let mut news = Vec::new();
        for written in rings.written_since(&mut self.tails) {
            let ring = written.fd;
            news.extend(written.sqes.into_iter().map(|sqe| Story::Sqe {
                ring,
                operation: sqe.operation,
                fd: sqe.fd,
                len: sqe.len,
                flags: sqe.flags,
                user_data: sqe.user_data,
                tid: None,
            }));
            news.extend(written.cqes.into_iter().map(|cqe| Story::Cqe {
                ring,
                user_data: cqe.user_data,
                result: cqe.res,
                flags: cqe.flags,
                tid: None,
            }));
        }
        news
    }
}
