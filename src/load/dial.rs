//! Opening connections: thousands of them, without blocking the traffic that is on.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrStorage, bind, connect, setsockopt,
    socket, sockopt,
};

use super::clock::now_ns;

/// Connections begun at a time: fewer than the backlog that servers ask listen(2) for (128 in the standard
/// library), since what overflows it is tried again by TCP only after a second.
const BATCH: usize = 64;

/// Connections from one source address. A destination leaves 28 232 ports to one address by default
/// (ip_local_port_range), and searching for the last free ones is slow.
const PER_SOURCE: usize = 16_384;

/// How long a batch may make no progress: two of TCP's own retries.
const PATIENCE_NS: u64 = 7_000_000_000;

/// What became of it.
#[derive(Debug, Default)]
pub struct Dialed {
    /// Open connections and the port on this side.
    pub sockets: Vec<(TcpStream, u16)>,
    /// What could not be opened and why.
    pub refused: Option<String>,
}

/// Opens `count` connections; stops at the first batch in which one fails.
pub fn dial(address: SocketAddr, count: u32) -> Dialed {
    let mut dialed = Dialed::default();
    let mut source = Source::default();
    while dialed.sockets.len() < count as usize {
        let wanted = BATCH.min(count as usize - dialed.sockets.len());
        let error = dial_batch(address, wanted, &mut source, &mut dialed.sockets).err();
        if let Some(error) = error {
            let missing = count as usize - dialed.sockets.len();
            dialed.refused = Some(format!("{missing} of {count} connections to {address}: {error}"));
            break;
        }
    }
    dialed
}

fn dial_batch(
    address: SocketAddr,
    wanted: usize,
    source: &mut Source,
    sockets: &mut Vec<(TcpStream, u16)>,
) -> Result<(), String> {
    let mut under_way = Vec::with_capacity(wanted);
    let mut error = None;
    while under_way.len() < wanted {
        match begin(address, source) {
            Ok(socket) => under_way.push(socket),
            Err((_, Errno::EADDRNOTAVAIL)) if source.next(address) => {}
            Err((call, errno)) => {
                error = Some(explain(call, errno));
                break;
            }
        }
    }
    let mut last_ns = now_ns();
    while !under_way.is_empty() {
        let before = under_way.len();
        wait(&under_way)?;
        under_way = settle(under_way, sockets, &mut error);
        if under_way.len() < before {
            last_ns = now_ns();
        } else if now_ns() - last_ns > PATIENCE_NS {
            return Err("no answer in 7 s: the server does not accept, or not fast enough".to_owned());
        }
    }
    error.map_or(Ok(()), Err)
}

/// Where connections come from: any address at first, then one loopback address after the other.
#[derive(Debug, Default)]
struct Source {
    address: Option<Ipv4Addr>,
    used: usize,
}

impl Source {
    /// Goes on to the next address. False if there is none.
    fn next(&mut self, to: SocketAddr) -> bool {
        let SocketAddr::V4(to) = to else { return false };
        let last = self.address.map_or(1, |address| address.octets()[3]);
        if !to.ip().is_loopback() || last == 254 {
            return false;
        }
        self.address = Some(Ipv4Addr::new(127, 0, 0, last + 1));
        self.used = 0;
        true
    }
}

/// Begins a connection; says which call failed.
fn begin(address: SocketAddr, source: &mut Source) -> Result<OwnedFd, (&'static str, Errno)> {
    if source.used == PER_SOURCE {
        source.next(address);
    }
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, SockType::Stream, flags, SockProtocol::Tcp).map_err(|e| ("socket", e))?;
    setsockopt(&socket, sockopt::TcpNoDelay, &true).map_err(|e| ("setsockopt(TCP_NODELAY)", e))?;
    if let Some(from) = source.address {
        // The port is chosen by connect, for this destination alone.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)
            .map_err(|e| ("setsockopt(IP_BIND_ADDRESS_NO_PORT)", e))?;
        let from = SockaddrIn::from(std::net::SocketAddrV4::new(from, 0));
        bind(socket.as_raw_fd(), &from).map_err(|e| ("bind", e))?;
    }
    match connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) | Err(Errno::EINPROGRESS | Errno::EINTR) => {
            source.used += 1;
            Ok(socket)
        }
        Err(errno) => Err(("connect", errno)),
    }
}

fn wait(sockets: &[OwnedFd]) -> Result<(), String> {
    let mut watched: Vec<_> =
        sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLOUT)).collect();
    match poll(&mut watched, PollTimeout::from(1_000_u16)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(explain("poll", errno)),
    }
}

/// Sorts out what has connected and what has failed; answers those still under way.
fn settle(
    under_way: Vec<OwnedFd>,
    sockets: &mut Vec<(TcpStream, u16)>,
    error: &mut Option<String>,
) -> Vec<OwnedFd> {
    let mut rest = Vec::new();
    for socket in under_way {
        let stream = TcpStream::from(socket);
        match stream.take_error() {
            Ok(None) => {}
            Ok(Some(failed)) | Err(failed) => {
                let errno = Errno::from_raw(failed.raw_os_error().unwrap_or(0));
                error.get_or_insert_with(|| explain("connect", errno));
                continue;
            }
        }
        match (stream.peer_addr(), stream.local_addr()) {
            // With nobody listening on a port that is free for clients, too, TCP may connect a socket to
            // itself (simultaneous open): an echo that answers everything.
            (Ok(there), Ok(here)) if there == here => {
                error.get_or_insert_with(|| explain("connect", Errno::ECONNREFUSED));
            }
            (Ok(_), Ok(here)) => sockets.push((stream, here.port())),
            // ENOTCONN: not yet.
            _ => rest.push(OwnedFd::from(stream)),
        }
    }
    rest
}

fn explain(call: &str, errno: Errno) -> String {
    let meaning = match errno {
        Errno::ECONNREFUSED => "nobody listens there; is the server still running?",
        Errno::EMFILE => "the limit on descriptors; raise it with ulimit -n",
        Errno::ENFILE => "the machine's limit on open files (fs.file-max)",
        Errno::EADDRNOTAVAIL => "no port is left on this side (net.ipv4.ip_local_port_range)",
        Errno::ECONNRESET => "the server closed it at once",
        other => other.desc(),
    };
    format!("{call}: {errno:?}: {meaning}")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn more_than_the_backlog_while_nobody_accepts_yet() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dialed = dial(listener.local_addr().unwrap(), 100);
        assert_eq!((dialed.sockets.len(), dialed.refused), (100, None));
    }

    #[test]
    fn nobody_listens() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dialed = dial(address, 1_000);
        assert_eq!(dialed.sockets.len(), 0);
        let refused = dialed.refused.unwrap();
        assert!(refused.contains("1000 of 1000") && refused.contains("ECONNREFUSED"), "{refused}");
    }

    #[test]
    fn sources_follow_one_another_on_loopback_only() {
        let mut source = Source::default();
        assert!(source.next("127.0.0.1:1".parse().unwrap()));
        assert_eq!(source.address, Some(Ipv4Addr::new(127, 0, 0, 2)));
        assert!(!source.next("10.0.0.1:1".parse().unwrap()));
        assert!(!source.next("[::1]:1".parse().unwrap()));
        source.address = Some(Ipv4Addr::new(127, 0, 0, 254));
        assert!(!source.next("127.0.0.1:1".parse().unwrap()));
    }
}
