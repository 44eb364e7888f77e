//! What is found in the recorded runs of the lessons: just what the lessons say, and no more.

use iolab::lesson;
use iolab::trace::file;
use iolab::world::World;

/// Recording, server, insights. Whoever makes no mistake is not here.
const FOUND: &[(&str, &str, &str)] = &[
    ("blocking-and-threads/recv-spin.trace.gz", "recv-spin", "eagain-storm"),
    ("select-and-poll/hang-up.trace.gz", "hang-up", "wakes-for-nothing"),
    ("select-and-poll/poll-armed.trace.gz", "poll-armed", "eagain-storm wakes-for-nothing"),
    ("epoll-readiness/unread-edge.trace.gz", "edge-once", "unread-edge"),
    ("epoll-readiness/armed.trace.gz", "epoll-armed", "eagain-storm epollout-armed"),
    ("epoll-readiness/flood.trace.gz", "flood", "long-turn"),
    ("epoll-readiness/herd.trace.gz", "herd", "thundering-herd"),
    ("io-uring-rings/naive.trace.gz", "uring-naive", "single-sqe-enters"),
    ("io-uring-rings/bursts.trace.gz", "uring-naive", "single-sqe-enters"),
    ("io-uring-rings/rings.trace.gz", "uring-naive", "single-sqe-enters"),
    ("io-uring-rings/cq-overflow.trace.gz", "cq-overflow", "cq-overflow"),
    ("io-uring-rings/flat-out.trace.gz", "uring-naive", "single-sqe-enters"),
    ("sqpoll/bursts.trace.gz", "sqpoll", "sqpoll-for-nothing"),
    ("sqpoll/call-by-call.trace.gz", "sqpoll", "sqpoll-for-nothing"),
    ("sqpoll/for-nothing.trace.gz", "sqpoll", "sqpoll-for-nothing"),
    ("sqpoll/sqpoll-idle.trace.gz", "sqpoll-idle", "sqpoll-for-nothing"),
    ("sqpoll/sqpoll-asleep.trace.gz", "sqpoll-asleep", "queue-asleep"),
];

#[test]
fn in_recorded_runs_nothing_is_found_but_what_is_meant() {
    let mut found = Vec::new();
    for source in lesson::LESSONS {
        let lesson = source.read().unwrap();
        for lab in lesson.steps.iter().filter_map(|step| step.lab()) {
            let name = lab.recording.as_deref().unwrap();
            let opened = file::read(source.recording(name).unwrap()).unwrap();
            for view in World::at(&opened.trace, u64::MAX).servers() {
                // A run may be measured under several loads.
                for view in view.by_load() {
                    let ids: Vec<_> = view.insights().into_iter().map(|finding| finding.id).collect();
                    if !ids.is_empty() {
                        found.push((format!("{}/{name}", lesson.name), view.name.to_owned(), ids.join(" ")));
                    }
                }
            }
        }
    }
    found.dedup();
    let found: Vec<_> =
        found.iter().map(|(at, server, ids)| (at.as_str(), server.as_str(), ids.as_str())).collect();
    assert_eq!(found, FOUND);
}
