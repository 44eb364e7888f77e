//! `/proc`: threads, their switches and their time.

use std::time::Duration;

use iolab::probe::proc::Threads;

use super::child::Kid;

#[test]
fn threads_are_found_by_name_and_ended_ones_keep_their_counts() {
    let mut kid = Kid::start("plain");
    kid.ask("threads 5");
    kid.settle();
    let mut threads = Threads::open(kid.pid()).unwrap();
    let named = threads.totals().iter().filter(|thread| thread.comm.starts_with("sleeper")).count();
    assert_eq!(named, 5);
    assert!(threads.totals().iter().any(|thread| thread.comm == "sleeper 3 (x)"));
    let living = threads.totals().len();
    drop(kid);
    let after = threads.sample().unwrap();
    assert_eq!(after.len(), living);
    assert!(after.iter().all(|thread| !thread.alive));
    assert!(after.iter().all(|thread| thread.cpu_ns > 0), "what they had used is still known");
}

#[test]
fn switches_are_counted_exactly_and_time_to_the_nanosecond() {
    let mut kid = Kid::start("plain");
    kid.ask("napper");
    kid.ask("nap 0");
    kid.settle();
    let mut threads = Threads::open(kid.pid()).unwrap();
    let switches = |threads: &mut Threads| {
        let totals = threads.sample_all().unwrap();
        totals.iter().find(|thread| thread.comm == "napper").unwrap().voluntary_switches
    };
    for naps in [0, 1, 100] {
        let before = switches(&mut threads);
        kid.ask(&format!("nap {naps}"));
        kid.settle();
        assert_eq!(switches(&mut threads) - before, naps + 1, "each nap, and waiting for the next order");
    }
    let used = |threads: &mut Threads| threads.sample_all().unwrap().iter().map(|t| t.cpu_ns).sum::<u64>();
    let before = used(&mut threads);
    kid.ask("spin 30");
    kid.settle();
    let used_ns = used(&mut threads) - before;
    assert!(used_ns >= 30_000_000, "it used 30 ms and {used_ns} ns were seen");
}

/// What a thread used is in the sum of its process when it has ended, and rounded down once, not in each thread.
#[test]
fn the_times_of_a_process_are_those_of_all_its_threads() {
    let mut kid = Kid::start("plain");
    kid.ask("spin 200");
    kid.settle();
    let mut threads = Threads::open(kid.pid()).unwrap();
    let of_threads = |threads: &mut Threads| {
        let totals = threads.sample_all().unwrap();
        totals.iter().map(|thread| thread.user_ns + thread.kernel_ns).sum::<u64>()
    };
    let sum = |(user_ns, kernel_ns): (u64, u64)| user_ns + kernel_ns;
    let before_ns = sum(threads.times_ns());
    assert!(before_ns >= 180_000_000, "it ran for 200 ms, and {before_ns} ns were seen");
    assert!(before_ns >= of_threads(&mut threads));
    for _ in 0..50 {
        kid.ask("thread 1");
    }
    kid.settle();
    let after_ns = sum(threads.times_ns());
    assert!(after_ns >= before_ns);
    drop(kid);
    assert_eq!(sum(threads.times_ns()), after_ns, "what it had used is still known");
}

#[test]
fn a_budget_of_nothing_still_gets_around_to_every_thread() {
    let mut kid = Kid::start("plain");
    kid.ask("threads 40");
    kid.settle();
    let mut threads = Threads::with_budget(kid.pid(), Duration::ZERO).unwrap();
    kid.ask("spin 5");
    kid.settle();
    let known = |totals: &[iolab::trace::ThreadTotals]| totals.iter().map(|t| t.cpu_ns).sum::<u64>();
    let mut turns = 0;
    let before = known(threads.totals());
    while known(threads.sample().unwrap()) == before {
        turns += 1;
        assert!(turns < 100, "the thread that ran was never looked at");
    }
    let sampled = known(threads.totals());
    assert_eq!(known(threads.sample_all().unwrap()), sampled, "turns and a full reading agree");
}

#[test]
fn threads_that_come_and_go_are_followed() {
    let mut kid = Kid::start("plain");
    kid.settle();
    let mut threads = Threads::open(kid.pid()).unwrap();
    let living = threads.totals().len();
    kid.ask("threads 3");
    kid.settle();
    assert_eq!(threads.sample().unwrap().iter().filter(|thread| thread.alive).count(), living + 3);
    for _ in 0..200 {
        kid.ask("thread 1");
        threads.sample_all().unwrap();
    }
    assert_eq!(threads.sample_all().unwrap().iter().filter(|thread| thread.alive).count(), living + 3);
}
