//! The client of a server in slow motion: a few connections that send one request each when they are told to, and
//! wait for as long as somebody reads.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

/// A few connections to one server.
pub struct Client {
    connections: Vec<Connection>,
    message_bytes: usize,
    /// Requests that were sent on each, the first exchange not counted.
    request: u64,
}

struct Connection {
    socket: TcpStream,
    sent: Vec<u8>,
    received: usize,
}

impl Client {
    /// Connects; the server need not have accepted anything yet.
    pub fn connect(address: SocketAddr, connections: u32, message_bytes: u32) -> anyhow::Result<Self> {
        let connect = |_| {
            let socket = TcpStream::connect(address).context("cannot connect to the server")?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            Ok(Connection { socket, sent: Vec::new(), received: 0 })
        };
        let connections = (0..connections).map(connect).collect::<anyhow::Result<_>>()?;
        Ok(Self { connections, message_bytes: message_bytes.max(1) as usize, request: 0 })
    }

    /// The exchange before the first request: after it every connection is known to the server.
    pub fn say_hello(&mut self) -> anyhow::Result<()> {
        self.send("hello")
    }

    /// Sends the next request on every connection.
    pub fn send_next(&mut self) -> anyhow::Result<()> {
        self.request += 1;
        self.send(&format!("request {}", self.request))
    }

    fn send(&mut self, says: &str) -> anyhow::Result<()> {
        let bytes = self.message_bytes;
        for (index, connection) in self.connections.iter_mut().enumerate() {
            let text = format!("{says} of client {} ", index + 1);
            connection.sent = text.bytes().chain(std::iter::repeat(b'.')).take(bytes).collect();
            connection.received = 0;
            // A message of this size always fits into an empty socket.
            connection.socket.write_all(&connection.sent).context("the server has closed a connection")?;
        }
        Ok(())
    }

    /// Takes what has come. An answer that differs from what was sent, or an end, is an error.
    pub fn take(&mut self) -> anyhow::Result<()> {
        for connection in &mut self.connections {
            connection.take()?;
        }
        Ok(())
    }

    /// Sleeps until something has come, or until `bell` rings.
    pub fn wait(&self, bell: &EventFd) -> anyhow::Result<()> {
        let sockets = self.connections.iter().map(|connection| connection.socket.as_fd());
        let all = sockets.chain([bell.as_fd()]).map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut all.collect::<Vec<_>>(), PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno).context("poll of the client's connections"),
        }
    }

    /// Whether all of what was sent last has come back.
    pub fn is_answered(&self) -> bool {
        self.connections.iter().all(|connection| connection.received == connection.sent.len())
    }

    /// Which request was sent last; 0 before the first.
    pub fn request(&self) -> u64 {
        self.request
    }

    /// The client's ports.
    pub fn ports(&self) -> Vec<u16> {
        let port = |connection: &Connection| Some(connection.socket.local_addr().ok()?.port());
        self.connections.iter().filter_map(port).collect()
    }
}

impl Connection {
    fn take(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 4096];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => anyhow::bail!("the server has closed a connection"),
                Ok(n) => {
                    let expected = self.sent.get(self.received..self.received + n);
                    anyhow::ensure!(expected == Some(&bytes[..n]), "the server answered with other bytes");
                    self.received += n;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the server has broken off a connection"),
            }
        }
    }
}
