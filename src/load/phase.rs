//! Where a run stands, and how long it waits for a silent server.

/// How long a server may be silent before its answers are given up: after the last request, or where nothing
/// else can come before them.
const PATIENCE_NS: u64 = 2_000_000_000;

/// And how long where somebody waits for the pause that they asked for.
const PATIENCE_PAUSED_NS: u64 = 700_000_000;

/// Where a run stands.
#[derive(Debug)]
pub enum Phase {
    /// No run is on.
    Resting,
    /// Requests are sent.
    Running {
        /// Requests that are still to be sent; `None` without bound.
        left: Option<u64>,
        /// When to stop.
        end_ns: Option<u64>,
    },
    /// No request is added any more; answers are under way since then, and may take so long.
    Draining {
        /// Since when.
        since_ns: u64,
        /// For how long the server may be silent.
        patience_ns: u64,
    },
}

impl Phase {
    /// The phase after the last request.
    pub fn draining(since_ns: u64) -> Self {
        Self::Draining { since_ns, patience_ns: PATIENCE_NS }
    }

    /// Somebody waits for the end: answers get less time.
    pub fn hurry(&mut self) {
        if let Self::Draining { patience_ns, .. } = self {
            *patience_ns = PATIENCE_PAUSED_NS;
        }
    }

    /// Requests that are still to be sent; `None` without bound.
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Running { left, .. } => *left,
            Self::Resting | Self::Draining { .. } => Some(0),
        }
    }

    /// When a server has been waited for long enough that was last heard of at `heard_ns`.
    ///
    /// A run without any bound is watched by somebody who ends it; one that has an end in time comes to it;
    /// requests at a pace go on whatever is answered. But a closed loop of so many requests would wait for
    /// ever.
    pub fn patience_ends_ns(&self, heard_ns: u64, is_closed_loop: bool) -> Option<u64> {
        let (since_ns, patience_ns) = match *self {
            Self::Draining { since_ns, patience_ns } => (since_ns, patience_ns),
            Self::Running { left: Some(_), end_ns: None } if is_closed_loop => (0, PATIENCE_NS),
            Self::Resting | Self::Running { .. } => return None,
        };
        Some(since_ns.max(heard_ns).saturating_add(patience_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_server_is_waited_for_until_nothing_else_can_come() {
        let running = |left, end_ns| Phase::Running { left, end_ns };
        let closed_loop = running(Some(5), None);
        assert_eq!(closed_loop.patience_ends_ns(10, true), Some(10 + PATIENCE_NS));
        assert_eq!(closed_loop.patience_ends_ns(10, false), None, "the next request is sent all the same");
        assert_eq!(running(None, None).patience_ends_ns(10, true), None);
        assert_eq!(running(Some(5), Some(99)).patience_ends_ns(10, true), None, "it ends by itself");
        let mut draining = Phase::draining(20);
        assert_eq!(draining.patience_ends_ns(10, false), Some(20 + PATIENCE_NS));
        draining.hurry();
        assert_eq!(draining.patience_ends_ns(30, false), Some(30 + PATIENCE_PAUSED_NS), "bytes came");
    }
}
