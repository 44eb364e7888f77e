//! What the clients of all rounds of a server counted.

use super::ServerView;
use crate::trace::ClientTotals;

/// A smaller share of late requests moves no digit that is shown.
const LATE_SHARE_MIN: f64 = 0.001;

impl ServerView<'_> {
    /// A sum over the clients of all measured rounds; it stays at the end of the scale once it is there.
    pub fn over_clients(&self, part: impl Fn(&ClientTotals) -> u64) -> u64 {
        self.rounds.iter().fold(0, |sum, round| sum.saturating_add(part(&round.client)))
    }

    /// In words, that the client was late: a machine that is busy with other things keeps it from its schedule,
    /// and requests of two turns travel together. `None` where that is too rare to be seen.
    pub fn lateness(&self) -> Option<String> {
        let late = self.over_clients(|client| client.delayed);
        let sent = self.over_clients(|client| client.sent);
        (late as f64 > LATE_SHARE_MIN * sent as f64).then(|| {
            format!("the client was late with {late} of {sent} requests: counts per echo can come out lower")
        })
    }
}
