//! How long one descriptor kept others waiting that were reported together with it.

use serde::{Deserialize, Serialize};

use super::Called;
use super::few::Few;
use crate::trace::is_wait;

/// The longest turn that somebody else had to wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongTurns {
    /// Reads of one descriptor in a row, each but the last of which filled its buffer, while others that had been
    /// reported with it had not had their turn.
    pub reads: u64,
    /// Bytes that they brought.
    pub bytes: u64,
    /// How many others waited.
    pub waited: u64,
    /// What each thread is at since its last wait.
    now: Few<u32, Turn>,
}

/// A turn under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Turn {
    /// Descriptors that were reported and have not had their turn.
    others: u64,
    /// Whose turn it is.
    fd: Option<i32>,
    /// Reads so far.
    reads: u64,
    /// Bytes that they brought.
    bytes: u64,
    /// Whether the last of them left room in its buffer, or found nothing: there was no more.
    over: bool,
}

impl LongTurns {
    pub(super) fn called(&mut self, call: Called<'_>) {
        if is_wait(call.name) {
            // Whose turn comes next was not begun with.
            let others = u64::try_from(call.result).unwrap_or(0);
            self.now.insert(call.tid, Turn { others, ..Turn::default() });
            return;
        }
        if !call.is_read() {
            return;
        }
        let Some(turn) = self.now.get_mut(&call.tid) else { return };
        if turn.fd != Some(call.fd()) {
            *turn = Turn { others: turn.others.saturating_sub(1), fd: Some(call.fd()), ..Turn::default() };
        }
        if turn.over || turn.others == 0 {
            return;
        }
        let bytes = u64::try_from(call.result).unwrap_or(0);
        turn.over = bytes < call.args[2];
        (turn.reads, turn.bytes) = (turn.reads.saturating_add(1), turn.bytes.saturating_add(bytes));
        if turn.reads > self.reads {
            (self.reads, self.bytes, self.waited) = (turn.reads, turn.bytes, turn.others);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        if other.reads > self.reads {
            (self.reads, self.bytes, self.waited) = (other.reads, other.bytes, other.waited);
        }
        other.now.iter().for_each(|(tid, turn)| self.now.insert(*tid, *turn));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(calls: &[(&str, u64, i64)]) -> (u64, u64, u64) {
        let mut turns = LongTurns::default();
        for (name, fd, result) in calls {
            turns.called(Called { tid: 1, name, args: &[*fd, 0, 100, 0, 0, 0], result: *result });
        }
        (turns.reads, turns.bytes, turns.waited)
    }

    #[test]
    fn a_turn_is_long_for_those_who_wait_for_theirs() {
        let (loud, quiet) = (("read", 4, 100), ("read", 5, 6));
        let both = ("epoll_wait", 3, 2);
        assert_eq!(after(&[both, loud, loud, loud, ("read", 4, -11), quiet]), (4, 300, 1));
        assert_eq!(after(&[both, loud, quiet, both, loud, quiet]), (1, 100, 1));
        assert_eq!(after(&[both, quiet, loud, loud, loud]), (1, 6, 1), "the last one keeps nobody waiting");
        assert_eq!(after(&[both, quiet, quiet, quiet]), (1, 6, 1), "it had said all");
        assert_eq!(after(&[("epoll_wait", 3, 1), loud, loud]), (0, 0, 0), "nobody else was reported");
        assert_eq!(after(&[both, loud, ("write", 9, 100), loud]), (2, 200, 1), "with something in between");
    }
}
