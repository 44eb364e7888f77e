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

#[test]
fn a_file_cannot_be_watched() {
    let told = watched("epoll-file");
    assert_eq!(told.results("epoll_ctl"), [0, -i64::from(libc::EPERM)], "a pipe, and a file");
    assert_eq!(told.results("poll"), [1]);
    assert_eq!(told.metric("voluntary_switches"), 0, "ready at once");
}

#[test]
fn one_shot_is_silent_until_it_is_asked_for_again() {
    let told = watched("one-shot");
    assert_eq!(told.results("epoll_wait"), [1, 0, 1]);
    let sets = told.epoll_sets();
    assert_eq!(sets[0].interest.len(), 1, "it is in the list all the while");
    assert_ne!(sets[0].interest[0].events & Interest::ONESHOT, 0);
}

/// Voluntary switches of the threads that wait for connections.
fn waits(trial: &str) -> u64 {
    let told = watched(trial);
    let threads = told.document["threads"].as_array().unwrap();
    let waiters = threads.iter().find(|thread| thread["comm"] == "waiter").unwrap();
    waiters["voluntary_switches"].as_u64().unwrap()
}

/// 64 connections come one by one to 4 threads.
#[test]
fn a_herd_is_woken_for_each_connection_and_one_of_it_if_asked_so() {
    let (herd, exclusive) = (waits("herd"), waits("herd-exclusive"));
    assert!(herd >= 3 * 64, "{herd} waits where each of 64 connections wakes 4 threads");
    assert!((64..2 * 64).contains(&exclusive), "{exclusive} waits where it wakes one");
}

#[test]
fn what_is_not_read_goes_on_reporting() {
    let told = watched("loop-fds");
    assert_eq!(told.results("epoll_wait"), [1, 1, 0, 1, 1]);
    assert_eq!(told.results("read"), [8, 128, 8], "a count, a signal, and how often a timer expired");
    assert_eq!(told.epoll_sets()[0].interest.len(), 3);
}

#[test]
fn drained_a_flood_goes_first_and_in_turn_it_does_not() {
    let told = watched("flood");
    let reads: Vec<_> = told.calls().into_iter().filter(|call| call.name == "read").collect();
    let loud = reads[0].args[0];
    let turn = reads.iter().position(|call| call.args[0] != loud).unwrap();
    assert_eq!(turn, 17, "16 messages and an EAGAIN come before the quiet peer");
    let again = &reads[turn + 2..];
    assert_eq!(again.iter().position(|call| call.args[0] != loud), Some(1));
    assert_eq!(again.last().map(|call| call.args[0]), Some(loud), "who has more is served in the next turn");
    assert_eq!(told.results("epoll_wait"), [2, 2, 1], "and reported once more until then");
}
