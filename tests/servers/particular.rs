//! What one server promises and the others need not.

// A filter of system calls is installed between fork and exec.
#![allow(unsafe_code)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::harness::{self, Server};

const EPOLLIN: u32 = 0x1;
const EPOLLOUT: u32 = 0x4;
const EPOLLERR_AND_HUP: u32 = 0x18;
const EPOLLET: u32 = 1 << 31;

/// The events that the program asked for; the kernel adds EPOLLERR and EPOLLHUP to every one.
fn asked_for(server: &Server) -> Vec<u32> {
    server.interest_list().into_iter().map(|(_, events)| events & !EPOLLERR_AND_HUP).collect()
}

#[test]
fn epoll_watches_for_room_only_while_there_is_a_backlog() {
    for name in ["epoll", "epoll-spin"] {
        let server = Server::start_small(name);
        let socket = server.connect_small();
        harness::echo(&socket, b"hello");
        assert_eq!(asked_for(&server), [EPOLLIN], "{name}");
        let message = harness::bytes(1, 1024 * 1024);
        let sent = harness::send_until_stalled(&socket, &message);
        assert_eq!(asked_for(&server), [EPOLLOUT], "{name}: and nothing more is received");
        harness::receive(&socket, &message[..sent]);
        harness::until("EPOLLOUT is disarmed", || asked_for(&server) == [EPOLLIN]);
    }
}

#[test]
fn epoll_edge_registers_each_connection_once() {
    let server = Server::start("epoll-edge");
    let socket = server.connect();
    harness::echo(&socket, b"hello");
    assert_eq!(asked_for(&server), [EPOLLIN | EPOLLOUT | EPOLLET]);
}

#[test]
fn epoll_armed_has_its_flaw_and_echoes_all_the_same() {
    let server = Server::start("epoll-armed");
    let socket = server.connect();
    harness::echo(&socket, &harness::bytes(1, 1024 * 1024));
    assert_eq!(asked_for(&server), [EPOLLIN | EPOLLOUT], "armed with nothing to send");
}

#[test]
fn poll_armed_never_sleeps_once_there_is_a_connection_and_echoes_all_the_same() {
    let server = Server::start("poll-armed");
    server.assert_asleep();
    let socket = server.connect();
    harness::echo(&socket, &harness::bytes(1, 1024 * 1024));
    server.until_it_has_run(100_000_000);
    harness::echo(&socket, b"still served");
}

#[test]
fn edge_once_leaves_what_is_longer_than_its_buffer_and_sleeps() {
    const BUFFER_BYTES: usize = 4096;
    let server = Server::start("edge-once");
    // What it opens for itself is open once it has served somebody.
    let first = server.connect();
    harness::echo(&first, b"hello");
    let before = server.descriptor_numbers();
    let mut socket = server.connect();
    for length in [1, BUFFER_BYTES, 1] {
        harness::echo(&socket, &harness::bytes(2, length));
    }
    let accepted = server.descriptor_numbers().into_iter().find(|fd| !before.contains(fd)).unwrap();
    let accepted = server.copy_descriptor(accepted);
    let message = harness::bytes(3, 10_000);
    socket.write_all(&message).unwrap();
    harness::receive(&socket, &message[..BUFFER_BYTES]);
    server.assert_asleep();
    assert_eq!(harness::unread(&accepted), 10_000 - BUFFER_BYTES, "asked for by the peer, and nobody comes");
    // Only bytes that arrive are a change.
    socket.write_all(b"!").unwrap();
    harness::receive(&socket, &message[BUFFER_BYTES..2 * BUFFER_BYTES]);
    server.assert_asleep();
    assert_eq!(harness::unread(&accepted), 10_001 - 2 * BUFFER_BYTES);
}

/// Makes epoll_ctl ADD answer ENOSPC for every descriptor from 5 on, as beyond fs.epoll.max_user_watches.
/// Of a server that was handed its socket, 3 is the listener, 4 the epoll instance, and 5 its first peer.
fn without_watches(command: &mut Command) {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };
    let condition =
        |argument, op, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value).unwrap();
    let add = condition(1, SeccompCmpOp::Eq, libc::EPOLL_CTL_ADD.try_into().unwrap());
    let peer = condition(2, SeccompCmpOp::Ge, 5);
    let rules = [(libc::SYS_epoll_ctl, vec![SeccompRule::new(vec![add, peer]).unwrap()])];
    let refuse = SeccompAction::Errno(libc::ENOSPC.cast_unsigned());
    let machine = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, refuse, machine);
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    // SAFETY: installing a finished filter makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            seccompiler::apply_filter(&program).map_err(|_| std::io::ErrorKind::Other.into())
        });
    }
}

#[test]
fn what_epoll_cannot_watch_is_closed_and_that_is_said_once() {
    for name in ["epoll", "epoll-edge", "epoll-spin", "epoll-armed", "edge-once"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut command = harness::iolab(&["serve", name]);
        harness::hand_over(&mut command, listener.as_raw_fd());
        without_watches(&mut command);
        let mut server = Server::spawn(name, command);
        for _ in 0..3 {
            assert_eq!(server.connect().read(&mut [0]).unwrap(), 0, "{name}: closed, not left to hang");
        }
        server.assert_alive();
        let said = server.end_and_read_stderr();
        assert_eq!(said.lines().filter(|line| line.contains("ENOSPC")).count(), 1, "{name}: {said:?}");
    }
}

#[test]
fn recv_spin_echoes_though_it_never_waits() {
    let server = Server::start("recv-spin");
    let (one, other) = (server.connect(), server.connect());
    harness::echo(&one, &harness::bytes(1, 1024 * 1024));
    harness::echo(&other, b"hello");
}

#[test]
fn select_refuses_what_does_not_fit_its_set() {
    let mut server = Server::start("select");
    let taken = server.descriptor_numbers().into_iter().filter(|fd| *fd < 1024).count();
    let sockets: Vec<_> = (0..1100).map(|_| server.connect()).collect();
    // FD_SETSIZE is 1024.
    let (fit, beyond) = sockets.split_at(1024 - taken);
    fit.iter().for_each(|socket| harness::echo(socket, b"fits"));
    for mut socket in beyond {
        assert_eq!(socket.read(&mut [0]).unwrap(), 0, "closed, with nothing said");
    }
    harness::echo(&fit[0], b"still served");
    server.assert_alive();
    let says = server.end_and_read_stderr();
    assert_eq!(says.lines().filter(|line| line.contains("FD_SETSIZE")).count(), 1, "{says}");
}

#[test]
fn threads_end_with_their_connections() {
    let server = Server::start("threads");
    let sockets: Vec<_> = (0..10).map(|_| server.connect()).collect();
    sockets.iter().for_each(|socket| harness::echo(socket, b"hello"));
    assert_eq!(server.threads(), 11);
    drop(sockets);
    harness::until("the threads have ended", || server.threads() == 1);
}

#[test]
fn accepted_sockets_send_without_delay() {
    use nix::sys::socket::{getsockopt, sockopt};
    for row in iolab::servers::SERVERS.iter().filter(|row| !row.io_uring) {
        let server = Server::start(row.name);
        // What it opens for itself is open once it has served somebody.
        let first = server.connect();
        harness::echo(&first, b"hello");
        let before = server.descriptor_numbers();
        let second = server.connect();
        harness::echo(&second, b"hello");
        let mut after = server.descriptor_numbers();
        after.retain(|fd| !before.contains(fd));
        assert_eq!(after.len(), 1, "{}: {before:?} {after:?}", row.name);
        let accepted = server.copy_descriptor(after[0]);
        assert!(getsockopt(&accepted, sockopt::TcpNoDelay).unwrap(), "{}", row.name);
    }
}
