//! Every insight with the program that provokes it and the twin that must stay silent: one table, all of them run.
//!
//! `cargo test --test insights programs -- --nocapture` prints it with what each of them said.

use iolab::world::insight::INSIGHTS;
use serde_json::Value;

use super::program::{insights, io_uring_allowed, iolab};

/// One row: who makes the mistake, and who is nearly the same and does not. Both are arguments of iolab.
struct Pair {
    id: &'static str,
    provokes: &'static str,
    twin: &'static str,
    /// What a machine must allow for it to be seen at all.
    needs: &'static [&'static str],
    /// How many processors there may be.
    processors: Processors,
}

#[derive(Clone, Copy, PartialEq)]
enum Processors {
    All,
    One,
}

const fn pair(
    id: &'static str,
    provokes: &'static str,
    twin: &'static str,
    needs: &'static [&'static str],
) -> Pair {
    Pair { id, provokes, twin, needs, processors: Processors::All }
}

const RING: &[&str] = &["ring"];
const STORY: &[&str] = &["ptrace"];
const BOTH: &[&str] = &["ring", "ptrace"];

const PAIRS: &[Pair] = &[
    pair("single-sqe-enters", "lab uring-naive --requests 10000", "lab uring --requests 10000", RING),
    pair(
        "eagain-storm",
        "lab recv-spin --rate 2000 --burst 64 --duration 0.6",
        "lab epoll-edge --rate 2000 --burst 64 --duration 0.6",
        STORY,
    ),
    pair("epollout-armed", "lab epoll-armed --requests 2000", "lab epoll --requests 2000", &[]),
    pair(
        "wakes-for-nothing",
        "lab poll-armed --rate 2000 --burst 64 --duration 0.6",
        "lab poll --rate 2000 --burst 64 --duration 0.6",
        STORY,
    ),
    pair(
        "unread-edge",
        "lab edge-once --message 16384 --connections 8 --rate 400 --duration 2",
        "lab epoll-edge --message 16384 --connections 8 --rate 400 --duration 2",
        &[],
    ),
    pair(
        "sqpoll-for-nothing",
        "lab sqpoll --rate 200 --duration 0.8",
        "lab sqpoll --rate 10 --duration 1 --sqpoll-idle-ms 1",
        RING,
    ),
    Pair {
        processors: Processors::One,
        ..pair(
            "too-many-pollers",
            "lab epoll-spin --rate 200 --duration 0.8",
            "lab epoll --rate 200 --duration 0.8",
            &[],
        )
    },
    pair(
        "cq-overflow",
        "lab uring --requests 10000 --sq-entries 8 --cq-entries 8",
        "lab uring --requests 10000",
        RING,
    ),
    pair("thundering-herd", "trial herd", "trial herd-exclusive", STORY),
    pair("interest-rewritten", "lab epoll-rewrite --requests 2000", "lab epoll --requests 2000", STORY),
    pair("long-turn", "trial flood", "trial in-turn", STORY),
    pair("left-open", "trial left-open", "trial closed-again", &[]),
    pair("tiny-reads", "trial byte-by-byte", "trial buffered", STORY),
    pair("write-cut-short", "trial cut-short", "trial short-write", STORY),
    pair("queue-asleep", "trial sqpoll-asleep", "trial sqpoll-woken", RING),
    pair("uncollected", "trial peek-only", "trial peek-enter", RING),
    pair("buffers-ran-out", "trial buffers-run-out", "trial buffers-given-back", BOTH),
    pair("multishot-ended", "trial multishot-once", "trial multishot-again", BOTH),
    pair("workers-block", "lab uring-async --requests 10000", "lab uring --requests 10000", RING),
    pair(
        "client-bottleneck",
        "lab epoll --rate 5000000 --duration 0.5",
        "lab epoll --rate 1000 --duration 0.5",
        &[],
    ),
];

/// What iolab says of one program, alone on the machine.
fn said_of(arguments: &str, processors: Processors) -> Value {
    let watch = if arguments.starts_with("trial") { "--watch " } else { "" };
    let program = iolab(&format!("{arguments} {watch}--format json"));
    let program = if processors == Processors::One { program.on_one_processor() } else { program };
    program.first_served().run().document(0)
}

#[test]
fn every_insight_has_a_program_that_provokes_it_and_a_twin_that_does_not() {
    assert!(PAIRS.len() >= 15);
    let ids: Vec<_> = PAIRS.iter().map(|pair| pair.id).collect();
    assert_eq!(ids, INSIGHTS.iter().map(|insight| insight.id).collect::<Vec<_>>(), "a row for each");
    for Pair { id, provokes, twin, needs, processors } in PAIRS {
        if needs.contains(&"ring") && !io_uring_allowed() {
            // The lab says so itself: see refusals of servers and trials.
            println!("{id}: this machine forbids rings");
            continue;
        }
        let document = said_of(provokes, *processors);
        let says = document["servers"][0]["insights"].as_array().unwrap();
        let says = says.iter().find(|found| found["id"] == *id).map(|found| found["says"].as_str().unwrap());
        let rungs = document["machine"]["rungs"].as_array().unwrap();
        let is_seen = needs.iter().all(|need| rungs.iter().any(|rung| rung == need));
        println!(
            "{id}\n  provoked by  iolab {provokes}\n  twin         iolab {twin}\n  says         {says:?}"
        );
        assert_eq!(says.is_some(), is_seen, "{id}: {provokes}: {document}");
        let document = said_of(twin, *processors);
        let found = insights(&document["servers"][0]);
        let others: Vec<_> = found.iter().filter(|found| **found != "client-bottleneck").collect();
        assert!(!found.contains(id) && others.is_empty(), "{id}: {twin}: {found:?}: {document}");
    }
}
