//! The client as a process: how it begins, how it ends, what it refuses.

// A system call filter is set between fork and exec, which only `pre_exec` can do.
#![allow(unsafe_code)]

use std::net::TcpListener;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use iolab::load::protocol::Tell;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::client::{Client, command};
use super::server::{Manner, Server};
use super::{load, with_both_engines};

/// The client where io_uring_setup(2) answers EPERM, as in a container with Docker's default profile.
fn without_io_uring(engine: &str) -> Command {
    let rules = [(nix::libc::SYS_io_uring_setup, vec![])].into();
    let eperm = SeccompAction::Errno(nix::libc::EPERM as u32);
    let here = std::env::consts::ARCH.try_into().unwrap();
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, eperm, here).unwrap().try_into().unwrap();
    let mut command = command(engine);
    // SAFETY: between fork and exec this makes two system calls and allocates nothing; the program was made
    // before.
    unsafe { command.pre_exec(move || seccompiler::apply_filter(&filter).map_err(std::io::Error::other)) };
    command
}

#[test]
fn where_io_uring_is_refused_auto_uses_epoll() {
    let server = Server::start(Manner::Echo);
    let mut client = Client::of(without_io_uring("auto").spawn().unwrap());
    assert_eq!(client.open(server.address, &load(2, 64)), ("epoll".to_owned(), 2, None));
    assert_eq!(client.run(10).totals.answered, 10);
}

#[test]
fn where_io_uring_is_allowed_auto_uses_it() {
    let server = Server::start(Manner::Echo);
    assert_eq!(Client::start("auto").open(server.address, &load(1, 64)).0, "io_uring");
}

#[test]
fn where_io_uring_is_refused_asking_for_it_fails_and_says_why() {
    let (status, tells) = Client::of(without_io_uring("uring").spawn().unwrap()).end();
    assert_eq!(status.code(), Some(3));
    let [Tell::Failed { says }] = &tells[..] else { panic!("{tells:?}") };
    assert!(says.contains("io_uring_setup: EPERM") && says.contains("--engine epoll"), "{says}");
}

#[test]
fn it_ends_when_the_lab_is_gone() {
    with_both_engines(|engine| {
        let server = Server::start(Manner::Echo);
        let mut client = Client::start(engine);
        client.open(server.address, &load(2, 64));
        client.begin(None, None);
        client.report();
        drop(client.stdin.take());
        assert_eq!(client.end().0.code(), Some(0));

        let mut resting = command(engine).spawn().unwrap();
        drop(resting.stdout.take());
        assert_eq!(resting.wait().unwrap().code(), Some(0), "nobody reads what it tells");

        let mut client = Client::start(engine);
        client.open(server.address, &load(2, 64));
        client.begin(None, None);
        client.report();
        kill(Pid::from_raw(client.child.id() as i32), Signal::SIGTERM).unwrap();
        assert_eq!(client.end().0.signal(), Some(Signal::SIGTERM as i32));
    });
}

#[test]
fn where_nobody_listens_it_says_so() {
    with_both_engines(|engine| {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut client = Client::start(engine);
        let (_, open, refused) = client.open(address, &load(100, 64));
        assert_eq!(open, 0);
        let refused = refused.unwrap();
        assert!(refused.contains("100 of 100") && refused.contains("ECONNREFUSED"), "{refused}");
        assert!(client.run(1).failed.is_some_and(|says| says.contains("none was opened")));
    });
}

#[test]
fn what_it_does_not_understand_it_refuses_and_goes_on() {
    let server = Server::start(Manner::Echo);
    let mut client = Client::start("auto");
    client.say("{\"ask\": \"dance\"}");
    assert!(matches!(client.hear(), Tell::Failed { says } if says.contains("dance")));
    for bytes in [0, (1 << 20) + 1] {
        let ask = iolab::load::protocol::Ask::Open { address: server.address, load: load(1, bytes) };
        client.ask(&ask);
        assert!(matches!(client.hear(), Tell::Failed { says } if says.contains("1048576")));
    }
    client.open(server.address, &load(1, 64));
    assert_eq!(client.run(1).totals.answered, 1);
}

#[test]
fn it_stays_on_the_processor_it_is_given() {
    let mut client = Client::of(command("auto").args(["--cpu", "0"]).spawn().unwrap());
    let server = Server::start(Manner::Echo);
    client.open(server.address, &load(1, 64));
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.child.id())).unwrap();
    assert!(status.lines().any(|line| line == "Cpus_allowed_list:\t0"), "{status}");
    let (status, _) = Client::of(command("auto").args(["--cpu", "4000"]).spawn().unwrap()).end();
    assert_eq!(status.code(), Some(1));
}
