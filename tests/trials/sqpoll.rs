//! Lesson 4: the thread that polls, and when it does not.

use nix::libc;

use super::program::io_uring_allowed;
use super::told::{refused, watched};

const NEED_WAKEUP: &str = "NEED_WAKEUP";

#[test]
fn what_is_handed_to_a_thread_that_sleeps_stays_where_it_is() {
    if !io_uring_allowed() {
        return refused("sqpoll-asleep");
    }
    let told = watched("sqpoll-asleep");
    let rings = told.rings();
    let stuck = rings.iter().filter(|ring| ring.sq_tail == 2 && ring.sq_head == 1);
    let stuck: Vec<_> = stuck.collect();
    assert!(!stuck.is_empty(), "the second SQE was seen to wait");
    assert!(stuck.iter().all(|ring| ring.cq_tail == 1 && ring.sq_flags == [NEED_WAKEUP]), "{stuck:?}");
    let last = rings.last().unwrap();
    assert_eq!((last.sq_head, last.cq_tail), (2, 2), "woken, it is done");
    assert_eq!(told.completions(), [(1, 0), (2, 0)]);
    assert!(told.calls().iter().any(|call| call.name == "io_uring_enter" && call.args[3] & 2 != 0));
}

#[test]
fn an_idle_time_of_0_is_a_second() {
    if !io_uring_allowed() {
        return refused("sqpoll-idle");
    }
    let told = watched("sqpoll-idle");
    let rests = told.results("ppoll").len();
    assert!(rests > 3, "it did not sleep at once: about ten looks of 100 ms found it awake, not {rests}");
    let last = told.rings().pop().unwrap();
    assert!(last.sq_flags.contains(&NEED_WAKEUP.to_owned()) && last.asleep_seen > 0, "{last:?}");
    let threads = told.document["threads"].as_array().unwrap();
    let poller = threads.iter().find(|thread| thread["comm"] == "iou-sqp").unwrap();
    let own = threads.iter().find(|thread| thread["comm"] == "sqpoll-idle").unwrap();
    let cpu_ns = |thread: &serde_json::Value| thread["cpu_ns"].as_u64().unwrap();
    assert!(cpu_ns(poller) > 10 * cpu_ns(own), "it looked, and the program did nothing: {threads:?}");
}

#[test]
fn flags_that_contradict_sqpoll_are_refused() {
    if !io_uring_allowed() {
        return refused("sqpoll-flags");
    }
    let results = watched("sqpoll-flags").results("io_uring_setup");
    assert!(results[..3].iter().all(|fd| *fd >= 0), "{results:?}");
    assert_eq!(results[3..], [-i64::from(libc::EINVAL); 2], "{results:?}");
}
