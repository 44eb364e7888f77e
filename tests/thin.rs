//! Thinning keeps what a trace adds up to.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

#[path = "common/fixture.rs"]
mod fixture;

use std::sync::Arc;

use iolab::trace::{Load, Thinner, Trace};
use iolab::world::World;

fn servers() -> Vec<String> {
    ["epoll", "uring-naive", "uring"].map(String::from).to_vec()
}

/// A world without what thinning is allowed to make coarser.
fn essence(trace: &Trace, t_ns: u64) -> String {
    let mut world = World::at(trace, t_ns);
    for run in world.runs.iter_mut().map(Arc::make_mut) {
        run.idle_epollout = (0, 0);
        if t_ns.saturating_add(1) < trace.end_ns() {
            // Calls are shown one by one at the end only.
            run.window.calls.clear();
        }
        // Times of calls that are shown stay; only the latest are.
        assert!(run.window.calls.len() <= 256);
    }
    format!("{:?}", world.runs)
}

#[test]
fn a_world_after_the_thinned_part_stays_as_it_was() {
    let end_ns = 12_000 * fixture::TICK_NS;
    let whole = fixture::trace(&servers(), &Load::default(), 12_000);
    for share in [0, 1, 3, 7, 9] {
        let before_ns = end_ns / 10 * share;
        let mut thinned = whole.clone();
        thinned.thin(before_ns);
        // "Just now" reaches two seconds back.
        for t_ns in [end_ns, end_ns - 1, before_ns + 2_000_000_000, u64::MAX] {
            let same = essence(&thinned, t_ns) == essence(&whole, t_ns);
            assert!(same, "thinned before {before_ns}, another world at {t_ns}");
        }
        assert_eq!(thinned.entries().count(), thinned.len());
    }
}

#[test]
fn thinning_again_and_again_as_a_live_run_does_adds_nothing_up_wrongly() {
    let servers = servers();
    let mut live = Trace::new(fixture::header(&servers, &Load::default()));
    let mut longest = 0;
    let mut thinner = Thinner::default();
    for entry in fixture::entries(&servers, 30_000) {
        live.push(entry).unwrap();
        longest = longest.max(live.len());
        thinner.thin(&mut live);
    }
    let whole = fixture::trace(&servers, &Load::default(), 30_000);
    assert!(essence(&live, u64::MAX) == essence(&whole, u64::MAX), "another world at the end");
    assert!(longest < 20_000, "ten minutes keep {longest} entries of {}", whole.len());
}
