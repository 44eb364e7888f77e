//! What came of being woken: whether the first accept after a wait got a connection.

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::{Called, add};
use crate::trace::{is_eagain, is_wait};

/// Accepts that were the first thing done after a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepts {
    /// How many there were.
    pub woken: u64,
    /// Of those, how many found that somebody else had been there.
    pub in_vain: u64,
    /// Threads that a wait has just reported something to.
    just: Few<u32, ()>,
}

impl Accepts {
    pub(super) fn called(&mut self, call: Called<'_>) {
        let woken = self.just.remove(&call.tid).is_some();
        if is_wait(call.name) && call.result > 0 {
            self.just.insert(call.tid, ());
        } else if woken && matches!(call.name, "accept" | "accept4") {
            add(&mut self.woken, 1);
            add(&mut self.in_vain, is_eagain(call.result).into());
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.woken, other.woken);
        add(&mut self.in_vain, other.in_vain);
        other.just.iter().for_each(|(tid, ())| self.just.insert(*tid, ()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_accept_after_a_wait_tells() {
        let mut accepts = Accepts::default();
        let mut call = |tid, name, result| {
            accepts.called(Called { tid, name, args: &[0; 6], result });
            (accepts.woken, accepts.in_vain)
        };
        call(1, "epoll_wait", 1);
        assert_eq!(call(1, "accept4", 7), (1, 0));
        assert_eq!(call(1, "accept4", -11), (1, 0), "taking all ends with EAGAIN");
        call(1, "epoll_wait", 1);
        call(2, "epoll_wait", 1);
        assert_eq!(call(2, "accept4", 8), (2, 0));
        assert_eq!(call(1, "accept4", -11), (3, 1), "the other one has it");
        call(1, "epoll_wait", 0);
        assert_eq!(call(1, "accept4", -11), (3, 1), "nothing was reported");
    }
}
