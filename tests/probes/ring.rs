//! io_uring rings, seen from outside.

use iolab::probe::proc::Threads;
use iolab::probe::ring::{Cqe, Reach, Rings};

use super::child::Kid;

#[test]
fn every_nop_is_counted_by_both_ways_of_looking() {
    for reach in [Reach::Mapping, Reach::Copy] {
        let mut kid = Kid::start("ring");
        let mut rings = Rings::open_by(kid.pid(), reach).unwrap();
        assert_eq!((rings.len(), rings.reach()), (1, reach), "{:?}", rings.unreadable());
        assert_eq!(kid.ask("nops 100000"), "done");
        let ring = rings.totals().remove(0);
        assert_eq!((ring.sq_entries, ring.cq_entries), (64, 128));
        assert_eq!((ring.sq_tail, ring.sq_head), (100_000, 100_000));
        assert_eq!((ring.cq_tail, ring.cq_head), (100_000, 100_000));
        assert_eq!((ring.sq_dropped, ring.cq_overflow, ring.overflow_seen), (0, 0, 0));
    }
}

#[test]
fn depths_are_samples_and_are_handed_over_once() {
    let mut kid = Kid::start("ring");
    kid.ask("publish 7");
    let mut rings = Rings::open(kid.pid()).unwrap();
    for _ in 0..9 {
        rings.sample();
    }
    let ring = rings.totals().remove(0);
    assert_eq!(ring.sq_depth.0.into_iter().collect::<Vec<_>>(), [(3, 9)]);
    assert_eq!(ring.cq_depth.0.into_iter().collect::<Vec<_>>(), [(2, 9)]);
    assert_eq!(rings.totals().remove(0).sq_depth.samples(), 0, "reading totals is no sample");
}

#[test]
fn what_stands_in_the_queues_can_be_read() {
    let mut kid = Kid::start("ring");
    // Once around the queue first, so that slots and indices do not start at 0.
    kid.ask("nops 70");
    kid.ask("publish 7");
    for reach in [Reach::Mapping, Reach::Copy] {
        let rings = Rings::open_by(kid.pid(), reach).unwrap();
        let pending = rings.pending().remove(0);
        let cqe = |user_data| Cqe { user_data, res: 0, flags: 0 };
        assert_eq!(pending.cqes, [cqe(7), cqe(8)]);
        assert_eq!(pending.sqes.len(), 3);
        for (n, sqe) in pending.sqes.iter().enumerate() {
            assert_eq!((sqe.operation.as_str(), sqe.fd, sqe.len), ("RECV", 77, 512));
            assert_eq!(sqe.user_data, 100 + n as u64);
        }
    }
}

#[test]
fn rings_that_come_and_go_are_followed() {
    let mut kid = Kid::start("plain");
    let mut rings = Rings::open(kid.pid()).unwrap();
    assert!(rings.is_empty());
    kid.ask("new-ring 8");
    rings.rescan().unwrap();
    assert_eq!(rings.totals()[0].sq_entries, 8);
    kid.ask("nops 5");
    // The same descriptor number, another ring: counts begin anew.
    kid.ask("close-ring");
    kid.ask("new-ring 16");
    rings.rescan().unwrap();
    let totals = rings.totals();
    assert_eq!((totals.len(), totals[0].sq_entries, totals[0].cq_tail), (1, 16, 0));
    kid.ask("close-ring");
    rings.rescan().unwrap();
    assert!(rings.is_empty());
}

#[test]
fn a_ring_with_several_descriptors_is_one_ring() {
    let mut kid = Kid::start("ring");
    kid.ask("dup-ring");
    let mut rings = Rings::open(kid.pid()).unwrap();
    kid.ask("nops 10");
    rings.rescan().unwrap();
    assert_eq!(rings.totals().iter().map(|ring| ring.cq_tail).collect::<Vec<_>>(), [10]);
}

#[test]
fn a_process_that_ends_leaves_its_last_counts() {
    let mut kid = Kid::start("ring");
    let mut rings = Rings::open(kid.pid()).unwrap();
    kid.ask("nops 1000");
    kid.process.kill().unwrap();
    kid.process.wait().unwrap();
    rings.sample();
    rings.rescan().unwrap();
    assert_eq!(rings.totals()[0].cq_tail, 1000);
    let refusal = Rings::open(kid.pid()).unwrap_err();
    assert_eq!(refusal.layer, iolab::trace::Layer::Process, "{refusal}");
}

#[test]
fn a_resized_ring_is_followed() {
    let mut kid = Kid::start("resizable");
    kid.ask("new-defer-ring 8");
    let mut rings = Rings::open(kid.pid()).unwrap();
    kid.ask("nops 100");
    let answer = kid.ask("resize 32");
    rings.sample();
    rings.rescan().unwrap();
    let ring = rings.totals().remove(0);
    assert_eq!((ring.sq_tail, ring.cq_tail), (100, 100));
    match answer.as_str() {
        "done" => assert_eq!(ring.sq_entries, 32),
        // Kernels before 6.13 do not know it.
        refused => assert_eq!((refused, ring.sq_entries), ("EINVAL", 8)),
    }
}

#[test]
fn an_sqpoll_ring_shows_its_thread_and_its_sleep() {
    let mut kid = Kid::start("sqpoll");
    kid.ask("nops 1000");
    kid.settle();
    let threads = Threads::open(kid.pid()).unwrap();
    let polling = threads.totals().iter().find(|thread| thread.comm.starts_with("iou-sqp-"));
    assert!(polling.is_some_and(|thread| thread.cpu_ns > 0), "{:?}", threads.totals());
    let mut rings = Rings::open(kid.pid()).unwrap();
    while rings.totals()[0].asleep_seen == 0 {
        rings.sample();
        std::thread::yield_now();
    }
    let ring = rings.totals().remove(0);
    assert_eq!(ring.cq_tail, 1000);
    assert_eq!(
        (ring.setup_flags, ring.sq_flags),
        (vec!["SQPOLL".to_owned()], vec!["NEED_WAKEUP".to_owned()])
    );
}
