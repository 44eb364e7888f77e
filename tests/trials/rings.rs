//! Lesson 3: what an operation of io_uring answers, and when.

use nix::libc;

use super::program::{io_uring_allowed, iolab};
use super::told::{refused, watched, watched_by};

const CANCELED: i32 = -libc::ECANCELED;

#[test]
fn a_ring_by_hand_is_a_call_and_two_mappings() {
    if !io_uring_allowed() {
        return refused("setup");
    }
    let told = watched("setup");
    let names: Vec<_> = told.calls().into_iter().map(|call| call.name).collect();
    assert_eq!(names, ["io_uring_setup", "mmap", "mmap", "io_uring_enter"]);
    assert_eq!(told.completions(), [(7, 0)]);
    let ring = told.rings().pop().unwrap();
    assert_eq!((ring.sq_entries, ring.cq_entries), (8, 16), "5 were asked for");
    assert_eq!((ring.sq_tail, ring.sq_head, ring.cq_tail, ring.cq_head), (1, 1, 1, 1));
}

#[test]
fn completions_beyond_the_queue_wait_and_the_counter_says_nothing() {
    if !io_uring_allowed() {
        return refused("cq-overflow");
    }
    let told = watched("cq-overflow");
    let rings = told.rings();
    let last = rings.last().unwrap();
    assert_eq!((last.sq_tail, last.cq_tail, last.cq_head), (40, 40, 40), "all came in the end");
    assert!(last.overflow_seen > 0, "the flag was seen");
    assert!(rings.iter().all(|ring| ring.cq_overflow == 0), "the counter counts what is lost: nothing");
    assert!(rings.iter().any(|ring| ring.sq_flags.contains(&"CQ_OVERFLOW".to_owned())), "{rings:?}");
    assert!(rings.iter().flat_map(|ring| ring.cq_depth.max()).max() == Some(16), "it was full");
    assert_eq!(told.completions().len(), 40);
    assert_eq!(told.document["insights"][0]["id"], "cq-overflow");
}

#[test]
fn a_short_read_breaks_a_chain() {
    if !io_uring_allowed() {
        return refused("link-short-read");
    }
    let told = watched("link-short-read");
    let flags: Vec<_> =
        told.submissions().into_iter().map(|(_, operation, flags)| (operation, flags)).collect();
    assert_eq!(flags, [("READ".into(), 4), ("READ".into(), 4), ("READ".into(), 0)]);
    assert_eq!(told.completions(), [(1, 3), (2, CANCELED), (3, CANCELED)]);
}

#[test]
fn a_linked_timeout_calls_the_receive_off() {
    if !io_uring_allowed() {
        return refused("link-timeout");
    }
    let mut completions = watched("link-timeout").completions();
    completions.sort_unstable();
    assert_eq!(completions, [(1, CANCELED), (2, -libc::ETIME)]);
}

#[test]
fn a_receive_in_flight_keeps_a_closed_socket_open() {
    if !io_uring_allowed() {
        return refused("close-in-flight");
    }
    let told = watched("close-in-flight");
    assert_eq!(told.results("poll"), [0, 1, 1], "closed: nothing; cancelled: the end; shut down: the end");
    let mut completions = told.completions();
    completions.sort_unstable();
    assert_eq!(completions, [(1, CANCELED), (2, 0), (3, 0)]);
}

#[test]
fn a_receive_waits_on_a_socket_that_must_not() {
    if !io_uring_allowed() {
        return refused("nonblock-pends");
    }
    let told = watched("nonblock-pends");
    assert_eq!(told.results("recvfrom"), [-i64::from(libc::EAGAIN)], "the call does not wait");
    assert_eq!(told.completions(), [(2, -libc::EAGAIN), (1, 5)], "the operation does, unless told otherwise");
}

#[test]
fn a_machine_without_io_uring_says_so() {
    let program = iolab("trial cq-overflow --watch --format json");
    let told = watched_by(program.where_refused(&[libc::SYS_io_uring_setup], libc::EPERM), 3);
    let trouble = &told.document["troubles"][0];
    assert_eq!(trouble["refusal"]["layer"], "seccomp", "{trouble}");
    let calls = &told.document["metrics"]["syscalls"];
    assert!(calls["why"].as_str().unwrap().contains("seccomp"), "{calls}");

    let alone = iolab("trial cq-overflow").where_refused(&[libc::SYS_io_uring_setup], libc::EPERM).run();
    assert!(alone.complaint(3).contains("refuses io_uring (EPERM)"), "{alone:?}");
}

/// Where rings may not be looked into, calls are told all the same.
#[test]
fn a_story_goes_without_the_rings() {
    if !io_uring_allowed() {
        return refused("link-short-read");
    }
    let calls = [libc::SYS_pidfd_getfd, libc::SYS_process_vm_readv];
    let program = iolab("trial link-short-read --watch --format json").where_refused(&calls, libc::EPERM);
    let told = watched_by(program, 0);
    assert_eq!(told.completions().len(), 0);
    assert_eq!(told.results("io_uring_enter"), [3]);
}
