//! Reads of a few bytes, one after another from the same descriptor.

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::{Called, add};

/// Who asks for no more than this asks again soon. Counters and timers have 8 bytes, the lengths that stand before
/// messages 2, 4 or 8: those are read once, and then something else is done.
const TINY_BYTES: u64 = 16;

/// Reads that got the few bytes they asked for, right after one that did, from the same descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TinyReads {
    /// How many there were.
    pub in_a_row: u64,
    /// Bytes that they brought.
    pub bytes: u64,
    /// Threads whose last call was such a read, and from where.
    last: Few<u32, i32>,
}

impl TinyReads {
    pub(super) fn called(&mut self, call: Called<'_>) {
        let asked = call.args[2];
        let is_tiny = call.is_read() && (1..=TINY_BYTES).contains(&asked);
        let before = self.last.remove(&call.tid);
        if !is_tiny || u64::try_from(call.result) != Ok(asked) {
            return;
        }
        if before == Some(call.fd()) {
            add(&mut self.in_a_row, 1);
            add(&mut self.bytes, asked);
        }
        self.last.insert(call.tid, call.fd());
    }

    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.in_a_row, other.in_a_row);
        add(&mut self.bytes, other.bytes);
        other.last.iter().for_each(|(tid, fd)| self.last.insert(*tid, *fd));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(calls: &[(u32, &str, u64, u64, i64)]) -> u64 {
        let mut reads = TinyReads::default();
        for (tid, name, fd, bytes, result) in calls {
            reads.called(Called { tid: *tid, name, args: &[*fd, 0, *bytes, 0, 0, 0], result: *result });
        }
        reads.in_a_row
    }

    #[test]
    fn byte_after_byte_is_counted_and_nothing_else() {
        let byte = (1, "read", 4, 1, 1);
        assert_eq!(after(&[byte; 5]), 4);
        assert_eq!(after(&[byte, (1, "write", 5, 1, 1), byte]), 0, "handed to and fro");
        assert_eq!(after(&[byte, (2, "write", 5, 1, 1), byte]), 1, "another thread's");
        assert_eq!(after(&[byte, (1, "read", 5, 1, 1), byte]), 0);
        assert_eq!(
            after(&[(1, "read", 4, 4, 4), (1, "read", 4, 900, 900), (1, "read", 4, 4, 4)]),
            0,
            "lengths"
        );
        assert_eq!(after(&[(1, "read", 4, 16, 3); 3]), 0, "there was no more");
        assert_eq!(after(&[(1, "read", 4, 64, 64); 3]), 0);
    }
}
