//! The entries of a trial's rings, told at the edges of its calls: there its thread stands still, so what was
//! written to the rings since the last edge can be read in peace.

use std::collections::BTreeMap;

use crate::probe::ring::Rings;
use crate::trace::Story;

/// The call that makes a ring.
const SETUP: &str = "io_uring_setup";

/// What has been told of a process's rings.
#[derive(Debug)]
pub struct Entries {
    pid: u32,
    rings: Option<Rings>,
    /// SQEs and CQEs that were told, by ring: both queues count on for ever.
    told: BTreeMap<i32, (u64, u64)>,
}

impl Entries {
    /// Nothing was told yet.
    pub fn new(pid: u32) -> Self {
        Self { pid, rings: None, told: BTreeMap::new() }
    }

    /// What has come into the rings since the last edge.
    pub fn at(&mut self, edge: &Story) -> Vec<Story> {
        if let Story::Exit { name, result: 0.., .. } = edge
            && name == SETUP
        {
            self.look_for_rings();
        }
        let mut news = Vec::new();
        let Some(rings) = &mut self.rings else { return news };
        // The program is the one who moves the SQ's tail and the CQ's head, and it stands still.
        let totals = rings.totals();
        for pending in rings.pending() {
            let Some(ring) = totals.iter().find(|ring| ring.fd == pending.fd) else { continue };
            let told = self.told.entry(pending.fd).or_default();
            let first = ring.sq_tail.saturating_sub(pending.sqes.len() as u64);
            let sqes = (first..).zip(pending.sqes);
            for (_, sqe) in sqes.filter(|(at, _)| *at >= told.0) {
                news.push(Story::Sqe {
                    ring: pending.fd,
                    operation: sqe.operation,
                    fd: sqe.fd,
                    len: sqe.len,
                    flags: sqe.flags,
                    user_data: sqe.user_data,
                    tid: None,
                });
            }
            let cqes = (ring.cq_head..).zip(pending.cqes);
            let after = cqes.clone().map(|(at, _)| at + 1).last().unwrap_or(told.1);
            for (_, cqe) in cqes.filter(|(at, _)| *at >= told.1) {
                news.push(Story::Cqe {
                    ring: pending.fd,
                    user_data: cqe.user_data,
                    result: cqe.res,
                    flags: cqe.flags,
                    tid: None,
                });
            }
            *told = (told.0.max(ring.sq_tail), told.1.max(after));
        }
        news
    }

    /// Where rings cannot be read, the story goes without their entries.
    fn look_for_rings(&mut self) {
        match &mut self.rings {
            Some(rings) => {
                let _ = rings.rescan();
            }
            none => *none = Rings::open(self.pid).ok(),
        }
    }
}
