//! Changes of interest lists that nothing called for.

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::{Called, add};
use crate::trace::is_eagain;

/// What epoll_ctl(2) is asked to do.
const ADD: u64 = 1;
const DEL: u64 = 2;
const MOD: u64 = 3;

/// Entries of interest lists that were written anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrites {
    /// Changes without a backlog that began or ended, and entries that were taken off and put back.
    pub needless: u64,
    /// Changes because a write found no room, and back when it had gone.
    pub needed: u64,
    /// Descriptors with a backlog, and whether their entries tell of it.
    backlogs: Few<i32, bool>,
    /// Entries that were taken off: interest list and descriptor.
    taken_off: Few<(i32, i32), ()>,
}

impl Rewrites {
    pub(super) fn called(&mut self, call: Called<'_>) {
        match call.name {
            _ if call.is_write() && (call.is_short() || is_eagain(call.result)) => {
                self.found_no_room(call.fd())
            }
            "epoll_ctl" if call.result == 0 => self.changed(call.fd(), call.args[1], call.args[2] as i32),
            "close" => {
                self.backlogs.remove(&call.fd());
                self.taken_off.retain(|(list, fd), ()| *list != call.fd() && *fd != call.fd());
            }
            _ => {}
        }
    }

    fn found_no_room(&mut self, fd: i32) {
        if self.backlogs.get_mut(&fd).is_none() {
            self.backlogs.insert(fd, false);
        }
    }

    fn changed(&mut self, list: i32, how: u64, fd: i32) {
        match how {
            ADD if self.taken_off.remove(&(list, fd)).is_some() => add(&mut self.needless, 1),
            DEL => self.taken_off.insert((list, fd), ()),
            MOD => match self.backlogs.get_mut(&fd) {
                Some(told @ false) => {
                    *told = true;
                    add(&mut self.needed, 1);
                }
                Some(true) => {
                    self.backlogs.remove(&fd);
                    add(&mut self.needed, 1);
                }
                None => add(&mut self.needless, 1),
            },
            _ => {}
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        add(&mut self.needless, other.needless);
        add(&mut self.needed, other.needed);
        other.backlogs.iter().for_each(|(fd, told)| self.backlogs.insert(*fd, *told));
        other.taken_off.iter().for_each(|(entry, ())| self.taken_off.insert(*entry, ()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(calls: &[(&str, [u64; 3], i64)]) -> (u64, u64) {
        let mut rewrites = Rewrites::default();
        for (name, [first, second, third], result) in calls {
            let args = &[*first, *second, *third, 0, 0, 0];
            rewrites.called(Called { tid: 1, name, args, result: *result });
        }
        (rewrites.needless, rewrites.needed)
    }

    #[test]
    fn a_change_is_needed_where_a_backlog_begins_and_where_it_ends() {
        let change = ("epoll_ctl", [3, MOD, 9], 0);
        let short = ("sendto", [9, 0, 100], 60);
        let whole = ("sendto", [9, 0, 40], 40);
        assert_eq!(after(&[short, change, ("sendto", [9, 0, 40], -11), whole, change]), (0, 2));
        assert_eq!(after(&[change, whole, change]), (2, 0), "there was room");
        assert_eq!(after(&[short, change, whole, change, change]), (1, 2));
        assert_eq!(after(&[("epoll_ctl", [3, MOD, 9], -2)]), (0, 0), "nothing was changed");
    }

    #[test]
    fn off_and_on_again_is_one_change_unless_it_is_another_connection() {
        let (put, take) = (("epoll_ctl", [3, ADD, 9], 0), ("epoll_ctl", [3, DEL, 9], 0));
        assert_eq!(after(&[put, take, put, take, put]), (2, 0));
        assert_eq!(after(&[put, take, ("close", [9, 0, 0], 0), put]), (0, 0));
        assert_eq!(after(&[put, take, ("epoll_ctl", [5, ADD, 9], 0)]), (0, 0), "moved to another list");
    }
}
