//! The client process, driven as the lab drives it, against servers of this test. Every test of
//! `with_both_engines` runs on io_uring and on epoll; a machine that forbids io_uring fails the former.

#![cfg(feature = "live")]
// The helpers are tests, too.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod client;
mod process;
mod server;

use std::sync::Arc;

use client::Client;
use iolab::load::protocol::{Ask, Tell};
use iolab::trace::{Load, Pace, Story};
use server::{Gate, Manner, Server};

fn with_both_engines(test: impl Fn(&str)) {
    for engine in ["uring", "epoll"] {
        println!("engine: {engine}");
        test(engine);
    }
}

/// A closed loop.
fn load(connections: u32, message_bytes: u32) -> Load {
    Load { connections, message_bytes, ..Load::default() }
}

/// An open loop.
fn paced(connections: u32, rate: u64, burst: u32) -> Load {
    Load { pace: Pace::PerSecond(rate), burst, ..load(connections, 64) }
}

fn opened(engine: &str, server: &Server, load: &Load) -> Client {
    let mut client = Client::start(engine);
    let wanted = load.connections + load.idle;
    let name = if engine == "uring" { "io_uring" } else { "epoll" };
    assert_eq!(client.open(server.address, load), (name.to_owned(), wanted, None));
    client
}

#[test]
fn messages_of_every_size_come_back_whole() {
    with_both_engines(|engine| {
        for (bytes, requests) in [(1, 1_000), (64, 1_000), (3_000, 500), (100_000, 50), (1 << 20, 12)] {
            let server = Server::start(Manner::Echo);
            let mut client = opened(engine, &server, &load(3, bytes));
            let told = client.run(requests);
            assert_eq!((told.totals.sent, told.totals.answered), (requests, requests), "{bytes} bytes");
            assert_eq!((told.totals.bytes_wrong, told.totals.errors, told.totals.late), (0, 0, 0));
            assert_eq!(told.latency_ns.samples(), requests);
            assert_eq!(server.received().iter().sum::<u64>(), requests * u64::from(bytes));
        }
    });
}

#[test]
fn answers_in_crumbs_are_put_together() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Crumbs);
        let told = opened(engine, &server, &load(4, 1_000)).run(40);
        assert_eq!((told.totals.answered, told.totals.bytes_wrong), (40, 0));
    });
}

#[test]
fn every_wrong_byte_is_counted() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Flips);
        let told = opened(engine, &server, &load(2, 1_000)).run(20);
        assert_eq!((told.totals.answered, told.totals.bytes_wrong), (20, 200));
    });
}

/// 16 MiB are due at once on one connection. The server reads nothing while its own writes block: a client
/// that did not read while it writes would stand still with it.
#[test]
fn reading_goes_on_while_writing_is_blocked() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let load = Load { message_bytes: 1 << 20, ..paced(1, 1_000, 16) };
        let told = opened(engine, &server, &load).run(16);
        assert_eq!((told.totals.answered, told.totals.bytes_wrong, told.totals.errors), (16, 0, 0));
    });
}

#[test]
fn a_count_is_kept_to_the_request() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &load(50, 64));
        for requests in [1_234, 7, 1] {
            let before: u64 = server.received().iter().sum();
            let told = client.run(requests);
            assert_eq!((told.totals.sent, told.totals.answered), (requests, requests));
            assert_eq!(server.received().iter().sum::<u64>() - before, requests * 64);
            assert!(told.totals.cpu_ns > 0 && told.zero_ns <= told.at_ns);
        }
    });
}

#[test]
fn bursts_keep_the_rate_and_the_count() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let told = opened(engine, &server, &paced(8, 1_000, 20)).run(200);
        assert_eq!((told.totals.sent, told.totals.answered, told.totals.late), (200, 200, 0));
        // The last of ten bursts is due 180 ms after the zero; nothing is sent before it is due.
        assert!(told.at_ns - told.zero_ns >= 180_000_000, "{} ns", told.at_ns - told.zero_ns);
        assert_eq!(server.received().iter().filter(|&&bytes| bytes == 25 * 64).count(), 8, "turns go round");
        assert!(told.reports.len() >= 2, "a report every 50 ms: {}", told.reports.len());
    });
}

#[test]
fn a_duration_ends_a_run() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &paced(2, 500, 1));
        client.begin(None, Some(100_000_000));
        let told = client.rest();
        // 50 are due within it, the first at its zero; what a busy machine could not send in time is late.
        assert_eq!(told.totals.answered + told.totals.late, 50);
        assert_eq!(told.totals.sent, told.totals.answered);
    });
}

#[test]
fn idle_connections_are_open_and_silent() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &Load { idle: 5, ..load(3, 10) });
        let told = client.run(300);
        assert_eq!((told.totals.answered, told.totals.open), (300, 8));
        let received = server.received();
        assert_eq!(received.len(), 8);
        assert_eq!(received.iter().filter(|&&bytes| bytes == 0).count(), 5);
    });
}

#[test]
fn more_connections_than_a_backlog_holds() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let told = opened(engine, &server, &load(600, 64)).run(3_000);
        assert_eq!((told.totals.answered, told.totals.open, told.totals.errors), (3_000, 600, 0));
        assert!(server.received().iter().all(|&bytes| bytes >= 64));
    });
}

#[test]
fn a_server_that_closes_makes_errors_and_the_run_fails() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::ClosesAfter(5 * 64));
        let mut client = opened(engine, &server, &load(2, 64));
        let told = client.run(1_000);
        assert!(told.failed.is_some_and(|says| says.contains("no connection is left")));
        assert_eq!((told.totals.answered, told.totals.errors, told.totals.open), (10, 2, 0));
        // The client is there for the next server.
        let server = Server::start(Manner::Echo);
        client.open(server.address, &load(2, 64));
        assert_eq!(client.run(10).totals.answered, 10);
    });
}

#[test]
fn answers_that_never_come_are_given_up() {
    std::thread::scope(|scope| {
        for engine in ["uring", "epoll"] {
            scope.spawn(move || {
                let server = Server::start(Manner::Silent);
                let mut client = opened(engine, &server, &load(3, 64));
                client.begin(None, None);
                client.until(|_, totals| totals.sent == 3);
                let told = client.pause();
                assert_eq!((told.totals.sent, told.totals.answered), (3, 0));
                assert_eq!((told.totals.errors, told.totals.open), (3, 0));
            });
        }
    });
}

/// Late is what the client comes to when the next request of the same connection is due as well.
#[test]
fn a_client_counts_what_it_comes_to_late() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        // A turn every ten seconds.
        let mut client = opened(engine, &server, &paced(20, 2, 20));
        assert_eq!(client.run(20).totals.delayed, 0);
        // A turn every microsecond.
        let mut client = opened(engine, &server, &paced(1, 1_000_000, 1));
        let told = client.run(10_000);
        assert!((1..=10_000).contains(&told.totals.delayed), "{:?}", told.totals);
        assert_eq!(told.totals.answered, 10_000, "late is not lost");
    });
}

/// In a closed loop the next request waits for an answer: where none comes, so many requests would never be
/// over. Connections that are given up are closed when something else is asked for, and others take their place.
#[test]
fn a_closed_loop_does_not_wait_for_a_silent_server_for_ever() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Silent);
        let mut client = opened(engine, &server, &load(3, 64));
        let told = client.run(100);
        assert_eq!((told.totals.sent, told.totals.answered), (3, 0));
        assert_eq!((told.totals.errors, told.totals.open), (3, 0));
        assert_eq!(client.open(server.address, &load(3, 64)).1, 3);
        assert_eq!(client.run(100).totals.errors, 3);
    });
}

#[test]
fn a_run_can_be_paused_and_another_begun() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &load(4, 64));
        let mut bytes = 0;
        for _ in 0..3 {
            client.begin(None, None);
            client.until(|_, totals| totals.answered >= 20);
            let told = client.pause();
            assert_eq!(told.totals.sent, told.totals.answered);
            bytes += told.totals.sent * 64;
            assert_eq!(server.received().iter().sum::<u64>(), bytes, "at rest both ends agree");
        }
        // A pause while nothing is on is not answered, and another run ends the one before.
        client.ask(&Ask::Pause);
        client.begin(None, None);
        client.until(|_, totals| totals.answered >= 20);
        client.begin(Some(5), None);
        assert!(client.rest().totals.answered >= 20);
        assert_eq!(client.rest().totals.answered, 5);
    });
}

#[test]
fn the_pace_changes_in_a_run() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &paced(2, 1, 1));
        client.begin(None, None);
        client.until(|_, totals| totals.answered == 1);
        for faster in [paced(2, 2_000, 10), load(2, 64), paced(2, 1_000, 1)] {
            let (_, before) = client.report();
            client.ask(&Ask::Pace { load: faster });
            client.until(|_, totals| totals.answered >= before.answered + 100);
        }
        client.ask(&Ask::Pace { load: paced(2, 0, 1) });
        let told = client.pause();
        assert_eq!((told.totals.sent, told.totals.errors), (told.totals.answered, 0));
    });
}

#[test]
fn connections_come_and_go_in_a_run() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &load(2, 64));
        client.begin(None, None);
        client.until(|_, totals| totals.answered >= 20);
        let more = Load { idle: 3, ..load(6, 5_000) };
        assert_eq!(client.open(server.address, &more).1, 9);
        client.until(|_, totals| totals.open == 9);
        client.ask(&Ask::Open { address: server.address, load: load(1, 10) });
        let told = loop {
            if let Tell::Ready { .. } = client.hear() {
                client.until(|_, totals| totals.open == 1);
                break client.pause();
            }
        };
        assert_eq!(told.totals.sent, told.totals.answered);
        assert_eq!((told.totals.errors, told.totals.bytes_wrong, told.totals.open), (0, 0, 1));
        let other = Server::start(Manner::Echo);
        assert_eq!(client.open(other.address, &load(2, 10)).1, 2);
        assert_eq!(client.run(10).totals.answered, 10);
        assert_eq!(other.received().iter().sum::<u64>(), 100, "the new address is used for all");
    });
}

/// At 1 000 requests a second a server that stands still for 200 ms makes 200 of them wait, the first for
/// 200 ms, the last for none. A client that waited with the server would report one slow answer.
#[test]
fn latency_counts_from_when_a_request_was_due() {
    with_both_engines(|engine| {
        let gate = Arc::new(Gate::default());
        let server = Server::start(Manner::Gated(Arc::clone(&gate)));
        let mut client = opened(engine, &server, &paced(4, 1_000, 1));
        client.begin(None, None);
        let mut latency_ns = client.until(|_, totals| totals.answered >= 20);
        gate.set_closed(true);
        // Counted by the client's own reports: from the first one after the gate is shut.
        let mut closed_ns = None;
        latency_ns.merge(&client.until(|at_ns, _| at_ns >= *closed_ns.get_or_insert(at_ns) + 220_000_000));
        gate.set_closed(false);
        let told = client.pause();
        latency_ns.merge(&told.latency_ns);
        assert_eq!(latency_ns.samples(), told.totals.answered);
        assert!(latency_ns.max() >= Some(190_000_000), "{:?}", latency_ns.max());
        let slow: u64 = latency_ns.0.range(100_000_000..).map(|(_, times)| times).sum();
        assert!(slow >= 80, "{slow} samples above 100 ms");
    });
}

#[test]
fn the_story_names_every_request_once_sent_before_it_is_answered() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &load(2, 64));
        client.ask(&Ask::Run { requests: Some(100), duration_ns: None, story: true });
        let told = client.rest();
        assert_eq!((told.story.len(), told.story_lost), (200, 0));
        let at = |wanted: Story| {
            let times: Vec<u64> =
                told.story.iter().filter(|(_, story)| *story == wanted).map(|e| e.0).collect();
            assert_eq!(times.len(), 1, "{wanted:?}");
            times[0]
        };
        for (_, story) in &told.story {
            if let Story::Sent { port, ordinal } = *story {
                assert!(at(Story::Sent { port, ordinal }) <= at(Story::Answered { port, ordinal }));
            }
        }
    });
}

#[test]
fn the_story_is_told_for_a_part_of_a_run() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = opened(engine, &server, &load(2, 64));
        client.begin(None, None);
        client.until(|_, totals| totals.answered > 0);
        client.ask(&Ask::Story { on: true });
        let begun_ns = loop {
            match client.hear() {
                Tell::Story { until_ns, .. } if until_ns > 0 => break until_ns,
                Tell::Totals { .. } | Tell::Story { .. } => {}
                other => panic!("no story: {other:?}"),
            }
        };
        client.report();
        client.ask(&Ask::Story { on: false });
        let told = client.pause();
        let answered = told.story.iter().filter(|(_, story)| matches!(story, Story::Answered { .. })).count();
        assert!(told.story.iter().all(|(at_ns, _)| *at_ns + 2_000_000 >= begun_ns));
        assert!((1..told.totals.answered).contains(&(answered as u64 + told.story_lost)));
        assert!(client.run(10).story.is_empty(), "the next run tells none");
    });
}
