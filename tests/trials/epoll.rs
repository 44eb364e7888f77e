//! Lesson 2: what an interest list reports, and what it does not.

use iolab::trace::Interest;
use nix::libc;

use super::told::watched;

#[test]
fn an_edge_that_was_reported_is_not_reported_again() {
    let told = watched("edge-stall");
    assert_eq!(told.results("epoll_wait"), [1, 0], "the second wait ends with its time");
    assert_eq!(told.results("read"), [3]);
    assert_eq!(told.results("recvfrom"), [3], "the other 3 bytes are there");
    assert_eq!(told.results("ioctl"), [0]);
    assert_eq!(told.metric("voluntary_switches"), 1, "it slept once, in the second wait");
    let sets = told.epoll_sets();
    assert_eq!(sets[0].interest.len(), 1);
    assert_ne!(sets[0].interest[0].events & Interest::ET, 0);
}

#[test]
fn a_closed_descriptor_reports_as_long_as_a_copy_lives() {
    let told = watched("ghost-event");
    let calls = told.calls();
    let closed = calls.iter().position(|call| call.name == "close").unwrap();
    let number = calls[closed].args[0];
    let waits = calls[closed..].iter().filter(|call| call.name == "epoll_wait");
    assert!(waits.clone().count() == 2 && waits.clone().all(|call| call.result == Some(1)), "{calls:?}");
    let removals: Vec<_> =
        calls.iter().filter(|call| call.name == "epoll_ctl" && call.args[1] == 2).collect();
    assert_eq!((removals[0].args[2], removals[0].result), (number, Some(-i64::from(libc::EBADF))));
    assert_eq!(removals[1].result, Some(-i64::from(libc::ENOENT)), "the copy was never in the list");
    let left = &told.epoll_sets()[0].interest;
    assert_eq!(left.iter().map(|entry| entry.fd as u64).collect::<Vec<_>>(), [number]);
}
