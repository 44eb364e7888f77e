//! Writes that took a part of what they were given, and what became of the rest.

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::{Called, add};
use crate::trace::is_wait;

/// Writes that the kernel cut short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutWrites {
    /// How many there were.
    pub short: u64,
    /// Of those, how many had a rest that was given up: the next write began at the start of the buffer again, or
    /// the descriptor was closed at once.
    pub given_up: u64,
    /// Bytes of those rests.
    pub bytes: u64,
    /// Rests that may still be gone on with, by descriptor.
    rests: Few<i32, Rest>,
}

/// What a write has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rest {
    /// Address of the write's buffer.
    at: u64,
    /// Bytes of it that were taken.
    taken: u64,
    /// Bytes that were not.
    left: u64,
    /// Whether something was received right behind a rest that was moved to the buffer's start.
    moved: bool,
    /// Whether the program has waited since: for room, perhaps.
    waited: bool,
}

impl CutWrites {
    pub(super) fn called(&mut self, call: Called<'_>) {
        match call.name {
            _ if call.is_write() => self.wrote(call),
            _ if call.is_read() => {
                let behind = |rest: &&mut Rest| rest.at.wrapping_add(rest.left) == call.args[1];
                self.rests.values_mut().filter(behind).for_each(|rest| rest.moved = true);
            }
            "close" => {
                // Who has waited may have waited in vain, and given up for good reason.
                if let Some(rest) = self.rests.remove(&call.fd()).filter(|rest| !rest.waited) {
                    self.give_up(rest);
                }
            }
            name if is_wait(name) || name == "io_uring_enter" => {
                self.rests.values_mut().for_each(|rest| rest.waited = true);
            }
            _ => {}
        }
    }

    fn wrote(&mut self, call: Called<'_>) {
        let (fd, at, asked) = (call.fd(), call.args[1], call.args[2]);
        let Ok(taken) = u64::try_from(call.result) else {
            // For EAGAIN the rest still waits; other errors have ended the connection.
            if !crate::trace::is_eagain(call.result) {
                self.rests.remove(&fd);
            }
            return;
        };
        if let Some(rest) = self.rests.remove(&fd)
            && at == rest.at
            && asked != rest.left
            && !rest.moved
        {
            self.give_up(rest);
        }
        if call.is_short() {
            add(&mut self.short, 1);
            let left = asked.saturating_sub(taken);
            self.rests.insert(fd, Rest { at, taken, left, moved: false, waited: false });
        }
    }

    fn give_up(&mut self, rest: Rest) {
        add(&mut self.given_up, 1);
        add(&mut self.bytes, rest.left);
    }

    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.short, other.short);
        add(&mut self.given_up, other.given_up);
        add(&mut self.bytes, other.bytes);
        other.rests.iter().for_each(|(fd, rest)| self.rests.insert(*fd, *rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUFFER: u64 = 0x1000;

    /// What this many calls came to: name, descriptor, address, length, result.
    fn after(calls: &[(&str, u64, u64, u64, i64)]) -> (u64, u64, u64) {
        let mut writes = CutWrites::default();
        for (name, fd, at, bytes, result) in calls {
            writes.called(Called { tid: 1, name, args: &[*fd, *at, *bytes, 0, 0, 0], result: *result });
        }
        (writes.short, writes.given_up, writes.bytes)
    }

    const SHORT: (&str, u64, u64, u64, i64) = ("write", 4, BUFFER, 100, 60);

    #[test]
    fn a_rest_that_is_written_later_is_not_given_up() {
        assert_eq!(after(&[SHORT, ("write", 4, BUFFER + 60, 40, 40)]), (1, 0, 0), "from where it ended");
        assert_eq!(after(&[SHORT, ("write", 4, 0x9000, 40, 40)]), (1, 0, 0), "from a copy");
        assert_eq!(after(&[SHORT, ("write", 4, BUFFER, 40, 40)]), (1, 0, 0), "moved to the start");
        let filled = ("read", 5, BUFFER + 40, 60, 60);
        assert_eq!(after(&[SHORT, filled, ("write", 4, BUFFER, 100, 100)]), (1, 0, 0), "moved and filled up");
        let full = ("write", 4, BUFFER + 60, 40, -11);
        assert_eq!(after(&[SHORT, full, full, ("write", 4, BUFFER + 60, 40, 40)]), (1, 0, 0));
        assert_eq!(after(&[("write", 4, BUFFER, 100, 100), ("write", 4, BUFFER, 100, 100)]), (0, 0, 0));
    }

    #[test]
    fn a_rest_is_given_up_where_the_next_message_takes_its_place() {
        assert_eq!(after(&[SHORT, ("write", 4, BUFFER, 100, 100)]), (1, 1, 40));
        assert_eq!(after(&[SHORT, ("write", 4, BUFFER, 100, -11), ("write", 4, BUFFER, 90, 9)]), (2, 1, 40));
        assert_eq!(after(&[SHORT, ("write", 5, BUFFER, 100, 100)]), (1, 0, 0), "somebody else's");
    }

    #[test]
    fn closing_gives_up_what_nobody_waited_for() {
        let (close, wait) = (("close", 4, 0, 0, 0), ("poll", BUFFER, 1, 0, 1));
        assert_eq!(after(&[SHORT, close]), (1, 1, 40));
        assert_eq!(after(&[SHORT, wait, close]), (1, 0, 0), "the peer took nothing more");
        assert_eq!(after(&[SHORT, ("write", 4, BUFFER + 60, 40, -32), close]), (1, 0, 0), "it was gone");
    }
}
