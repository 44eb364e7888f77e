//! What every server must do, one function a case; the argument is the server's name.

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use iolab::servers::Polls;
use nix::sys::signal::Signal;

use crate::harness::{self, Server};

/// From one byte to far beyond any buffer.
pub fn every_size_comes_back(name: &str) {
    let server = Server::start(name);
    let socket = server.connect();
    for length in [1, 64, 64 * 1024, 1024 * 1024, 1] {
        harness::echo(&socket, &harness::bytes(length as u64, length));
    }
}

/// Nobody gets the bytes of another.
pub fn many_connections_interleaved(name: &str) {
    const CONNECTIONS: u64 = 200;
    const ROUNDS: u64 = 5;
    let server = Server::start(name);
    let sockets: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    let message =
        |connection: usize, round: u64| harness::bytes(round * CONNECTIONS + connection as u64, 100);
    // Everybody has several messages under way before anybody reads.
    for round in 0..ROUNDS {
        for (connection, mut socket) in sockets.iter().enumerate() {
            socket.write_all(&message(connection, round)).unwrap();
        }
    }
    for (connection, socket) in sockets.iter().enumerate() {
        for round in 0..ROUNDS {
            harness::receive(socket, &message(connection, round));
        }
    }
}

/// A peer that has said all it has to say still gets all of it back, and then the end.
pub fn half_close_still_gets_everything(name: &str) {
    let server = Server::start(name);
    let message = harness::bytes(7, 700_000);
    let socket = server.connect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (&mut &socket).write_all(&message).unwrap();
            harness::half_close(&socket);
        });
        harness::receive_to_end(&socket, &message);
    });
}

/// A peer that sends and does not read is made to wait: the server holds a bounded part and lets the
/// kernel close the window. Once it reads, every byte comes.
pub fn a_peer_that_does_not_read_must_wait(name: &str) {
    let server = Server::start_small(name);
    // Somebody else is served the whole time.
    let other = server.connect();
    harness::echo(&other, b"before");
    let message = harness::bytes(1, 8 * 1024 * 1024);
    let socket = server.connect_small();
    let sent = harness::send_until_stalled(&socket, &message);
    assert!(sent < 1024 * 1024, "the server took {sent} bytes of a peer that takes none back");
    harness::echo(&other, b"meanwhile");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (&mut &socket).write_all(&message[sent..]).unwrap();
            harness::half_close(&socket);
        });
        harness::receive_to_end(&socket, &message);
    });
    harness::echo(&other, b"after");
}

/// A peer that sends and takes back as fast as it can leaves the others their turns.
pub fn a_flood_does_not_starve_others(name: &str) {
    let server = Server::start(name);
    let (flood, other) = (server.connect(), server.connect());
    let piece = harness::bytes(5, 256 * 1024);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut sent = 0;
            while !over.load(Relaxed) {
                (&mut &flood).write_all(&piece).unwrap();
                sent += piece.len() as u64;
            }
            harness::half_close(&flood);
            sent
        });
        let receiving = scope.spawn(|| std::io::copy(&mut &flood, &mut std::io::sink()).unwrap());
        let others = scope.spawn(|| {
            for round in 0..20 {
                harness::echo(&other, &harness::bytes(round, 64));
            }
        });
        // Whatever came of it, the flood ends.
        let served = others.join();
        over.store(true, Relaxed);
        served.unwrap();
        assert_eq!(sending.join().unwrap(), receiving.join().unwrap(), "bytes of the flood");
    });
}

/// The end of a peer's bytes may come while much of them is still on its way back.
pub fn half_close_with_a_backlog(name: &str) {
    let server = Server::start_small(name);
    let socket = server.connect_small();
    let message = harness::bytes(2, 8 * 1024 * 1024);
    let sent = harness::send_until_stalled(&socket, &message);
    harness::half_close(&socket);
    harness::receive_to_end(&socket, &message[..sent]);
}

/// A reset ends the connection that it hits, idle or with a backlog, and no other.
pub fn a_reset_ends_one_connection(name: &str) {
    let mut server = Server::start_small(name);
    let sockets: Vec<_> = (0..20).map(|_| server.connect_small()).collect();
    let message = harness::bytes(3, 8 * 1024 * 1024);
    let (even, odd): (Vec<_>, Vec<_>) = sockets.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
    for (i, socket) in odd {
        // Every other one of them has never been read from, and its backlog is full.
        if i % 4 == 1 {
            harness::send_until_stalled(&socket, &message);
        } else {
            harness::echo(&socket, b"hello");
        }
        harness::reset(socket);
        for (_, socket) in &even {
            harness::echo(socket, b"still here");
        }
    }
    server.assert_alive();
    drop(even);
    server.wait_for_connections(0);
}

/// Connections leave nothing behind: no descriptor, no thread.
pub fn closed_connections_leave_nothing(name: &str) {
    let server = Server::start(name);
    harness::echo(&server.connect(), b"warm");
    server.wait_for_connections(0);
    let (descriptors, threads) = (server.descriptors(), server.threads());
    for _ in 0..3 {
        let sockets: Vec<_> = (0..50).map(|_| server.connect()).collect();
        sockets.iter().for_each(|socket| harness::echo(socket, b"hello"));
        server.wait_for_connections(50);
    }
    server.wait_for_connections(0);
    harness::until("as many descriptors as before", || server.descriptors() == descriptors);
    harness::until("as many threads as before", || server.threads() <= threads);
}

/// Being stopped and continued makes a waiting call answer EINTR (signal(7)), and nothing else.
pub fn interruptions_go_unnoticed(name: &str) {
    let mut server = Server::start(name);
    let socket = server.connect();
    for round in 0..20 {
        let message = harness::bytes(round, 1000);
        server.stop_and_continue();
        harness::echo(&socket, &message);
        server.interrupt_by_tracer();
        harness::echo(&server.connect(), &message);
    }
    server.assert_alive();
}

/// Out of descriptors, a server goes on serving those it has, sleeps, and takes the waiting ones when there
/// is room.
pub fn without_descriptors_it_waits(name: &str) {
    let mut server = Server::start(name);
    let first = server.connect();
    harness::echo(&first, b"warm");
    server.limit_descriptors(32);
    // connect(2) succeeds for all of them: the kernel holds them in the queue of the listening socket.
    let mut waiting: Vec<_> = (0..64).map(|_| server.connect()).collect();
    waiting.iter().for_each(|mut socket| socket.write_all(b"hello").unwrap());
    harness::until("none below the limit is free", || {
        server.descriptor_numbers().iter().filter(|fd| **fd < 32).count() == 32
    });
    harness::echo(&first, b"still served");
    if server.row().polls == Polls::Never {
        server.assert_asleep();
    }
    // Each that leaves makes room for one that waits.
    while !waiting.is_empty() {
        let served = harness::first_readable(&waiting);
        let socket = waiting.swap_remove(served);
        harness::receive(&socket, b"hello");
    }
    harness::echo(&first, b"served to the end");
    server.assert_alive();
}

/// Idle connections, and connections with a backlog that nobody takes, cost no processor time.
pub fn idle_is_asleep(name: &str) {
    let server = Server::start_small(name);
    let idle: Vec<_> = (0..10).map(|_| server.connect()).collect();
    idle.iter().for_each(|socket| harness::echo(socket, b"hello"));
    let stalled = server.connect_small();
    harness::send_until_stalled(&stalled, &harness::bytes(4, 8 * 1024 * 1024));
    if server.row().polls == Polls::Never {
        server.assert_asleep();
    }
}

/// The end asked for is not a failure.
pub fn signals_end_it_with_status_0(name: &str) {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::start(name);
        let socket = server.connect();
        harness::echo(&socket, b"hello");
        assert_eq!(server.end(signal).code(), Some(0), "{signal}");
        harness::receive_to_end(&socket, b"");
    }
}
