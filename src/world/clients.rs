//! What the clients of all rounds of a server counted.

use super::ServerView;
use crate::trace::ClientTotals;

impl ServerView<'_> {
    /// A sum over the clients of all measured rounds; it stays at the end of the scale once it is there.
    pub fn over_clients(&self, part: impl Fn(&ClientTotals) -> u64) -> u64 {
        self.rounds.iter().fold(0, |sum, round| sum.saturating_add(part(&round.client)))
    }
}
