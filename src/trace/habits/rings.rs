//! What completions show: buffers that ran out, multishot operations that ended and were not asked for again.

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::{Called, add};

/// IORING_CQE_F_MORE: further completions of the same submission are to come.
const MORE: u32 = 2;

/// −ENOBUFS.
const NO_BUFFERS: i32 = -105;

/// −ETIME: a wait for completions ended without one.
const TIME_OUT: i64 = -62;

/// Completions of all rings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingHabits {
    /// How many were seen.
    pub cqes: u64,
    /// Of those, how many found no buffer to receive into.
    pub no_buffers: u64,
    /// Multishot operations that ended although their descriptor had more to say.
    pub ended: u64,
    /// Waits that ended without any completion while such an operation had not been asked for again.
    pub waits_without: u64,
    /// What is under way, by ring and user_data.
    asked: Few<(i32, u64), Asked>,
}

/// An operation that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// `RECV`; empty where its submission was not seen.
    operation: String,
    /// The descriptor it is about.
    fd: i32,
    /// Whether a completion promised more.
    multishot: bool,
    /// Whether the last completion came, and there is more to be had.
    ended: bool,
}

impl RingHabits {
    /// A submission was seen.
    pub fn asks(&mut self, ring: i32, user_data: u64, operation: &str, fd: i32) {
        // Asked for again, perhaps under another name.
        let again = |asked: &Asked| asked.ended && asked.operation == operation && asked.fd == fd;
        self.asked.retain(|_, asked| !again(asked));
        let asked = Asked { operation: operation.to_owned(), fd, ..Asked::default() };
        self.asked.insert((ring, user_data), asked);
    }

    /// A completion was seen.
    pub fn completes(&mut self, ring: i32, user_data: u64, result: i32, flags: u32) {
        add(&mut self.cqes, 1);
        let key = (ring, user_data);
        if self.asked.get_mut(&key).is_none() {
            self.asked.insert(key, Asked::default());
        }
        let Some(asked) = self.asked.get_mut(&key) else { return };
        if flags & MORE != 0 {
            asked.multishot = true;
            return;
        }
        let out_of_buffers = result == NO_BUFFERS;
        add(&mut self.no_buffers, out_of_buffers.into());
        // At the end of a stream, or after an error of the connection, there is nothing to ask for.
        if out_of_buffers || asked.multishot && result > 0 {
            asked.ended = true;
            add(&mut self.ended, asked.multishot.into());
        } else {
            self.asked.remove(&key);
        }
    }

    pub(super) fn called(&mut self, call: Called<'_>) {
        // A wait that timed out found the queue empty: what had ended was known to the program.
        let waited = call.name == "io_uring_enter" && call.args[2] > 0 && call.result == TIME_OUT;
        if waited && self.asked.iter().any(|(_, asked)| asked.ended) {
            add(&mut self.waits_without, 1);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.cqes, other.cqes);
        add(&mut self.no_buffers, other.no_buffers);
        add(&mut self.ended, other.ended);
        add(&mut self.waits_without, other.waits_without);
        other.asked.iter().for_each(|(key, asked)| self.asked.insert(*key, asked.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(rings: &mut RingHabits) -> u64 {
        let args = &[4, 0, 1, 1, 0, 0];
        rings.called(Called { tid: 1, name: "io_uring_enter", args, result: TIME_OUT });
        rings.waits_without
    }

    #[test]
    fn a_multishot_has_ended_until_it_is_asked_for_again() {
        let mut rings = RingHabits::default();
        rings.asks(4, 7, "RECV", 9);
        rings.completes(4, 7, 64, MORE);
        assert_eq!(waits(&mut rings), 0, "it goes on by itself");
        rings.completes(4, 7, NO_BUFFERS, 0);
        assert_eq!((waits(&mut rings), rings.no_buffers, rings.ended), (1, 1, 1));
        rings.asks(4, 8, "RECV", 9);
        assert_eq!(waits(&mut rings), 1, "under another name");
        rings.completes(4, 8, 0, 0);
        assert_eq!(waits(&mut rings), 1, "the peer has nothing more to say");
    }

    #[test]
    fn what_is_asked_for_once_ends_with_its_completion() {
        let mut rings = RingHabits::default();
        rings.asks(4, 7, "RECV", 9);
        rings.completes(4, 7, 64, 0);
        assert_eq!((waits(&mut rings), rings.cqes, rings.ended), (0, 1, 0));
    }
}
