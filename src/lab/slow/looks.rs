//! Looks at the rings of a server whose kernel thread works without a call: nothing stops there, so its rings are
//! looked at while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::sight::{Sight, sights};
use crate::probe::clock;
use crate::probe::ring::Rings;
use crate::trace::RingSight;

/// Between two looks.
const EVERY: Duration = Duration::from_micros(150);

/// Looks that are kept of one step: those at which something had moved.
const KEPT_MAX: usize = 64;

/// Rings, each with the time of the look, nanoseconds of CLOCK_MONOTONIC.
type Seen = Vec<(u64, Vec<RingSight>)>;

/// Looks under way.
pub struct Looks {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<(Rings, Seen)>>,
}

impl Looks {
    /// Begins to look, with the rings that a sight has open.
    pub fn start(sight: &mut Sight) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let rings = sight.lend_rings();
        let thread = rings.map(|rings| std::thread::spawn(move || look(rings, &told)));
        Self { stop, thread }
    }

    /// Ends it: what was seen to move, in order.
    pub fn end(self, sight: &mut Sight) -> Seen {
        self.stop.store(true, Ordering::Release);
        match self.thread.map(JoinHandle::join) {
            Some(Ok((rings, seen))) => {
                sight.take_back(rings);
                seen
            }
            _ => Vec::new(),
        }
    }
}

fn look(mut rings: Rings, stop: &AtomicBool) -> (Rings, Seen) {
    let mut before = sights(&mut rings);
    let mut seen = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let now = sights(&mut rings);
        if now != before && seen.len() < KEPT_MAX {
            seen.push((clock::monotonic_ns(), now.clone()));
            before = now;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "nothing says when a ring changes: it has to be looked at"
        )]
        std::thread::sleep(EVERY);
    }
    (rings, seen)
}
