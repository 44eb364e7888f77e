//! io_uring rings, seen from outside.

use iolab::probe::proc::Threads;
use std::sync::mpsc::channel;

use iolab::probe::ring::{Cqe, Mirroring, Passed, Reach, Rings};
use iolab::trace::Contents;

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

#[test]
fn the_mirror_tells_each_entry_that_the_program_says_it_made() {
    let mut kid = Kid::start("ring");
    kid.ask("nops 70");
    let mut rings = Rings::open(kid.pid()).unwrap();
    assert_eq!(rings.totals()[0].contents, None, "nobody has asked for contents");
    rings.mirror();
    let (mut sqes, mut cqes) = (Vec::new(), Vec::new());
    let mut look = |rings: &mut Rings| {
        rings.look(&mut |_, passed| match passed {
            Passed::Sqe(sqe) => sqes.push((sqe.operation, sqe.user_data)),
            Passed::Cqe(cqe) => cqes.push(cqe),
        });
    };
    // It stands still at each look; 32 at a time stay below half of either queue.
    for _ in 0..20 {
        kid.ask("nops 32");
        look(&mut rings);
    }
    kid.ask("publish 7");
    look(&mut rings);
    let cqe = |user_data| Cqe { user_data, res: 0, flags: 0 };
    let batches = (0..20).flat_map(|_| 0..32);
    assert_eq!(cqes, batches.clone().chain(7..9).map(cqe).collect::<Vec<_>>());
    let nop = |user_data| ("NOP".to_owned(), user_data);
    let recv = |user_data| ("RECV".to_owned(), user_data);
    let made: Vec<_> = batches.chain(7..9).map(nop).chain((100..103).map(recv)).collect();
    assert_eq!(sqes, made);
    assert_eq!(rings.totals()[0].contents, Some(Contents { seen: 642, passed: 642 }));
}

#[test]
fn what_passed_too_fast_is_counted_and_not_told() {
    let mut kid = Kid::start("ring");
    let mut rings = Rings::open(kid.pid()).unwrap();
    rings.mirror();
    kid.ask("nops 1000");
    let mut told = 0;
    rings.look(&mut |_, passed| told += u64::from(matches!(passed, Passed::Cqe(_))));
    let ring = rings.totals().remove(0);
    // Of 128 slots the kernel may have filled 64 ahead of the tail.
    assert_eq!(ring.contents, Some(Contents { seen: 64, passed: 1000 }));
    assert_eq!((ring.cq_tail, told), (1000, 64));
}

#[test]
fn a_mirror_follows_an_sqpoll_ring_and_one_that_is_resized() {
    let mut kid = Kid::start("sqpoll");
    let mut rings = Rings::open(kid.pid()).unwrap();
    rings.mirror();
    let mut names = Vec::new();
    for _ in 0..5 {
        kid.ask("nops 10");
        rings.look(&mut |_, passed| {
            if let Passed::Cqe(cqe) = passed {
                names.push(cqe.user_data);
            }
        });
    }
    assert_eq!(names, (0..5).flat_map(|_| 0..10).collect::<Vec<u64>>());

    kid.ask("new-defer-ring 8");
    rings.rescan().unwrap();
    kid.ask("nops 6");
    // Kernels before 6.13 do not know it; what had passed by then is told either way.
    kid.ask("resize 32");
    rings.rescan().unwrap();
    let mut told = 0;
    rings.look(&mut |_, passed| told += u64::from(matches!(passed, Passed::Cqe(_))));
    assert!(told <= 6, "an entry is told once");
    assert_eq!(rings.totals()[0].contents.unwrap().passed, 6);
}

#[test]
fn a_mirror_at_work_tells_in_order_of_time_and_ends() {
    let mut kid = Kid::start("ring");
    let (tell, told) = channel();
    let mirror = Mirroring::start(kid.pid(), move |at_ns, ring, passed| {
        let _ = tell.send((at_ns, ring, passed));
    });
    let mirror = mirror.unwrap();
    kid.ask("publish 7");
    let totals = mirror.end();
    assert_eq!(totals[0].contents, Some(Contents { seen: 2, passed: 2 }));
    let told: Vec<_> = told.try_iter().collect();
    assert!(told.is_sorted_by_key(|(at_ns, _, _)| *at_ns));
    assert!(told.iter().all(|(_, ring, _)| *ring == totals[0].fd));
    assert_eq!(told.len(), 7, "five submissions, two completions: {told:?}");
}

/// `cargo test --release --test probes mirror_at_speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement of some seconds"]
fn the_mirror_at_speed() {
    for (per_second, sq_entries) in [(50_000, 64), (50_000, 256), (1_000_000, 256), (1_000_000, 4096)] {
        let mut kid = Kid::start("plain");
        kid.ask(&format!("new-ring {sq_entries}"));
        let mirror = Mirroring::start(kid.pid(), |_, _, _| {}).unwrap();
        let said = kid.ask(&format!("pace {per_second} 2000"));
        let ring = mirror.end().remove(0);
        let (done, us) = said.split_once(' ').unwrap();
        let (done, us): (u64, u64) = (done.parse().unwrap(), us.parse().unwrap());
        let Contents { seen, passed } = ring.contents.unwrap();
        println!(
            "{:>9}/s asked, {:>9.0}/s done, CQ of {:>4}: program {done}, tail {}, contents seen {seen} of {passed} \
             = {:.3} %",
            per_second,
            done as f64 * 1e6 / us as f64,
            ring.cq_entries,
            ring.cq_tail,
            100.0 * seen as f64 / passed as f64,
        );
        assert_eq!((ring.cq_tail, passed), (done, done), "tails are exact");
    }
}
