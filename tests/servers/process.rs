//! The process around a server: the command line, the listening socket, signals.

// Signal dispositions are set between fork and exec.
#![allow(unsafe_code)]

use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};

use crate::harness::{self, Server, iolab};

fn says(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn ends_with(mut command: Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let says = says(&output);
    assert_eq!(output.status.code(), Some(code), "{says}");
    for word in words {
        assert!(says.contains(word), "{word:?} is missing in {says:?}");
    }
    assert_eq!(output.stdout, b"", "it never listened");
}

#[test]
fn it_listens_where_it_is_told() {
    let server = Server::spawn("epoll", iolab(&["serve", "epoll", "--listen", "127.0.0.1:0"]));
    assert_ne!(server.address.port(), 0);
    harness::echo(&server.connect(), b"hello");
}

#[test]
fn a_mistyped_name_is_wrong_usage_and_gets_a_hint() {
    ends_with(iolab(&["serve", "epol"]), 2, &["did you mean epoll?", "threads", "sqpoll"]);
    ends_with(iolab(&["serve", "apache"]), 2, &["no such server", "threads"]);
    ends_with(iolab(&["serve"]), 2, &["<SERVER>"]);
    ends_with(iolab(&["serve", "uring", "--sq-entries", "100"]), 2, &["power of two"]);
    ends_with(iolab(&["serve", "uring", "--cq-entries", "128"]), 2, &["--cq-entries", "--sq-entries (256)"]);
}

#[test]
fn help_lists_the_table() {
    for flag in ["-h", "--help"] {
        let output = iolab(&["serve", flag]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        for server in iolab::servers::SERVERS {
            assert!(help.contains(server.says), "{} in {flag}", server.name);
        }
    }
}

#[test]
fn an_address_in_use_is_explained() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let command = iolab(&["serve", "epoll", "--listen", &address]);
    ends_with(command, 1, &[&address, "EADDRINUSE", "--listen 127.0.0.1:0"]);
}

#[test]
fn descriptor_3_must_be_a_listening_tcp_socket() {
    let with_3 = |fd: &dyn AsRawFd| {
        let mut command = iolab(&["serve", "epoll"]);
        harness::hand_over(&mut command, fd.as_raw_fd());
        command
    };
    let file = std::fs::File::open("/dev/null").unwrap();
    ends_with(with_3(&file), 1, &["descriptor 3", "ENOTSOCK", "LISTEN_FDS"]);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    ends_with(with_3(&udp), 1, &["descriptor 3", "does not listen"]);
    let directory = tempfile::tempdir().unwrap();
    let unix = UnixListener::bind(directory.path().join("socket")).unwrap();
    ends_with(with_3(&unix), 1, &["descriptor 3", "not a TCP socket"]);

    let mut nothing = iolab(&["serve", "epoll"]);
    nothing.env("LISTEN_FDS", "1");
    // SAFETY: close is async-signal-safe; whatever 3 is, the child does not need it.
    unsafe {
        nothing.pre_exec(|| {
            libc::close(3);
            Ok(())
        });
    }
    ends_with(nothing, 1, &["descriptor 3", "EBADF"]);
}

#[test]
fn a_socket_for_another_process_is_left_alone() {
    let mut command = iolab(&["serve", "epoll"]);
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let server = Server::spawn("epoll", command);
    harness::echo(&server.connect(), b"hello");
}

#[test]
fn it_serves_with_nobody_at_its_stdout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut command = iolab(&["serve", "epoll"]);
    harness::hand_over(&mut command, listener.as_raw_fd());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let server = Server::adopt("epoll", address, command.stdout(OwnedFd::from(writer)).stderr(Stdio::null()));
    harness::echo(&server.connect(), b"hello");
}

#[test]
fn signals_end_it_whatever_its_parent_did_with_them() {
    for wanted in [Signal::SIGTERM, Signal::SIGINT] {
        let mut command = iolab(&["serve", "epoll"]);
        // SAFETY: signal and sigprocmask are async-signal-safe, and no handler is installed.
        unsafe {
            command.pre_exec(move || {
                signal(wanted, SigHandler::SigIgn)?;
                sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), None)?;
                Ok(())
            });
        }
        let mut server = Server::spawn("epoll", command);
        harness::echo(&server.connect(), b"hello");
        assert_eq!(server.end(wanted).code(), Some(0), "{wanted}");
    }
}

/// Only a server that chose its own address says that few connections are possible: whoever hands a socket
/// over knows how many will come.
#[test]
fn a_low_descriptor_limit_is_said_to_whoever_did_not_ask_for_it() {
    let limited = || {
        let mut command = iolab(&["serve", "epoll", "--listen", "127.0.0.1:0"]);
        // SAFETY: setrlimit and prctl are async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                use nix::sys::resource::{Resource, setrlimit};
                setrlimit(Resource::RLIMIT_NOFILE, 500, 500)?;
                // With CAP_SYS_RESOURCE (24) the limit is no limit; who does not have it cannot drop it.
                libc::prctl(libc::PR_CAPBSET_DROP, 24, 0, 0, 0);
                Ok(())
            });
        }
        command
    };
    let said = Server::spawn("epoll", limited()).end_and_read_stderr();
    assert!(said.contains("fewer than 500 connections") && said.contains("prlimit"), "{said:?}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = limited();
    harness::hand_over(&mut command, listener.as_raw_fd());
    assert_eq!(Server::spawn("epoll", command).end_and_read_stderr(), "");
}

/// Makes io_uring_setup answer this errno, as the filters of containers do.
fn without_io_uring(command: &mut Command, errno: i32) {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    let rules = [(libc::SYS_io_uring_setup, vec![])].into_iter().collect();
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    let machine = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, machine).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    // SAFETY: installing a finished filter makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            seccompiler::apply_filter(&program).map_err(|_| std::io::ErrorKind::Other.into())
        });
    }
}

#[test]
fn a_machine_without_io_uring_is_told_from_a_failure() {
    for server in iolab::servers::SERVERS.iter().filter(|server| server.io_uring) {
        for (errno, name) in [(libc::EPERM, "EPERM"), (libc::ENOSYS, "ENOSYS"), (libc::ENOMEM, "ENOMEM")] {
            let mut command = iolab(&["serve", server.name]);
            without_io_uring(&mut command, errno);
            let output = command.output().unwrap();
            let says = says(&output);
            assert_eq!(output.status.code(), Some(3), "{}: {says}", server.name);
            assert!(says.contains("this machine refuses io_uring") && says.contains(name), "{says}");
            assert!(output.stdout.is_empty(), "no port is announced that nobody serves: {output:?}");
        }
    }
    // And the others do not care.
    let mut command = iolab(&["serve", "epoll"]);
    without_io_uring(&mut command, libc::EPERM);
    harness::echo(&Server::spawn("epoll", command).connect(), b"hello");
}
