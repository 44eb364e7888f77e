//! The io_uring servers where rings are too small, features are missing and peers are hostile.
//!
//! What every server must do is tested with the others; here are the promises that only a ring can break:
//! no completion is lost when the queues overflow, no buffer is lost to a peer that does not read, and a
//! kernel without a feature gets the next best one. The servers run on threads of this process, because no
//! command line takes a feature away from a kernel.

#![cfg(feature = "live")]
// A test says what went wrong by where it panics; clippy's own exception covers test functions only.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use iolab::servers::uring_multishot::{Accept, Features, Receive, TaskWork, run_with};
use iolab::servers::{Options, by_name, uring_multishot};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, listen, setsockopt, socket, sockopt,
};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

const RING_SERVERS: [&str; 4] = ["uring-naive", "uring", "uring-multishot", "sqpoll"];

/// Far beyond what a busy machine needs: a lost completion shows as a receive that never ends.
const DEADLINE: Duration = Duration::from_secs(60);

/// Queues of four and a pool of four buffers, for dozens of connections.
fn tiny() -> Options {
    Options { sq_entries: 4, cq_entries: Some(4), buffers: 4, sqpoll_idle_ms: 1 }
}

/// Serves on a thread that ends with the process.
fn serve(serve: impl FnOnce(TcpListener) -> anyhow::Result<()> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Listening again lengthens the queue: a connection that finds it full is tried again after a second.
    listen(&listener, Backlog::new(4096).unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || serve(listener).unwrap());
    address
}

fn serve_by_name(name: &'static str, options: Options) -> SocketAddr {
    serve(move |listener| by_name(name).unwrap().run.unwrap()(listener, &options))
}

fn connect(address: SocketAddr) -> TcpStream {
    with_deadline(TcpStream::connect(address).unwrap())
}

/// A connection that takes next to nothing before it is read from.
fn connect_small(address: SocketAddr) -> TcpStream {
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    // Before connect: a window that shrinks later leaves the sender waiting for it to grow again.
    setsockopt(&socket, sockopt::RcvBuf, &1).unwrap();
    nix::sys::socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(address)).unwrap();
    with_deadline(socket.into())
}

fn with_deadline(socket: TcpStream) -> TcpStream {
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.set_write_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Bytes in which a lost, doubled or swapped piece shows, different for each seed.
fn bytes(seed: usize, length: usize) -> Vec<u8> {
    let places = (0..length as u64 / 8 + 1).map(|place| place + ((seed as u64) << 32));
    let words = places.map(|place| place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    words.flat_map(u64::to_be_bytes).take(length).collect()
}

fn receive(mut socket: &TcpStream, expected: &[u8]) {
    let mut seen = vec![0; expected.len()];
    socket.read_exact(&mut seen).unwrap();
    assert!(seen == expected, "{} bytes come back as they were sent", expected.len());
}

/// Everybody sends at once, and nobody reads before all have sent; then everybody finishes.
fn crowd_is_echoed(address: SocketAddr, connections: usize, length: usize) {
    let sockets: Vec<_> = (0..connections).map(|_| connect(address)).collect();
    for round in 0..3 {
        for (i, mut socket) in sockets.iter().enumerate() {
            socket.write_all(&bytes(i + round, length)).unwrap();
        }
        for (i, socket) in sockets.iter().enumerate() {
            receive(socket, &bytes(i + round, length));
        }
    }
    for mut socket in sockets {
        socket.shutdown(Shutdown::Write).unwrap();
        assert_eq!(socket.read(&mut [0]).unwrap(), 0, "the end comes, and nothing before it");
    }
}

/// Sends and receives at the same time, as a message longer than all buffers needs it.
fn long_message_is_echoed(address: SocketAddr, length: usize) {
    let (socket, message) = (connect(address), bytes(length, length));
    std::thread::scope(|scope| {
        scope.spawn(|| (&mut &socket).write_all(&message).unwrap());
        receive(&socket, &message);
    });
}

#[test]
fn nothing_is_lost_when_every_queue_overflows() {
    for name in RING_SERVERS {
        let address = serve_by_name(name, tiny());
        crowd_is_echoed(address, 64, 5000);
        long_message_is_echoed(address, 1024 * 1024);
    }
}

#[test]
fn one_buffer_is_enough_for_a_crowd() {
    let address = serve_by_name("uring-multishot", Options { buffers: 1, ..Options::default() });
    crowd_is_echoed(address, 64, 5000);
    long_message_is_echoed(address, 1024 * 1024);
}

#[test]
fn thousands_are_served_at_once() {
    // Both ends are in this process.
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(12_000)), hard).unwrap();
    for name in RING_SERVERS {
        crowd_is_echoed(serve_by_name(name, Options::default()), 5000, 64);
    }
}

/// Every rung of every ladder does the whole work, with room and without.
#[test]
fn a_kernel_with_less_is_served_by_less() {
    for task_work in [TaskWork::Deferred, TaskWork::Cooperative, TaskWork::Interrupting] {
        for accept in [Accept::Multishot, Accept::Single] {
            for receive in [Receive::Multishot, Receive::Provided, Receive::Own] {
                let features = Features { task_work, accept, receive };
                for options in [tiny(), Options::default()] {
                    let address = serve(move |listener| run_with(listener, &options, features));
                    crowd_is_echoed(address, 32, 5000);
                    long_message_is_echoed(address, 300_000);
                }
            }
        }
    }
}

/// This kernel has everything, and the server finds it: no rung is left without need.
#[test]
fn what_the_kernel_has_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut features = Features::ALL;
    features.set_up(&Options::default(), &listener).unwrap();
    assert_eq!(features, Features::ALL, "these tests need Linux 6.1");
}

/// More peers that never read than there are buffers: each of them is behind, and none keeps a buffer.
#[test]
fn peers_that_do_not_read_do_not_stop_the_others() {
    for receive_by in [Receive::Multishot, Receive::Provided, Receive::Own] {
        let features = Features { receive: receive_by, ..Features::ALL };
        let address = serve(move |listener| {
            // Accepted sockets inherit it: a few kilobytes fill everything between the two ends.
            setsockopt(&listener, sockopt::SndBuf, &1)?;
            setsockopt(&listener, sockopt::RcvBuf, &1)?;
            run_with(listener, &tiny(), features)
        });

        let message = bytes(1, 8 * 1024 * 1024);
        let stall = || {
            let socket = connect_small(address);
            setsockopt(&socket, sockopt::SndBuf, &1).unwrap();
            let sent = send_until_stalled(&socket, &message);
            assert!(sent < message.len(), "the server took 8 MiB of a peer that takes none back");
            (socket, sent)
        };
        let stalled: Vec<_> = (0..6).map(|_| stall()).collect();
        crowd_is_echoed(address, 16, 5000);
        // Every third goes away, and the others read after all.
        for (i, (mut socket, sent)) in stalled.into_iter().enumerate() {
            if i % 3 > 0 {
                receive(&socket, &message[..sent]);
                socket.write_all(b"received from again").unwrap();
                receive(&socket, b"received from again");
            }
        }
        crowd_is_echoed(address, 16, 5000);
    }
}

/// Sends until neither kernel nor server has taken anything for a while; says how much went.
fn send_until_stalled(mut socket: &TcpStream, message: &[u8]) -> usize {
    socket.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while sent < message.len() {
        match socket.write(&message[sent..]) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut writable = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut writable, PollTimeout::from(200_u16)).unwrap() == 0 {
                    break;
                }
            }
            Err(error) => panic!("send: {error}"),
        }
    }
    socket.set_nonblocking(false).unwrap();
    sent
}

/// Makes a system call of this thread fail as a container's profile does, always or with that second argument.
fn forbid(call: i64, errno: i32, second_argument: Option<u64>) {
    let rule = second_argument.map(|value| {
        let is = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value).unwrap();
        SeccompRule::new(vec![is]).unwrap()
    });
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, rule.into_iter().collect())]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

#[test]
fn a_refused_ring_is_explained() {
    for (errno, kind) in [(libc::EPERM, ErrorKind::PermissionDenied), (libc::ENOMEM, ErrorKind::OutOfMemory)]
    {
        for name in RING_SERVERS {
            let failed = std::thread::spawn(move || {
                forbid(libc::SYS_io_uring_setup, errno, None);
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                by_name(name).unwrap().run.unwrap()(listener, &Options::default()).unwrap_err()
            });
            let error = failed.join().unwrap();
            let cause = error.root_cause().downcast_ref::<std::io::Error>().expect("the kernel's own answer");
            assert_eq!(cause.kind(), kind, "{name}");
            assert!(format!("{error:#}").contains("io_uring_setup"), "{error:#}");
        }
    }
}

/// A kernel that does not know IORING_REGISTER_PBUF_RING answers EINVAL; so does this filter.
#[test]
fn without_a_buffer_ring_each_connection_has_memory_of_its_own() {
    const IORING_REGISTER_PBUF_RING: u64 = 22;
    let address = serve(|listener| {
        forbid(libc::SYS_io_uring_register, libc::EINVAL, Some(IORING_REGISTER_PBUF_RING));
        let mut features = Features::ALL;
        features.set_up(&Options::default(), &listener)?;
        assert_eq!(features, Features { receive: Receive::Own, ..Features::ALL });
        uring_multishot::run(listener, &Options::default())
    });
    crowd_is_echoed(address, 64, 5000);
    long_message_is_echoed(address, 1024 * 1024);
}

/// A pool that is no power of two is refused in words, not by an errno.
#[test]
fn a_wrong_size_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = uring_multishot::run(listener, &Options { buffers: 3, ..Options::default() }).unwrap_err();
    assert!(format!("{error:#}").contains("--buffers 3"), "{error:#}");
}
