//! Starts servers as the lab does (a listening socket handed over as descriptor 3) and talks to them.
//!
//! Every child is killed and reaped when its guard is dropped, also by a panic, and dies with the thread
//! that started it. Every socket has a deadline, so that a server that hangs fails its test.

// What happens between fork and exec, and the pieces of the socket interface that have no safe wrapper.
#![allow(unsafe_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getppid};

/// How long anything may take before it counts as hung: far beyond what a busy machine needs.
const DEADLINE: Duration = Duration::from_secs(60);

/// A command of the program under test that dies with its parent.
pub fn iolab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iolab"));
    command.args(arguments).stdin(Stdio::null());
    let parent = getpid();
    // SAFETY: between fork and exec only prctl, getppid and _exit run, all async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have ended before prctl took effect.
            if getppid() != parent {
                libc::_exit(1);
            }
            Ok(())
        });
    }
    command
}

/// Makes descriptor 3 of the command a copy of `fd`, as a service manager does.
pub fn hand_over(command: &mut Command, fd: RawFd) {
    command.env("LISTEN_FDS", "1").env_remove("LISTEN_PID");
    // SAFETY: dup2 and fcntl are async-signal-safe, and `fd` is open in the parent until after the spawn.
    unsafe {
        command.pre_exec(move || {
            // dup2(3, 3) would leave close-on-exec set.
            let result = if fd == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(fd, 3) };
            if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
        });
    }
}

/// A running server; killed and reaped when dropped.
pub struct Server {
    name: String,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a server on a listening socket made here.
    pub fn start(name: &str) -> Self {
        Self::start_on(name, TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Starts a server on a listening socket whose kernel buffers are as small as they can be; accepted
    /// sockets inherit them. So a few kilobytes fill every buffer between the two programs.
    pub fn start_small(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        shrink_buffers(&listener);
        Self::start_on(name, listener)
    }

    /// Starts a server on a listening socket of one's own.
    pub fn start_on(name: &str, listener: TcpListener) -> Self {
        // SAFETY: listen on an open socket only sets the length of its queue.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 4096) }, 0);
        let mut command = iolab(&["serve", name]);
        hand_over(&mut command, listener.as_raw_fd());
        let server = Self::spawn(name, command);
        assert_eq!(server.address, listener.local_addr().unwrap(), "it serves the socket it was given");
        server
    }

    /// Starts a prepared command and waits for its "listening on ADDR".
    pub fn spawn(name: &str, mut command: Command) -> Self {
        let mut child = Reaped(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()));
        let process = child.0.as_mut().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.strip_prefix("listening on ") else {
            let mut says = String::new();
            process.stderr.take().unwrap().read_to_string(&mut says).unwrap();
            panic!("{name} did not start: it printed {line:?} and said {says:?}");
        };
        let address = address.trim().parse().unwrap();
        Self { name: name.into(), address, child: child.0.take().unwrap() }
    }

    /// Starts a prepared command that says nothing about where it listens.
    pub fn adopt(name: &str, address: SocketAddr, command: &mut Command) -> Self {
        Self { name: name.into(), address, child: command.spawn().unwrap() }
    }

    /// A new connection to it.
    pub fn connect(&self) -> TcpStream {
        with_deadline(TcpStream::connect(self.address).unwrap())
    }

    /// A new connection whose own kernel buffers are as small as they can be.
    pub fn connect_small(&self) -> TcpStream {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
        let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        // Before connect: the window is agreed on in the handshake.
        shrink_buffers(&socket);
        connect(socket.as_raw_fd(), &SockaddrStorage::from(self.address)).unwrap();
        with_deadline(socket.into())
    }

    /// Its row of the table.
    pub fn row(&self) -> &'static iolab::servers::Server {
        iolab::servers::by_name(&self.name).unwrap()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Ends it by a signal and says how it ended.
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(self.pid(), signal).unwrap();
        self.child.wait().unwrap()
    }

    /// Whether it is still there.
    pub fn assert_alive(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "{} ended by itself", self.name);
    }

    /// Ends it and returns what it wrote to stderr.
    pub fn end_and_read_stderr(&mut self) -> String {
        self.end(Signal::SIGTERM);
        let mut says = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut says).unwrap();
        says
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; wait reaps it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A child on its way to becoming a [`Server`].
struct Reaped(Option<Child>);

impl Drop for Reaped {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn shrink_buffers(socket: &impl AsFd) {
    use nix::sys::socket::{setsockopt, sockopt};
    // The kernel raises them to its minimum (socket(7)).
    setsockopt(socket, sockopt::SndBuf, &1).unwrap();
    setsockopt(socket, sockopt::RcvBuf, &1).unwrap();
}

fn with_deadline(socket: TcpStream) -> TcpStream {
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.set_write_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Bytes in which a lost, doubled or swapped piece shows: a different sequence for each seed.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        // xorshift64 (Marsaglia 2003)
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Sends `message` and expects the same bytes back, sending and receiving at the same time.
pub fn echo(socket: &TcpStream, message: &[u8]) {
    std::thread::scope(|scope| {
        scope.spawn(|| (&mut &*socket).write_all(message).unwrap());
        receive(socket, message);
    });
}

/// Expects exactly these bytes next.
pub fn receive(mut socket: &TcpStream, expected: &[u8]) {
    let mut seen = vec![0; expected.len()];
    socket.read_exact(&mut seen).unwrap();
    assert_same(&seen, expected);
}

/// Expects these bytes and then the end.
pub fn receive_to_end(mut socket: &TcpStream, expected: &[u8]) {
    let mut seen = Vec::new();
    socket.read_to_end(&mut seen).unwrap();
    assert_same(&seen, expected);
}

/// Closes with a reset in place of a FIN (socket(7), SO_LINGER).
pub fn reset(socket: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::Linger, &linger).unwrap();
}

/// The index of the first socket that has something to receive; waits for one.
pub fn first_readable(sockets: &[TcpStream]) -> usize {
    let mut watched: Vec<_> = sockets.iter().map(|s| PollFd::new(s.as_fd(), PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(DEADLINE).unwrap();
    assert_ne!(poll(&mut watched, timeout).unwrap(), 0, "none of {} was served", sockets.len());
    watched.iter().position(|socket| socket.any().unwrap()).unwrap()
}

/// Waits until it is so. For states of another process, which no descriptor announces.
pub fn until(what: &str, mut predicate: impl FnMut() -> bool) {
    for _ in 0..DEADLINE.as_millis() / 5 {
        if predicate() {
            return;
        }
        pause(5);
    }
    panic!("it never came to this: {what}");
}

/// Lets others run for so many milliseconds.
pub fn pause(ms: u16) {
    poll(&mut [], PollTimeout::from(ms)).unwrap();
}

/// Sends without waiting until the kernel takes no more and the server has taken no more for a while; says
/// how many bytes went. `message` is the most that is tried.
pub fn send_until_stalled(mut socket: &TcpStream, message: &[u8]) -> usize {
    socket.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while sent < message.len() {
        match socket.write(&message[sent..]) {
            Ok(n) => sent += n,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                let mut writable = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                // A server without a bound would make room at once and again and again.
                if poll(&mut writable, PollTimeout::from(300_u16)).unwrap() == 0 {
                    break;
                }
            }
            Err(error) => panic!("send: {error}"),
        }
    }
    socket.set_nonblocking(false).unwrap();
    sent
}

/// Bytes that have come to a socket and were not received (FIONREAD, tcp(7)).
pub fn unread(socket: &impl AsRawFd) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, to a place that lives here.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, &mut bytes) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    bytes.try_into().unwrap()
}

/// Says that no more will be sent.
pub fn half_close(socket: &TcpStream) {
    socket.shutdown(Shutdown::Write).unwrap();
}

fn assert_same(seen: &[u8], expected: &[u8]) {
    assert_eq!(seen.len(), expected.len(), "as many bytes come back as were sent");
    // Not assert_eq: nobody wants to read megabytes.
    let first_wrong = seen.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(first_wrong, None, "position of the first wrong byte");
}
