//! The network of the cage, as its keeper sees it: an interface, and sockets.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, setsockopt, socket,
    sockopt,
};

use super::super::order::Order;

/// Brings the loopback interface up (netdevice(7)). A new network namespace has one, and it is down.
pub fn up() -> Result<(), Errno> {
    let control = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all bytes zero is an ifreq without name and flags.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (into, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *into = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is of the size that this ioctl reads, and outlives the call.
    Errno::result(unsafe { libc::ioctl(control.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) })?;
    Ok(())
}

/// The sockets that were ordered.
pub struct Sockets {
    /// The program's.
    pub listener: Option<OwnedFd>,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// The caller's.
    pub backends: Vec<OwnedFd>,
    /// Where those listen.
    pub addresses: Vec<SocketAddr>,
}

impl Sockets {
    /// Makes them.
    pub fn open(order: &Order) -> anyhow::Result<Self> {
        let mut sockets = Self { listener: None, address: None, backends: Vec::new(), addresses: Vec::new() };
        if order.listener {
            // Blocking, as std's listeners are: the program decides.
            let (listener, address) = listening(SockFlag::SOCK_CLOEXEC)?;
            (sockets.listener, sockets.address) = (Some(listener), Some(address));
        }
        for _ in 0..order.backends {
            let (backend, address) = listening(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)?;
            sockets.backends.push(backend);
            sockets.addresses.push(address);
        }
        Ok(sockets)
    }
}

fn listening(flags: SockFlag) -> anyhow::Result<(OwnedFd, SocketAddr)> {
    let listener = socket(AddressFamily::Inet, SockType::Stream, flags, None).context("socket")?;
    setsockopt(&listener, sockopt::ReuseAddr, &true)?;
    let anywhere = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
    bind(listener.as_raw_fd(), &anywhere).context("cannot take a port for the cage")?;
    // Cut to net.core.somaxconn by the kernel.
    let longest = Backlog::new(i32::from(u16::MAX)).unwrap_or(Backlog::MAXCONN);
    listen(&listener, longest).context("listen")?;
    let address: SockaddrIn = getsockname(listener.as_raw_fd()).context("getsockname")?;
    Ok((listener, SocketAddr::V4(SocketAddrV4::from(address))))
}

/// Sockets that are not connected yet, and why there are fewer than asked for. A socket keeps the network it
/// was made in, whoever holds it.
pub fn unconnected(count: usize) -> (Vec<OwnedFd>, Option<String>) {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let mut made = Vec::with_capacity(count);
    while made.len() < count {
        match socket(AddressFamily::Inet, SockType::Stream, flags, None) {
            Ok(socket) => made.push(socket),
            Err(errno) => return (made, Some(format!("socket: {errno}"))),
        }
    }
    (made, None)
}
