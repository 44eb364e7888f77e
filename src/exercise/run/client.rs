//! The client of a server exercise: connections in groups, every byte compared.
//!
//! What a connection sends follows from its number and the byte's place, so that an echo that is mixed up, short or
//! late is seen byte by byte without keeping what was sent.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{SockaddrStorage, connect, setsockopt, sockopt};

/// Read or written at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Read at once by a peer that is slow.
const SIP_BYTES: usize = 2048;

/// A receive buffer as small as it gets; the kernel doubles it. The send buffer is left alone: one that holds less
/// than two segments would make the server's kernel put its acknowledgements off.
const SMALL_BYTES: usize = 4096;

/// How long connections are waited on before the caller looks at the server.
const TICK_MS: u16 = 10;

/// What a connection is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To be connected.
    Connected,
    /// To have all that it sends back.
    Echoed,
    /// The same, read sip by sip.
    Sipped,
    /// To send without reading.
    Sent,
    /// To see the other side's end.
    Ended,
}

/// One connection.
struct Connection {
    socket: TcpStream,
    number: u64,
    /// Bytes that it is to send in all, that it has sent, and that came back.
    wanted: u64,
    sent: u64,
    received: u64,
    /// Bytes that a greeting has still to bring; compared with `greeting`.
    greeting: Vec<u8>,
    greeted: usize,
    connected: bool,
    end: Option<End>,
    /// The first byte that was wrong.
    wrong: Option<String>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Fin,
    Reset,
}

/// All connections of a run.
#[derive(Default)]
pub(super) struct Client {
    groups: BTreeMap<String, Vec<Connection>>,
    made: u64,
    buffer: Vec<u8>,
}

/// What came of a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tick {
    /// Whether every connection has what it wished.
    pub done: bool,
    /// Whether anything moved.
    pub moved: bool,
}

impl Client {
    /// Begins to open connections with these sockets.
    pub(super) fn connect(
        &mut self,
        group: &str,
        sockets: Vec<OwnedFd>,
        to: SocketAddr,
        small: bool,
    ) -> anyhow::Result<()> {
        for socket in sockets {
            if small {
                setsockopt(&socket, sockopt::RcvBuf, &SMALL_BYTES).context("setsockopt SO_RCVBUF")?;
            }
            setsockopt(&socket, sockopt::TcpNoDelay, &true).context("setsockopt TCP_NODELAY")?;
            match connect(socket.as_raw_fd(), &SockaddrStorage::from(to)) {
                Ok(()) | Err(Errno::EINPROGRESS) => {}
                Err(errno) => anyhow::bail!("connect: {errno}"),
            }
            self.made += 1;
            let connection = Connection {
                socket: TcpStream::from(socket),
                number: self.made,
                wanted: 0,
                sent: 0,
                received: 0,
                greeting: Vec::new(),
                greeted: 0,
                connected: false,
                end: None,
                wrong: None,
            };
            self.groups.entry(group.to_owned()).or_default().push(connection);
        }
        Ok(())
    }

    /// Has every connection of a group send so many bytes more.
    pub(super) fn send(&mut self, group: &str, bytes: usize) {
        self.each(group, |connection| connection.wanted += bytes as u64);
    }

    /// Has every connection of a group send no more than it has sent.
    pub(super) fn send_no_more(&mut self, group: &str) {
        self.each(group, |connection| connection.wanted = connection.sent);
    }

    /// Has every connection of a group await a text.
    pub(super) fn await_text(&mut self, group: &str, text: &str) {
        self.each(group, |connection| {
            (connection.greeting, connection.greeted) = (text.as_bytes().to_vec(), 0);
        });
    }

    /// Sends FIN on every connection of a group.
    pub(super) fn finish(&mut self, group: &str) {
        // A connection that is broken already shows when its end is awaited.
        self.each(group, |connection| drop(connection.socket.shutdown(Shutdown::Write)));
    }

    /// Closes the connections of a group.
    pub(super) fn close(&mut self, group: &str) {
        self.groups.remove(group);
    }

    /// Breaks the connections of a group off, with RST.
    pub(super) fn reset(&mut self, group: &str) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        self.each(group, |connection| {
            let _ = setsockopt(&connection.socket, sockopt::Linger, &linger);
        });
        self.close(group);
    }

    /// Forgets what was wrong before: each step is judged by itself.
    pub(super) fn forget(&mut self) {
        self.groups.values_mut().flatten().for_each(|connection| connection.wrong = None);
    }

    /// How many connections a group has.
    pub(super) fn len(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, Vec::len)
    }

    fn each(&mut self, group: &str, of: impl FnMut(&mut Connection)) {
        self.groups.get_mut(group).into_iter().flatten().for_each(of);
    }

    /// Moves what can be moved and waits a moment for more.
    pub(super) fn tick(&mut self, group: &str, wish: Wish) -> anyhow::Result<Tick> {
        self.buffer.resize(CHUNK_BYTES, 0);
        let Some(connections) = self.groups.get_mut(group) else {
            return Ok(Tick { done: true, moved: false });
        };
        let mut tick = Tick { done: true, moved: false };
        for connection in connections.iter_mut() {
            tick.moved |= connection.step(wish, &mut self.buffer);
            tick.done &= connection.has(wish);
        }
        if tick.done || tick.moved {
            return Ok(tick);
        }
        let waits = connections.iter().filter(|connection| !connection.has(wish));
        let mut waiting: Vec<_> =
            waits.map(|connection| PollFd::new(connection.socket.as_fd(), connection.events(wish))).collect();
        match poll(&mut waiting, PollTimeout::from(TICK_MS)) {
            Ok(_) | Err(Errno::EINTR) => Ok(tick),
            Err(errno) => Err(errno).context("poll on the client's connections"),
        }
    }

    /// What is wrong in a group: bytes, or an end that should not have been.
    pub(super) fn wrong(&self, group: &str, wish: Wish) -> Vec<String> {
        let connections = self.groups.get(group).into_iter().flatten();
        let mut wrong: Vec<_> =
            connections.clone().filter_map(|connection| connection.wrong.clone()).collect();
        let ended = |end| connections.clone().filter(|connection| connection.end == Some(end)).count();
        let (fins, resets) = (ended(End::Fin), ended(End::Reset));
        let all = self.len(group);
        if wish != Wish::Ended && fins + resets > 0 {
            wrong.push(format!("the server closed {} of {all} connections ({resets} by RST)", fins + resets));
        }
        if wish == Wish::Ended && resets > 0 {
            wrong.push(format!("{resets} of {all} connections ended with RST, not FIN"));
        }
        let early =
            connections.clone().find(|connection| connection.end == Some(End::Fin) && connection.owed() > 0);
        if let Some(one) = early.filter(|_| wish == Wish::Ended) {
            wrong.push(format!("FIN came after {} of {} bytes", one.received, one.wanted));
        }
        wrong
    }

    /// Who waits for what, in words: `3 of 64 connections wait for 64 more bytes`.
    pub(super) fn waits(&self, group: &str, wish: Wish) -> String {
        let connections = self.groups.get(group).into_iter().flatten();
        let waiting: Vec<_> = connections.filter(|connection| !connection.has(wish)).collect();
        let (waits, all) = (waiting.len(), self.len(group));
        let bytes: u64 = waiting.iter().map(|connection| connection.owed()).sum();
        let what = match wish {
            Wish::Connected => "to be connected".to_owned(),
            Wish::Echoed | Wish::Sipped if bytes == 0 => "for a greeting".to_owned(),
            Wish::Echoed | Wish::Sipped => format!("for {bytes} bytes that do not come"),
            Wish::Sent => "for room to send".to_owned(),
            Wish::Ended => "for the server's FIN".to_owned(),
        };
        format!("{waits} of {all} connections wait {what}")
    }
}

impl Connection {
    /// Bytes that are still to come back.
    fn owed(&self) -> u64 {
        self.wanted.saturating_sub(self.received)
    }

    fn has(&self, wish: Wish) -> bool {
        if self.end.is_some() {
            return true;
        }
        match wish {
            Wish::Connected => self.connected,
            Wish::Echoed | Wish::Sipped => self.owed() == 0 && self.greeted == self.greeting.len(),
            Wish::Sent => self.sent == self.wanted,
            Wish::Ended => false,
        }
    }

    fn events(&self, wish: Wish) -> PollFlags {
        let mut events = PollFlags::empty();
        if !self.connected || self.sent < self.wanted {
            events |= PollFlags::POLLOUT;
        }
        if self.connected && wish != Wish::Sent {
            events |= PollFlags::POLLIN;
        }
        events
    }

    /// Moves what can be moved; whether anything did.
    fn step(&mut self, wish: Wish, buffer: &mut [u8]) -> bool {
        if !self.connected {
            return self.settle();
        }
        if self.end.is_some() {
            return false;
        }
        let sent = self.sent < self.wanted && self.write(buffer);
        let received = !matches!(wish, Wish::Sent | Wish::Connected)
            && self.end.is_none()
            && match wish {
                Wish::Sipped => self.read(&mut buffer[..SIP_BYTES]),
                _ => self.read(buffer),
            };
        sent || received
    }

    /// Whether the connection has come about.
    fn settle(&mut self) -> bool {
        match self.socket.take_error() {
            Ok(None) => self.connected = self.socket.peer_addr().is_ok(),
            Ok(Some(_)) | Err(_) => self.end = Some(End::Reset),
        }
        self.connected || self.end.is_some()
    }

    fn write(&mut self, buffer: &mut [u8]) -> bool {
        let len = buffer.len().min(usize::try_from(self.wanted - self.sent).unwrap_or(usize::MAX));
        for (at, byte) in buffer[..len].iter_mut().enumerate() {
            *byte = pattern(self.number, self.sent + at as u64);
        }
        match self.socket.write(&buffer[..len]) {
            Ok(sent) => {
                self.sent += sent as u64;
                sent > 0
            }
            Err(error) => self.troubled(&error),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> bool {
        match self.socket.read(buffer) {
            Ok(0) => {
                self.end = Some(End::Fin);
                true
            }
            Ok(received) => {
                self.compare(&buffer[..received]);
                true
            }
            Err(error) => self.troubled(&error),
        }
    }

    fn troubled(&mut self, error: &std::io::Error) -> bool {
        let again = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
        if !again {
            self.end = Some(End::Reset);
        }
        !again
    }

    fn compare(&mut self, bytes: &[u8]) {
        let greeting = bytes.len().min(self.greeting.len() - self.greeted);
        let (greeted, echoed) = bytes.split_at(greeting);
        if greeted != &self.greeting[self.greeted..self.greeted + greeting] {
            self.mistake(format!("a greeting is {:?}", String::from_utf8_lossy(greeted)));
        }
        self.greeted += greeting;
        let begin = self.received;
        self.received += echoed.len() as u64;
        if self.received > self.sent {
            self.mistake(format!("{} bytes came back of {} sent", self.received, self.sent));
        }
        let differs = |(at, byte): &(usize, &u8)| **byte != pattern(self.number, begin + *at as u64);
        if let Some((at, byte)) = echoed.iter().enumerate().find(differs) {
            let (place, wanted) = (begin + at as u64, pattern(self.number, begin + at as u64));
            self.mistake(format!("byte {place} of a connection is {byte:#04x}, sent was {wanted:#04x}"));
        }
    }

    fn mistake(&mut self, says: String) {
        self.wrong.get_or_insert(says);
    }
}

/// The byte at a place of what a connection sends: two connections differ nearly everywhere, and a stretch does not
/// repeat within 64 KiB.
fn pattern(number: u64, place: u64) -> u8 {
    let mixed = (place ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_tells_connections_and_places_apart() {
        let stretch =
            |number, begin: u64| (begin..begin + 64).map(|at| pattern(number, at)).collect::<Vec<_>>();
        assert_ne!(stretch(1, 0), stretch(2, 0));
        for begin in [1, 64, 4096, 65_536] {
            assert_ne!(stretch(1, 0), stretch(1, begin), "{begin}");
        }
    }
}
