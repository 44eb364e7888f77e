//! Interest lists and socket queues.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use iolab::probe::{epoll_set::EpollSets, sock::Sockets};
use iolab::trace::{Interest, Layer, Socket};

use super::child::Kid;

#[test]
fn an_interest_list_is_seen_bit_by_bit() {
    let mut kid = Kid::start("plain");
    let mut sets = EpollSets::open(kid.pid()).unwrap();
    assert!(sets.read().unwrap().is_empty());
    let said: Vec<i32> = kid.ask("epoll").split(' ').map(|fd| fd.parse().unwrap()).collect();
    let seen = sets.read().unwrap();
    assert_eq!(seen.len(), 1, "made after the probe, and found");
    assert_eq!(seen[0].fd, said[0]);
    // The kernel adds EPOLLERR (8) and EPOLLHUP (0x10) to what was asked for.
    let always = 0x18;
    let mut wanted = vec![
        Interest { fd: said[1], events: Interest::IN | always },
        Interest { fd: said[2], events: Interest::IN | Interest::ET | Interest::ONESHOT | always },
        Interest { fd: said[3], events: Interest::IN | Interest::EXCLUSIVE | always },
    ];
    let mut interest = seen[0].interest.clone();
    interest.sort_by_key(|entry| entry.fd);
    wanted.sort_by_key(|entry| entry.fd);
    assert_eq!(interest, wanted);
}

#[test]
fn a_process_that_is_gone_is_the_reason() {
    let mut kid = Kid::start("plain");
    let (mut sets, mut sockets) = (EpollSets::open(kid.pid()).unwrap(), Sockets::open(kid.pid()).unwrap());
    kid.process.kill().unwrap();
    kid.process.wait().unwrap();
    assert_eq!(sets.read().unwrap_err().layer, Layer::Process);
    assert!(sockets.read().map_or_else(|refusal| refusal.layer == Layer::Process, |seen| seen.is_empty()));
}

/// The socket at a descriptor of this process.
fn at(sockets: &mut Sockets, fd: &impl AsRawFd) -> Option<Socket> {
    sockets.read().unwrap().into_iter().find(|socket| socket.fd == fd.as_raw_fd())
}

#[test]
fn queues_hold_exactly_what_was_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sockets = Sockets::open(std::process::id()).unwrap();
    assert!(at(&mut sockets, &listener).unwrap().listening);
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(at(&mut sockets, &listener).unwrap().receive_queue_bytes, 1, "one waits to be accepted");
    let (mut server, peer) = listener.accept().unwrap();
    assert_eq!(at(&mut sockets, &listener).unwrap().receive_queue_bytes, 0);
    client.write_all(&[7; 1234]).unwrap();
    let seen = at(&mut sockets, &server).unwrap();
    assert_eq!((seen.receive_queue_bytes, seen.peer_port, seen.listening), (1234, peer.port(), false));
    server.read_exact(&mut [0; 1000]).unwrap();
    assert_eq!(at(&mut sockets, &server).unwrap().receive_queue_bytes, 234);
    drop((client, server));
}

#[test]
fn a_descriptor_that_is_given_out_again_is_the_new_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sockets = Sockets::open(std::process::id()).unwrap();
    for _ in 0..3 {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let seen = at(&mut sockets, &server).expect("the connection is found");
        assert_eq!(seen.peer_port, peer.port());
        drop((client, server));
    }
}

#[test]
fn sock_diag_and_the_tables_under_proc_agree() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let v6 = TcpListener::bind("[::1]:0");
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.write_all(&[7; 99]).unwrap();
    let (mut best, mut table) =
        (Sockets::open(std::process::id()).unwrap(), Sockets::open_tables(std::process::id()).unwrap());
    assert!(!table.by_diag());
    assert!(
        best.by_diag() || iolab::probe::sock::check().is_err(),
        "the tables are used only when they must"
    );
    for fd in [listener.as_raw_fd(), client.as_raw_fd(), server.as_raw_fd()] {
        assert_eq!(at(&mut best, &fd), at(&mut table, &fd));
    }
    assert_eq!(at(&mut table, &server).unwrap().receive_queue_bytes, 99);
    if let Ok(v6) = v6 {
        assert!(at(&mut best, &v6).unwrap().listening);
        assert!(at(&mut table, &v6).unwrap().listening);
    }
}
